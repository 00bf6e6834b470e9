package blocklists

import (
	"bytes"
	"cmp"

	"github.com/keersluis/keersluis/filter"
)

// dnsmasqLine reads "address=/name/name/sink", "server=/name/" and "local=/name/" of a dnsmasq configuration. The same
// directives also redirect names and send them to another resolver, or exempt them; those lines are no entries.
func dnsmasqLine(line []byte, emit func(filter.Entry)) string {
	line = trim(line)
	if isComment(line) {
		return ""
	}
	if i := bytes.Index(line, []byte(" #")); i >= 0 {
		line = trim(line[:i])
	}
	directive, value, ok := bytes.Cut(line, []byte("=/"))
	end := bytes.LastIndexByte(value, '/')
	if !ok || end < 0 || bytes.ContainsAny(value, " \t\v\f\r") {
		return "a setting of dnsmasq that names no host to block"
	}
	names, to := value[:end], value[end+1:]
	switch string(bytes.TrimSpace(directive)) {
	case "address":
		if len(to) > 0 && string(to) != "#" && !isSink(to) {
			return reasonLeads
		}
	case "server", "local":
		if len(to) > 0 {
			return "sends the name to a resolver, which is not to block it"
		}
	default:
		return "a setting of dnsmasq that blocks nothing; only address, server and local are read"
	}
	return emitAll(names, emit)
}

// emitAll gives the entries of names with slashes between them.
func emitAll(names []byte, emit func(filter.Entry)) string {
	reason := ""
	for more := true; more; {
		var name []byte
		name, names, more = bytes.Cut(names, []byte("/"))
		switch {
		case len(name) == 0:
			reason = "a directive without a name"
		case string(name) == "#":
			reason = "a wildcard for every name"
		default:
			reason = cmp.Or(emitName(name, emit), reason)
		}
	}
	return reason
}
