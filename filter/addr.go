package filter

import (
	"net/netip"
	"slices"
)

// opens reports whether the organisation opened a, asked for as host.
func (i *Internal) opens(host Host, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) ||
		slices.ContainsFunc(i.Names, func(name Host) bool { return host.Within(name) })
}

// inside is every range that is no destination on the public internet, beyond what netip itself knows: RFC 6890 and its
// updates. IPv4 hidden in an IPv6 address is looked at by [isInternal].
var inside = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network (RFC 791)
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT (RFC 6598)
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF assignments (RFC 6890)
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation (RFC 5737)
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relay (RFC 7526)
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarking (RFC 2544)
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("64:ff9b:1::/48"),  // local NAT64 (RFC 8215)
	netip.MustParsePrefix("100::/64"),        // discard (RFC 6666)
	netip.MustParsePrefix("2001::/32"),       // Teredo (RFC 4380): hides an IPv4 address behind a stranger's relay
	netip.MustParsePrefix("2001:2::/48"),     // benchmarking (RFC 5180)
	netip.MustParsePrefix("2001:db8::/32"),   // documentation (RFC 3849)
	netip.MustParsePrefix("3fff::/20"),       // documentation (RFC 9637)
	netip.MustParsePrefix("5f00::/16"),       // segment routing (RFC 9602)
	netip.MustParsePrefix("fec0::/10"),       // site-local (RFC 3879)
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixTo4 = netip.MustParsePrefix("2002::/16")    // RFC 3056
	compat = netip.MustParsePrefix("::/96")        // IPv4-compatible, deprecated (RFC 4291)
)

// isInternal reports whether a is inside: loopback, private, link-local (the cloud's metadata service among them),
// multicast, reserved, or an IPv6 address that embeds such an IPv4 address.
func isInternal(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return true
	}
	if v4, ok := embedded(a); ok {
		return isInternal(v4)
	}
	return slices.ContainsFunc(inside[:], func(p netip.Prefix) bool { return p.Contains(a) })
}

// embedded returns the IPv4 address inside an IPv6 address of the forms that a router would forward to it.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return netip.Addr{}, false
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), compat.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixTo4.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
