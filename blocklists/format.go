package blocklists

import (
	"bytes"
	"fmt"
	"net/netip"
)

// Format is the way a list is written.
type Format string

// The formats.
const (
	Auto    Format = "auto"    // told from the content; a folder is UT1
	Hosts   Format = "hosts"   // "0.0.0.0 name name # comment"
	Domains Format = "domains" // a name a line; "*." or "." before it changes nothing
	UT1     Format = "ut1"     // a squidGuard folder with the files "domains" and "urls", or one such file
)

// Formats returns every format that a configuration may name.
func Formats() []Format { return []Format{Auto, Hosts, Domains, UT1} }

// ParseFormat returns the format called s. "squidguard" is UT1, and nothing is [Auto].
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Auto, Hosts, Domains, UT1:
		return f, nil
	case "":
		return Auto, nil
	case "squidguard":
		return UT1, nil
	}
	return "", fmt.Errorf("unknown list format %q: use %s, %s, %s or %s", s, Auto, Hosts, Domains, UT1)
}

// foreign are openings of lines in formats that exist but aren't read here, so that the error can name them. Some open the
// whole document and say enough alone.
var foreign = []struct {
	prefix, format string
	document       bool
}{
	{"||", "an Adblock list", false},
	{"@@", "an Adblock list", false},
	{"[Adblock", "an Adblock list", true},
	{"address=/", "a dnsmasq file", false},
	{"server=/", "a dnsmasq file", false},
	{"local=/", "a dnsmasq file", false},
	{"local-zone:", "an unbound file", false},
	{"$TTL", "an RPZ zone", true},
	{"$ORIGIN", "an RPZ zone", true},
	{"full:", "a v2fly list", false},
	{"regexp:", "a v2fly list", false},
	{"<!doctype", "a web page", true},
	{"<html", "a web page", true},
	{"<?xml", "an XML document", true},
	{"{", "a JSON document", true},
}

// sampleLines is how many lines that say something are looked at to tell a format.
const sampleLines = 200

// detect tells the format of a text from its beginning: what most of its lines look like.
func detect(head []byte) (Format, error) {
	var hosts, paths, plain, alien int
	var seen string
	for n := 0; n < sampleLines && len(head) > 0; {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		line = trim(line)
		if isComment(line) {
			continue
		}
		n++
		if what, document := foreignTo(line); what != "" {
			seen, alien = what, alien+1
			if n == 1 && document {
				break
			}
			continue
		}
		first, rest := nextField(line)
		switch {
		case len(rest) > 0 && isAddress(first):
			hosts++
		case bytes.IndexByte(first, '/') > 0:
			paths++
		default:
			plain++
		}
	}
	switch {
	case alien > hosts+paths+plain:
		return "", fmt.Errorf("this is %s, and the formats read are hosts, domains and ut1", seen)
	case hosts > paths+plain:
		return Hosts, nil
	case paths > 0:
		return UT1, nil
	}
	return Domains, nil
}

func foreignTo(line []byte) (format string, document bool) {
	for _, f := range foreign {
		if len(line) >= len(f.prefix) && bytes.EqualFold(line[:len(f.prefix)], []byte(f.prefix)) {
			return f.format, f.document
		}
	}
	return "", false
}

func isAddress(b []byte) bool {
	if len(b) == 1 && b[0] == '0' {
		return true
	}
	if len(b) > 64 {
		return false
	}
	_, err := netip.ParseAddr(string(b))
	return err == nil
}
