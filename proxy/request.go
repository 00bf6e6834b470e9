package proxy

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/keersluis/keersluis/filter"
)

// errTarget is a request target that could mean more than one place, or none.
var errTarget = errors.New("request target is not in canonical form")

// errMisdirected is a request in a tunnel to another place than the tunnel leads to.
var errMisdirected = errors.New("request is for another place than its tunnel")

// target is where a request goes, read once and strictly. Nothing after it looks at what the client wrote.
type target struct {
	scheme string
	host   filter.Host
	port   uint16
}

// authority returns the host and, where it isn't the scheme's own, the port, as in a Host header.
func (t target) authority() string {
	name := t.host.String()
	if strings.IndexByte(name, ':') >= 0 {
		name = "[" + name + "]"
	}
	if t.port == defaultPort(t.scheme) {
		return name
	}
	return name + ":" + strconv.Itoa(int(t.port))
}

// hostPort returns the host and always the port, as a dialler takes it.
func (t target) hostPort() string {
	return net.JoinHostPort(t.host.String(), strconv.Itoa(int(t.port)))
}

func defaultPort(scheme string) uint16 {
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}

// isLocal reports whether r is for the proxy itself and not a proxy request (RFC 9112 section 3.2.1 and 3.2.4).
func isLocal(r *http.Request) bool {
	return r.Method != http.MethodConnect && (strings.HasPrefix(r.RequestURI, "/") || r.RequestURI == "*")
}

// connectTarget reads the authority-form of a CONNECT (RFC 9112 section 3.2.3): a host and a port, both of them.
func connectTarget(r *http.Request) (target, error) {
	host, port, err := parseAuthority(r.RequestURI, 0)
	if err != nil {
		return target{}, err
	}
	return target{host: host, port: port}, nil
}

// absoluteTarget reads the absolute-form of a proxy request (RFC 9112 section 3.2.2). Only http is served: what is to be
// secret comes in a tunnel. The Host header says nothing beside it and is not looked at.
func absoluteTarget(r *http.Request) (target, error) {
	const scheme = "http://"
	uri := r.RequestURI
	if len(uri) < len(scheme) || !strings.EqualFold(uri[:len(scheme)], scheme) {
		return target{}, errTarget
	}
	authority := uri[len(scheme):]
	if end := strings.IndexAny(authority, "/?#\\"); end >= 0 {
		authority = authority[:end]
	}
	host, port, err := parseAuthority(authority, 80)
	if err != nil {
		return target{}, err
	}
	return target{scheme: "http", host: host, port: port}, checkURL(r)
}

// innerTarget reads the target of a request inside a tunnel. It is the host of the Host header, at the port of the
// tunnel: a tunnel leads to one port, whatever is said inside it.
func innerTarget(r *http.Request, scheme string, port uint16) (target, error) {
	if r.Method == http.MethodConnect || r.URL.IsAbs() || !strings.HasPrefix(r.RequestURI, "/") {
		return target{}, errTarget
	}
	host, named, err := parseAuthority(r.Host, defaultPort(scheme))
	if err != nil {
		return target{}, err
	}
	// Some clients leave the port out whatever it is; one that names another port wants another place.
	if named != port && named != defaultPort(scheme) {
		return target{}, errMisdirected
	}
	return target{scheme: scheme, host: host, port: port}, checkURL(r)
}

// checkURL refuses what a later hop could read differently.
func checkURL(r *http.Request) error {
	if r.URL.User != nil || r.URL.Opaque != "" || strings.ContainsAny(r.RequestURI, "#\\") {
		return errTarget
	}
	return nil
}

// parseAuthority reads host[:port] (RFC 3986 section 3.2, without userinfo). A missing port is fallback; with fallback 0
// it is an error.
func parseAuthority(s string, fallback uint16) (filter.Host, uint16, error) {
	host, port := s, ""
	cut := strings.LastIndexByte(s, ':')
	if strings.HasPrefix(s, "[") {
		cut = strings.IndexByte(s, ']') + 1
		if cut == 0 || cut < len(s) && s[cut] != ':' {
			return filter.Host{}, 0, errTarget
		}
	}
	hasPort := cut >= 0 && cut < len(s)
	if hasPort {
		host, port = s[:cut], s[cut+1:]
	}
	if strings.IndexByte(host, ':') >= 0 && !strings.HasPrefix(host, "[") {
		return filter.Host{}, 0, errTarget
	}
	h, err := filter.ParseHost(host)
	if err != nil {
		return filter.Host{}, 0, errTarget
	}
	if !hasPort {
		if fallback == 0 {
			return filter.Host{}, 0, errTarget
		}
		return h, fallback, nil
	}
	n, err := parsePort(port)
	return h, n, err
}

// parsePort reads a port in its only canonical form.
func parsePort(s string) (uint16, error) {
	if s == "" || len(s) > 5 || s[0] == '0' {
		return 0, errTarget
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, errTarget
		}
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, errTarget
	}
	return uint16(n), nil
}

// decisionPath returns the path that is decided on: the escaped path with what needs no escape written plainly, dot
// segments resolved and slashes not repeated, so that /a/%62, /a/./b and /a//b are all /a/b. What is sent on is the path
// as the client wrote it.
func decisionPath(escaped string) string {
	if escaped == "" || escaped == "/" {
		return "/"
	}
	if isPlainPath(escaped) {
		return escaped
	}
	segments := strings.Split(unescapePlain(escaped), "/")
	kept := make([]string, 0, len(segments))
	for i, s := range segments {
		switch last := i == len(segments)-1; {
		case s == "..":
			kept = kept[:max(0, len(kept)-1)]
			if last {
				kept = append(kept, "")
			}
		case s == "." || s == "":
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// isPlainPath reports whether a path is its own decision path: nearly all are.
func isPlainPath(p string) bool {
	return p[0] == '/' && !strings.Contains(p, "%") && !strings.Contains(p, "//") && !strings.Contains(p, "/.")
}

// unescapePlain writes unreserved characters (RFC 3986 section 2.3) without their escape.
func unescapePlain(p string) string {
	var b strings.Builder
	b.Grow(len(p))
	for i := 0; i < len(p); i++ {
		if p[i] == '%' && i+2 < len(p) {
			hi, ok1 := unhex(p[i+1])
			lo, ok2 := unhex(p[i+2])
			if c := hi<<4 | lo; ok1 && ok2 && isUnreserved(c) {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// request makes the one [filter.Request] of an exchange.
func (t target) request(door filter.Door, r *http.Request, client filter.Client) filter.Request {
	req := filter.Request{Door: door, Client: client, Method: r.Method, Scheme: t.scheme, Host: t.host, Port: t.port}
	if door == filter.HTTP {
		req.Path = decisionPath(r.URL.EscapedPath())
		req.Upload = r.ContentLength != 0
	}
	return req
}
