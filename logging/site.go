package logging

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// What stands in [Record.Site] where a host has no registrable domain that may be kept.
const (
	SiteAddress  = "ip-literal" // the host was an address
	SiteUnlisted = "unlisted"   // a name outside the public suffix list: an internal machine, which may carry its owner's name
)

const (
	maxHost  = 253
	maxSites = 1 << 15 // hosts remembered by a siteCache: a few megabytes
)

// sensitive reports whether hosts of category c say something of a person's health, belief, politics, union, sexuality,
// legal trouble or debts (AVG article 9 and its neighbours): those are recorded without a site. The never-inspect list
// mixes hospitals and unions with banks, so it counts as a whole.
func sensitive(c string) bool {
	switch c {
	case "health", "religion", "politics", "union", "sexuality", "legal-aid", "debt", "never-inspect":
		return true
	}
	return false
}

// siteCache remembers registrable domains. It is emptied when full: the hosts in use are back within a second.
type siteCache map[string]string

func (c siteCache) site(host string) string {
	if s, ok := c[host]; ok {
		return s
	}
	s := siteOf(host)
	if len(host) > maxHost {
		return s
	}
	if len(c) >= maxSites {
		clear(c)
	}
	c[strings.Clone(host)] = s
	return s
}

// siteOf returns the registrable domain of a canonical host, or one of the Site constants; "" of "".
func siteOf(host string) string {
	if host == "" {
		return ""
	}
	if isAddress(host) {
		return SiteAddress
	}
	if !isName(host) {
		return SiteUnlisted
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann && strings.IndexByte(suffix, '.') < 0 {
		return SiteUnlisted // no rule of the list: "printer", "printer.lan"
	}
	if suffix == "arpa" || strings.HasSuffix(suffix, ".arpa") {
		return SiteUnlisted // reverse names are addresses, home.arpa is an internal machine
	}
	if suffix == host {
		return strings.Clone(host)
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return SiteUnlisted
	}
	return strings.Clone(site)
}

// isAddress also says yes to what a browser would take for an address: anything with a colon, and any name whose last
// label begins with a digit.
func isAddress(host string) bool {
	if strings.ContainsRune(host, ':') {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last != "" && last[0] >= '0' && last[0] <= '9' {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// isName reports whether host is made of letters, digits, hyphens, underscores and single dots only. A door gives
// nothing else; if one ever does, a path or a login must not get through.
func isName(host string) bool {
	if len(host) > maxHost {
		return false
	}
	previous := byte('.')
	for i := range len(host) {
		c := host[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.' && previous != '.':
		default:
			return false
		}
		previous = c
	}
	return previous != '.'
}
