package blocklists

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Format is the way a list is written.
type Format string

// The formats.
const (
	Auto    Format = "auto"    // told from the content; a folder is UT1
	Hosts   Format = "hosts"   // "0.0.0.0 name name # comment"
	Domains Format = "domains" // a name a line; "*." or "." before it changes nothing
	Dnsmasq Format = "dnsmasq" // "address=/name/", "server=/name/", "local=/name/"
	Unbound Format = "unbound" // `local-zone: "name" always_null`, `local-data: "name A 0.0.0.0"`
	Adblock Format = "adblock" // "||name^" and what else an Adblock list says of whole hosts
	IP      Format = "ip"      // an address a line
	RPZ     Format = "rpz"     // a response policy zone: "name CNAME ."
	V2Fly   Format = "v2fly"   // a file of domain-list-community, with what it includes from its folder
	UT1     Format = "ut1"     // a squidGuard folder with the files "domains" and "urls", or one such file
)

// Formats returns every format that a configuration may name.
func Formats() []Format {
	return []Format{Auto, Hosts, Domains, Dnsmasq, Unbound, RPZ, Adblock, IP, V2Fly, UT1}
}

// ParseFormat returns the format called s. "squidguard" is UT1, and nothing is [Auto].
func ParseFormat(s string) (Format, error) {
	switch s {
	case "":
		return Auto, nil
	case "squidguard":
		return UT1, nil
	}
	if f := Format(s); slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fmt.Errorf("unknown list format %q: use %s", s, names(Formats()))
}

func names(formats []Format) string {
	words := make([]string, len(formats))
	for i, f := range formats {
		words[i] = string(f)
	}
	return strings.Join(words, ", ")
}

// parser returns a parser for one text in the format f, nil for [Auto].
func (f Format) parser() lineParser {
	switch f {
	case Auto, "":
		return nil
	case Hosts:
		return hostsLine
	case Dnsmasq:
		return dnsmasqLine
	case Unbound:
		return unboundLine
	case RPZ:
		return newRPZ()
	case Adblock:
		return adblockLine
	case IP:
		return addressLine
	case V2Fly:
		return v2flyLine
	case UT1:
		return ut1Line
	}
	return domainsLine
}

// openings are how lines begin that only one format has. Some are the head of a document and say enough alone. What has no
// format of ours is here so that the error can name it.
var openings = []struct {
	prefix string
	format Format
	alien  string
	head   bool
}{
	{"||", Adblock, "", false},
	{"@@", Adblock, "", false},
	{"[uBlock", Adblock, "", true},
	{"[AdGuard", Adblock, "", true},
	{"[Adblock", Adblock, "", true},
	{"address=/", Dnsmasq, "", false},
	{"server=/", Dnsmasq, "", false},
	{"local=/", Dnsmasq, "", false},
	{"server:", Unbound, "", false},
	{"local-zone:", Unbound, "", false},
	{"local-data:", Unbound, "", false},
	{"$TTL", RPZ, "", true},
	{"$ORIGIN", RPZ, "", true},
	{"full:", V2Fly, "", false},
	{"domain:", V2Fly, "", false},
	{"keyword:", V2Fly, "", false},
	{"regexp:", V2Fly, "", false},
	{"include:", V2Fly, "", false},
	{"DOMAIN,", "", "a list of Surge or Clash", false},
	{"DOMAIN-SUFFIX,", "", "a list of Surge or Clash", false},
	{"<!doctype", "", "a web page", true},
	{"<html", "", "a web page", true},
	{"<?xml", "", "an XML document", true},
	{"{", "", "a JSON document", true},
}

// sampleLines is how many lines that say something are looked at to tell a format.
const sampleLines = 200

// detect tells the format of a text from its beginning: what most of its lines look like.
func detect(head []byte) (Format, error) {
	counts := map[Format]int{}
	alien := map[string]int{}
	for n := 0; n < sampleLines && len(head) > 0; {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		line = trim(line)
		if isComment(line) || line[0] == ';' {
			continue
		}
		n++
		format, what, document := opening(line)
		switch {
		case document && n == 1 && what != "":
			return "", foreign(what)
		case document && n == 1:
			return format, nil
		case what != "":
			alien[what]++
		case format != "":
			counts[format]++
		default:
			counts[shape(line)]++
		}
	}
	return choose(counts, alien)
}

// choose returns the format that most lines have.
func choose(counts map[Format]int, alien map[string]int) (Format, error) {
	best, most := Domains, counts[Domains]+counts[UT1] // a list of URLs mostly has names too
	if most > 0 {
		most += counts[IP] // and both have addresses
		delete(counts, IP)
	}
	if counts[UT1] > 0 {
		best = UT1
	}
	if counts[V2Fly] > 0 { // its bare names look like any
		counts[V2Fly] += counts[Domains]
	}
	for _, f := range Formats() {
		if f != Domains && f != UT1 && counts[f] > most {
			best, most = f, counts[f]
		}
	}
	for _, what := range slices.Sorted(maps.Keys(alien)) {
		if alien[what] > most {
			return "", foreign(what)
		}
	}
	return best, nil
}

func foreign(what string) error {
	return fmt.Errorf("this is %s, and the formats read are %s", what, names(Formats()[1:]))
}

// opening returns the format of a line that begins as only one does, or what it is of, and whether that holds for the text.
func opening(line []byte) (format Format, alien string, document bool) {
	for _, o := range openings {
		if len(line) >= len(o.prefix) && bytes.EqualFold(line[:len(o.prefix)], []byte(o.prefix)) {
			return o.format, o.alien, o.head
		}
	}
	return "", "", false
}

// shape returns the format that a line without a telling beginning looks like.
func shape(line []byte) Format {
	first, rest := nextField(line)
	switch {
	case len(rest) > 0 && rest[0] != '#' && rest[0] != ';' && isAddress(first):
		return Hosts
	case isAddress(first), isPrefix(first):
		return IP
	case isCosmetic(line):
		return Adblock
	case bytes.IndexByte(first, '/') > 0:
		return UT1
	case len(rest) > 0 && (rest[0] == '@' || rest[0] == '&'):
		return V2Fly
	case isRecord(rest):
		return RPZ
	}
	return Domains
}

// isRecord reports whether the words behind a name are those of a record that a response policy zone has.
func isRecord(words []byte) bool {
	for range 3 {
		var word []byte
		word, words = nextField(words)
		if bytes.EqualFold(word, []byte("CNAME")) || bytes.EqualFold(word, []byte("SOA")) {
			return true
		}
	}
	return false
}

func isPrefix(b []byte) bool {
	if len(b) > 64 || bytes.IndexByte(b, '/') < 0 {
		return false
	}
	_, err := netip.ParsePrefix(string(b))
	return err == nil
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
