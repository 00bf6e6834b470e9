package resolver

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// fate is what becomes of a name that this resolver knows by itself.
type fate uint8

const (
	forward  fate = iota // nothing special: ask an upstream
	noName               // NXDOMAIN
	noData               // exists, without any data
	loopback             // has the loopback addresses
)

// special returns the fate of name, in canonical text.
func special(name string) fate {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "localhost":
		return loopback
	case "invalid", "onion", "alt":
		return noName
	case "net":
		if below(name, "use-application-dns.net") {
			return noName
		}
	case "com":
		if below(name, "mask.icloud.com") || below(name, "mask-h2.icloud.com") {
			return noName
		}
	case "arpa":
		if below(name, "resolver.arpa") {
			return noData
		}
		if a, ok := reverse(name); ok && notGlobal(a) {
			return noName
		}
	}
	return forward
}

// below reports whether name is parent or a name below it.
func below(name, parent string) bool {
	rest, ok := strings.CutSuffix(name, parent)
	return ok && (rest == "" || rest[len(rest)-1] == '.')
}

// appendSpecial appends the answer to q of fate f, which is not forward.
func appendSpecial(dst []byte, q *query, f fate) []byte {
	switch {
	case f == noName:
		return appendNegative(dst, q, dns.RcodeNameError, edeNone, "")
	case f == loopback && q.qtype == dns.TypeA:
		return appendData(dst, q, dns.TypeA, "\x7f\x00\x00\x01")
	case f == loopback && q.qtype == dns.TypeAAAA:
		return appendData(dst, q, dns.TypeAAAA, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	}
	return appendNegative(dst, q, dns.RcodeSuccess, edeNone, "")
}

// reverse returns the first address of the range whose reverse name is name: of 168.192.in-addr.arpa, 192.168.0.0. When
// that is not global, the whole range isn't: no range of notGlobal begins where a larger public one does.
func reverse(name string) (netip.Addr, bool) {
	if labels, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		return reverseV4(labels)
	}
	if labels, ok := strings.CutSuffix(name, ".ip6.arpa"); ok {
		return reverseV6(labels)
	}
	return netip.Addr{}, false
}

func reverseV4(labels string) (netip.Addr, bool) {
	var b [4]byte
	n := 0
	for ; n < len(b) && labels != ""; n++ {
		cut := strings.LastIndexByte(labels, '.')
		v, err := strconv.ParseUint(labels[cut+1:], 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		b[n] = byte(v)
		labels = labels[:max(cut, 0)]
	}
	return netip.AddrFrom4(b), true
}

func reverseV6(labels string) (netip.Addr, bool) {
	var b [16]byte
	n := 0
	for ; n < 2*len(b) && labels != ""; n++ {
		cut := strings.LastIndexByte(labels, '.')
		v, err := strconv.ParseUint(labels[cut+1:], 16, 4)
		if err != nil {
			return netip.Addr{}, false
		}
		b[n/2] |= byte(v) << (4 * (1 - n%2))
		labels = labels[:max(cut, 0)]
	}
	a := netip.AddrFrom16(b)
	return a, n == 2*len(b) || !a.IsUnspecified() // of ::/128 and ::1/128 only the whole name will do
}

// shared is the address space of carrier-grade NAT (RFC 6598, RFC 7793).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// notGlobal reports whether a is of a range whose reverse names no public server knows (RFC 6303, RFC 7793).
func notGlobal(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() ||
		shared.Contains(a) || a.Is4() && a.As4()[0] == 0
}
