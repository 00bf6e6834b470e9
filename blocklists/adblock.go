package blocklists

import (
	"bytes"
	"unicode"

	"github.com/keersluis/keersluis/filter"
)

// adblockLine reads the rules of an Adblock list that are about a host whoever asks: "||host^", with options that say no
// less, and "||host/path". Lines of a hosts file among them are read too. Everything that narrows a rule, or opens what
// another rule closes, is a complaint: leaving the narrowing out would block more than the list says.
func adblockLine(line []byte, emit func(filter.Entry)) string {
	line = trim(line)
	switch {
	case line[0] == '!', line[0] == '[' && line[len(line)-1] == ']', isRuler(line):
		return ""
	case isCosmetic(line):
		return "a rule about what a page looks like"
	case line[0] == '#':
		return ""
	case bytes.HasPrefix(line, []byte("@@")):
		return "an exception from other rules; write it in policy.yaml if you want it"
	case line[0] == '/':
		return "a regular expression, or a path of any host"
	case bytes.HasPrefix(line, []byte("||")):
		return adblockHost(line[2:], emit)
	}
	if first, rest := nextField(line); len(rest) > 0 && isAddress(first) {
		return hostsLine(line, emit)
	}
	return "a pattern that isn't bound to a host; only ||host^ is"
}

func adblockHost(rule []byte, emit func(filter.Entry)) string {
	rule, options, _ := bytes.Cut(rule, []byte("$"))
	if reason := narrowing(options); reason != "" {
		return reason
	}
	end := bytes.IndexAny(rule, "^/|")
	switch {
	case bytes.IndexFunc(rule, unicode.IsSpace) >= 0:
		return "a blank inside a rule"
	case end < 0:
		return "a rule that ends inside a name; without ^ it means other names too"
	case end == 0:
		return "a rule without a host"
	case rule[end] == '/':
		return adblockPath(rule[:end], rule[end:], emit)
	}
	if rest := string(rule[end:]); rest != "^" && rest != "^|" && rest != "|" {
		return "a rule for some requests to the host only"
	}
	return emitName(rule[:end], emit)
}

func adblockPath(host, path []byte, emit func(filter.Entry)) string {
	switch {
	case bytes.ContainsAny(path, "?#&"):
		return reasonQuery
	case bytes.ContainsAny(path, "*^|"):
		return "a wildcard inside a path"
	case bytes.IndexByte(host, '*') >= 0:
		return "a wildcard inside a name; it may only stand before the first dot"
	}
	emit(filter.Entry{Host: host, Path: escapePath(path)})
	return ""
}

// narrowing returns why a rule with these options isn't for every request to its host, or "".
func narrowing(options []byte) string {
	for len(options) > 0 {
		var option []byte
		option, options, _ = bytes.Cut(options, []byte(","))
		name, _, _ := bytes.Cut(option, []byte("="))
		switch string(bytes.ToLower(bytes.TrimSpace(name))) {
		case "important", "all", "document", "doc":
			// No exception of the list is read that an important rule could be stronger than.
		case "denyallow":
			return "the option denyallow: blocks all but some names; write these in policy.yaml and the rule without it"
		case "badfilter":
			return "the option badfilter: takes another rule away"
		case "third-party", "3p", "~first-party", "domain", "from":
			return "an option for requests from certain pages, which the proxy can't tell"
		default:
			return "an option that narrows the rule"
		}
	}
	return ""
}

// isCosmetic reports whether a rule has one of the marks between hosts and selectors: ##, #@#, #?#, #$#, #%# and pairs.
func isCosmetic(line []byte) bool {
	for {
		i := bytes.IndexByte(line, '#')
		if i < 0 {
			return false
		}
		line = bytes.TrimLeft(line[i+1:], "@?$%")
		if len(line) > 0 && line[0] == '#' {
			return true
		}
	}
}

// isRuler reports whether a line is an ornament of comments.
func isRuler(line []byte) bool { return len(bytes.Trim(line, "#")) == 0 }
