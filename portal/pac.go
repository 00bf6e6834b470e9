package portal

import (
	_ "embed" // the script
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/keersluis/keersluis/filter"
)

//go:embed pac.js
var pacText string

// PAC is a proxy auto-configuration: which proxies a browser uses, and for what it uses none. Without proxies there is
// no configuration, since an empty one would send everything direct.
type PAC struct {
	Proxies  []Endpoint    // in order: a browser takes the next when one does not answer
	Internal []filter.Host // reached without a proxy, with every name below
}

// Endpoint is where a proxy listens, as a browser is told. The zero Host is the host that the configuration was asked from: the
// right answer for a proxy that listens on every address of the machine that the portal is on.
type Endpoint struct {
	Host filter.Host
	Port uint16
}

var errPort = errors.New("the port is not a number from 1 to 65535")

// ParseEndpoint reads host:port. An empty or unspecified host (0.0.0.0, [::]) gives the zero Host.
func ParseEndpoint(s string) (Endpoint, error) {
	name, number, err := net.SplitHostPort(s)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read proxy %q: %w", s, err)
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 {
		return Endpoint{}, fmt.Errorf("read proxy %q: %w", s, errPort)
	}
	if name == "" {
		return Endpoint{Port: uint16(port)}, nil
	}
	host, err := filter.ParseHost(name)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read proxy %q: %w", s, err)
	}
	if a, ok := host.Addr(); ok && a.IsUnspecified() {
		host = filter.Host{}
	}
	return Endpoint{Host: host, Port: uint16(port)}, nil
}

// Script returns the configuration in JavaScript for a browser that asked for it from the host asked. It is "" when there
// is no proxy to name.
func (p PAC) Script(asked filter.Host) string {
	var proxies []string
	for _, e := range p.Proxies {
		if e.Host.IsZero() {
			e.Host = asked
		}
		if e.Host.IsZero() || e.Port == 0 {
			continue
		}
		proxies = append(proxies, "PROXY "+net.JoinHostPort(e.Host.String(), strconv.Itoa(int(e.Port))))
	}
	if len(proxies) == 0 {
		return ""
	}
	internal := make([]string, 0, len(p.Internal))
	for _, h := range p.Internal {
		if !h.IsZero() {
			internal = append(internal, h.String())
		}
	}
	return strings.NewReplacer(
		"{{PROXIES}}", literal(strings.Join(proxies, "; ")),
		"{{INTERNAL}}", literal(internal),
	).Replace(pacText)
}

// literal returns v, which is made of strings, as JavaScript: JSON is a part of it.
func literal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return `""`
	}
	return string(b)
}
