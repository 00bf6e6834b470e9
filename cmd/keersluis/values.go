package main

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap/zapcore"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/portal"
	"github.com/keersluis/keersluis/yamlfile"
)

// This file holds the values of keersluis.yaml that have a form of their own.

// listenAddr is an address to listen on: host:port, host an address or empty.
type listenAddr string

// UnmarshalText checks a host:port.
func (l *listenAddr) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return fmt.Errorf("%q is not an address and port, such as 127.0.0.1:3128", text)
	}
	if host != "" && host != "localhost" {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%q is not an IP address; listen on an address of this machine, or leave it empty for all", host)
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	*l = listenAddr(text)
	return nil
}

// logLevel is a zap level as the file spells it.
type logLevel struct{ zapcore.Level }

// UnmarshalText reads debug, info, warn or error.
func (l *logLevel) UnmarshalText(text []byte) error {
	known := []string{"debug", "info", "warn", "error"}
	if !slices.Contains(known, string(text)) {
		return yamlfile.Unknown("level", string(text), known)
	}
	return l.Level.UnmarshalText(text)
}

// logFormat is a format of the operational log as the file spells it.
type logFormat struct{ logging.Format }

// UnmarshalText reads console or json.
func (f *logFormat) UnmarshalText(text []byte) error {
	switch string(text) {
	case "console":
		f.Format = logging.Console
	case "json":
		f.Format = logging.JSON
	default:
		return yamlfile.Unknown("format", string(text), []string{"console", "json"})
	}
	return nil
}

// endpoint is a proxy that a PAC file names.
type endpoint struct{ portal.Endpoint }

// UnmarshalText reads host:port.
func (e *endpoint) UnmarshalText(text []byte) error {
	parsed, err := portal.ParseEndpoint(string(text))
	e.Endpoint = parsed
	return err
}

// upstreamAddr is where a resolver is: an address or a name, with a port, 53 by default.
type upstreamAddr struct {
	host filter.Host
	port uint16
}

// UnmarshalText reads host:port or host.
func (u *upstreamAddr) UnmarshalText(text []byte) error {
	name, port := string(text), "53"
	if _, err := netip.ParseAddr(name); err != nil && strings.Contains(name, ":") {
		if name, port, err = net.SplitHostPort(name); err != nil {
			return fmt.Errorf("%q is not an address and port, such as 10.0.0.53:53", text)
		}
	}
	host, err := filter.ParseHost(name)
	if err != nil {
		return fmt.Errorf("%q is not an address and port, such as 10.0.0.53:53: %w", text, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	*u = upstreamAddr{host, uint16(n)}
	return nil
}

// prefix is an address range, or one address.
type prefix struct{ netip.Prefix }

// UnmarshalText reads a CIDR or an address.
func (p *prefix) UnmarshalText(text []byte) error {
	if a, err := netip.ParseAddr(string(text)); err == nil {
		a = a.Unmap()
		p.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	parsed, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is not an address range, such as 10.1.0.0/16", text)
	}
	if parsed != parsed.Masked() {
		return fmt.Errorf("%s has bits set after the prefix; did you mean %s?", parsed, parsed.Masked())
	}
	p.Prefix = parsed
	return nil
}

// hostName is a DNS name.
type hostName struct{ filter.Host }

// UnmarshalText reads a name in any spelling.
func (h *hostName) UnmarshalText(text []byte) error {
	parsed, err := filter.ParseHost(string(text))
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	h.Host = parsed
	return nil
}

// internalEntry is a name or an address range.
type internalEntry struct {
	host   filter.Host
	prefix netip.Prefix
}

// UnmarshalText reads a CIDR, an address or a name.
func (e *internalEntry) UnmarshalText(text []byte) error {
	var p prefix
	if strings.Contains(string(text), "/") || p.UnmarshalText(text) == nil {
		err := p.UnmarshalText(text)
		e.prefix = p.Prefix
		return err
	}
	var h hostName
	err := h.UnmarshalText(text)
	e.host = h.Host
	return err
}
