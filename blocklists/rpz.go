package blocklists

import (
	"bytes"
	"strings"

	"github.com/keersluis/keersluis/filter"
)

// rpz reads a response policy zone (draft-vixie-dnsop-dns-rpz), as far as it says "no such name" or "no data" of a name: a
// scanner of lines, not of zone files at large. Policies that let through, redirect or look at addresses are no entries.
type rpz struct {
	zone   string // absolute, without the root dot; "" until the text says it
	below  string // what $ORIGIN has before zone: the rest of every relative trigger
	owner  string // of the record before; a line that begins with a blank has the same
	last   string // trigger of the last entry: `x` and `*.x` are one
	inside bool   // the parentheses of an SOA
	lost   bool   // below an $ORIGIN outside the zone
}

func newRPZ() lineParser { return (&rpz{}).line }

func (z *rpz) line(line []byte, emit func(filter.Entry)) string {
	if i := bytes.IndexByte(line, ';'); i >= 0 {
		line = trimEnd(line[:i])
	}
	if len(line) == 0 {
		return ""
	}
	if z.inside {
		z.inside = bytes.IndexByte(line, ')') < 0
		return ""
	}
	if line[0] == '$' {
		return z.directive(line)
	}
	rest := line
	if !isBlank(line[0]) {
		var owner []byte
		owner, rest = nextField(line)
		if string(owner) != z.owner {
			z.owner = string(owner)
		}
	}
	return z.record(rest, emit)
}

func (z *rpz) directive(line []byte) string {
	word, value := nextField(line)
	switch strings.ToUpper(string(word)) {
	case "$TTL":
		return ""
	case "$ORIGIN":
		name, _ := nextField(value)
		origin, absolute := strings.CutSuffix(strings.ToLower(string(name)), ".")
		switch {
		case origin == "":
			return "an $ORIGIN that is no zone"
		case !absolute:
			z.below = join(origin, z.below)
		case z.zone == "":
			z.zone, z.below = origin, ""
		default:
			below, ok := within(origin, z.zone)
			if z.lost = !ok; z.lost {
				return "an $ORIGIN outside the zone"
			}
			z.below = below
		}
		return ""
	}
	return "a directive that is not read; only $TTL and $ORIGIN are"
}

// record reads what stands behind the owner.
func (z *rpz) record(rest []byte, emit func(filter.Entry)) string {
	word, rest := nextField(rest)
	for isTTL(word) || bytes.EqualFold(word, []byte("IN")) {
		word, rest = nextField(rest)
	}
	data, _ := nextField(rest)
	switch strings.ToUpper(string(word)) {
	case "SOA":
		if origin, absolute := strings.CutSuffix(strings.ToLower(z.owner), "."); absolute && z.zone == "" {
			z.zone = origin
		}
		z.inside = bytes.IndexByte(rest, '(') >= 0 && bytes.IndexByte(rest, ')') < 0
		return ""
	case "NS":
		return ""
	case "CNAME":
		if reason := policy(data); reason != "" {
			return reason
		}
	case "A", "AAAA":
		if !isSink(data) {
			return reasonLeads
		}
	case "":
		return "no record"
	default:
		return "a record that blocks nothing; only CNAME, A and AAAA do"
	}
	return z.trigger(emit)
}

// policy returns why the target of a CNAME isn't to block.
func policy(target []byte) string {
	switch strings.ToLower(string(target)) {
	case ".", "*.", "rpz-drop.":
		return ""
	case "":
		return "no record"
	case "rpz-passthru.":
		return "lets the name through; write an exception in policy.yaml"
	case "rpz-tcp-only.":
		return "blocks nothing: it asks the client to use TCP"
	}
	return "redirects the name, which this product doesn't do"
}

// trigger gives the entry of the owner, unless it is no name or the same as before.
func (z *rpz) trigger(emit func(filter.Entry)) string {
	if strings.IndexByte(z.owner, '\\') >= 0 {
		return "an escaped name"
	}
	name, absolute := strings.CutSuffix(z.owner, ".")
	if absolute {
		if z.zone == "" {
			return "an absolute name, and nothing says what the zone is"
		}
		below, ok := within(strings.ToLower(name), z.zone)
		if !ok {
			return "a name outside the zone"
		}
		name = below
	} else if z.lost {
		return "a name outside the zone"
	} else if z.below != "" {
		name = join(name, z.below)
	}
	if name == "" || name == "@" {
		return "a policy for the zone itself"
	}
	if label := name[strings.LastIndexByte(name, '.')+1:]; strings.HasPrefix(label, "rpz-") {
		return "a trigger that is no name asked for: " + label[:min(len(label), 16)]
	}
	name = strings.TrimPrefix(name, "*.")
	if name == z.last {
		return ""
	}
	z.last = name
	return emitName([]byte(name), emit)
}

// within returns what a name has before a zone, and whether it lies in it.
func within(name, zone string) (string, bool) {
	rest, ok := strings.CutSuffix(name, zone)
	if !ok || rest != "" && rest[len(rest)-1] != '.' {
		return "", false
	}
	return strings.TrimSuffix(rest, "."), true
}

func join(name, rest string) string {
	if name == "@" || name == "" {
		return rest
	}
	if rest == "" {
		return name
	}
	return name + "." + rest
}
