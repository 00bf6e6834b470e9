package blocklists

import (
	"bytes"

	"github.com/keersluis/keersluis/filter"
)

// unboundLine reads `local-zone: "name" type` and `local-data: "name A 0.0.0.0"` of an unbound configuration. A zone of the
// type redirect says nothing alone: with an address that leads somewhere it is how SafeSearch is forced.
func unboundLine(line []byte, emit func(filter.Entry)) string {
	if isComment(line) {
		return ""
	}
	key, value := nextField(line)
	switch string(key) {
	case "server:":
		return ""
	case "local-zone:":
		return unboundZone(value, emit)
	case "local-data:":
		return unboundData(value, emit)
	}
	return "a setting of unbound that blocks nothing; only local-zone and local-data are read"
}

func unboundZone(value []byte, emit func(filter.Entry)) string {
	name, rest, ok := unquote(value)
	kind, _ := nextField(uncomment(rest))
	if !ok || len(name) == 0 || len(kind) == 0 || bytes.ContainsAny(name, " \t\v\f\r") {
		return "a local-zone needs a name and a type"
	}
	switch string(bytes.Trim(kind, `"'`)) {
	case "always_null", "always_nxdomain", "always_nodata", "always_refuse", "always_deny", "refuse", "deny", "static",
		"inform_deny", "block_a":
		return emitName(name, emit)
	case "redirect", "inform_redirect": // its local-data says where to
		return ""
	}
	return "a type of local-zone that blocks nothing"
}

func unboundData(value []byte, emit func(filter.Entry)) string {
	record, _, ok := unquote(value)
	if !ok || len(record) == 0 {
		return "a local-data needs a record in quotes"
	}
	name, rest := nextField(record)
	var kind, data []byte
	for len(rest) > 0 && len(data) == 0 {
		var word []byte
		word, rest = nextField(rest)
		switch {
		case len(kind) > 0:
			data = word
		case isTTL(word), bytes.EqualFold(word, []byte("IN")):
		default:
			kind = word
		}
	}
	switch {
	case !bytes.EqualFold(kind, []byte("A")) && !bytes.EqualFold(kind, []byte("AAAA")):
		return "a record that blocks nothing; only A and AAAA to nowhere do"
	case !isSink(data):
		return reasonLeads
	}
	return emitName(name, emit)
}

// unquote splits a word or a quoted text off. It reports whether the quotes are whole.
func unquote(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
		text, rest = nextField(b)
		return text, rest, true
	}
	end := bytes.IndexByte(b[1:], b[0])
	if end < 0 {
		return nil, nil, false
	}
	return trim(b[1 : 1+end]), b[end+2:], true
}

// isTTL reports whether a word is a time to live: 3600, 1h30m (RFC 2308 and the master files of BIND).
func isTTL(word []byte) bool {
	for _, c := range word {
		if (c < '0' || c > '9') && bytes.IndexByte([]byte("smhdwSMHDW"), c) < 0 {
			return false
		}
	}
	return len(word) > 0 && word[0] >= '0' && word[0] <= '9'
}
