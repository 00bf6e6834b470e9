package blocklists

import (
	"net/netip"

	"github.com/keersluis/keersluis/filter"
)

// addressLine reads an address, or a range of one address in CIDR notation. A [filter.Snapshot] holds no wider ranges.
func addressLine(line []byte, emit func(filter.Entry)) string {
	word, rest := nextField(line)
	switch {
	case isComment(word), word[0] == ';':
		return ""
	case len(rest) > 0 && rest[0] != '#' && rest[0] != ';':
		return "more than one word; the ip format has one address a line"
	case len(word) > 64:
		return "not an address"
	}
	if prefix, err := netip.ParsePrefix(string(word)); err == nil {
		if !prefix.IsSingleIP() {
			return "a range of addresses; only single addresses can be on a list"
		}
		emit(filter.Entry{Host: []byte(prefix.Addr().String())})
		return ""
	}
	if a, err := netip.ParseAddr(string(word)); err != nil || a.Zone() != "" {
		return "not an address"
	}
	emit(filter.Entry{Host: word})
	return ""
}
