package filter

import (
	"errors"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxHostText bounds what [ParseHost] hands to IDNA, in bytes: x/net/idna is quadratic (a label of 10 kB takes 1 s).
// A name of 253 characters, each of four UTF-8 bytes, still fits.
const maxHostText = 4 * 253

// Host is the canonical form of a DNS name or an IP address. Two hosts are == exactly when they are the same place to
// a resolver. Only [ParseHost] and [HostOf] make one; the zero Host is no place and is always blocked.
type Host struct{ name string }

var (
	errHostEmpty   = errors.New("empty host")
	errHostLong    = errors.New("host name is too long")
	errHostUTF8    = errors.New("host name is not UTF-8")
	errHostNumeric = errors.New("host name ends in a number but is not an IPv4 address")
	errHostLabel   = errors.New("host name has an empty or too long label")
	errHostIDNA    = errors.New("host name is not a valid internationalised name")
	errHostChar    = errors.New("host name has a character that no host name may have")
)

// profile maps as browsers do for a look-up (UTS 46, non-transitional), without the STD3 rules: real names have
// underscores, and the character set is checked here afterwards.
var profile = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.StrictDomainName(false),
)

// ParseHost returns the canonical form of s: a DNS name in lower-case A-labels (RFC 5890) without the root dot, or an IP
// address, with or without brackets for IPv6. It refuses zone identifiers, names whose last label is numeric (WHATWG URL: such a
// name is an address in disguise) and everything that could mean two places.
func ParseHost(s string) (Host, error) {
	if isCanonical(s) {
		return Host{s}, nil
	}
	return parseHostSlow(s)
}

func parseHostSlow(s string) (Host, error) {
	switch {
	case s == "":
		return Host{}, errHostEmpty
	case len(s) > maxHostText:
		return Host{}, errHostLong
	case !utf8.ValidString(s):
		return Host{}, errHostUTF8
	}
	if s[0] == '[' || strings.IndexByte(s, ':') >= 0 {
		return parseIPv6(s)
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return HostOf(a), nil
	}
	name := strings.TrimSuffix(s, ".")
	if !isASCII(name) || hasUpper(name) || strings.Contains(name, "xn--") {
		var err error
		if name, err = profile.ToASCII(strings.ToLower(name)); err != nil {
			return Host{}, errHostIDNA // not the reason: that repeats the name
		}
		name = strings.TrimSuffix(name, ".")
		if a, err := netip.ParseAddr(name); err == nil { // full-width digits map to an address
			return HostOf(a), nil
		}
	}
	if err := checkName(name); err != nil {
		return Host{}, err
	}
	return Host{name}, nil
}

func parseIPv6(s string) (Host, error) {
	if s[0] == '[' {
		if len(s) < 2 || s[len(s)-1] != ']' || strings.IndexByte(s, ':') < 0 {
			return Host{}, errHostChar
		}
		s = s[1 : len(s)-1]
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return Host{}, errHostChar
	}
	return HostOf(a), nil
}

// HostOf returns the host of an IP address. IPv4 mapped into IPv6 is the IPv4 address; a zone is dropped.
func HostOf(a netip.Addr) Host {
	if !a.IsValid() {
		return Host{}
	}
	return Host{a.Unmap().WithZone("").String()}
}

// String returns the canonical text: lower-case A-labels, or the address without brackets. "" for the zero Host.
func (h Host) String() string { return h.name }

// IsZero reports whether h is no place at all.
func (h Host) IsZero() bool { return h.name == "" }

// Addr returns the address when h is one.
func (h Host) Addr() (netip.Addr, bool) {
	if h.name == "" {
		return netip.Addr{}, false
	}
	if c := h.name[len(h.name)-1]; (c < '0' || c > '9') && strings.IndexByte(h.name, ':') < 0 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(h.name)
	return a, err == nil
}

// Within reports whether h is parent or a name below it. An address is only within itself.
func (h Host) Within(parent Host) bool {
	if h.name == parent.name {
		return parent.name != ""
	}
	cut := len(h.name) - len(parent.name)
	if parent.name == "" || cut < 1 || h.name[cut-1] != '.' || h.name[cut:] != parent.name {
		return false
	}
	_, isAddr := h.Addr()
	return !isAddr
}

// isCanonical reports whether s is its own canonical form, for the names that need no IDNA: the fast path of lists
// and of nearly every request. Addresses and A-labels take the slow path.
func isCanonical[T string | []byte](s T) bool {
	return checkName(s) == nil && !hasALabel(s)
}

// hasALabel reports whether some label looks like an A-label, so that IDNA must have a say.
func hasALabel[T string | []byte](s T) bool {
	for i := 0; i+4 <= len(s); i++ {
		if s[i] == 'x' && s[i+1] == 'n' && s[i+2] == '-' && s[i+3] == '-' {
			return true
		}
	}
	return false
}

// checkName holds the rules of a canonical DNS name: 1-253 bytes, labels of 1-63 of a-z, 0-9, hyphen and underscore, and
// a last label that is no number.
func checkName[T string | []byte](s T) error {
	if len(s) == 0 {
		return errHostEmpty
	}
	if len(s) > 253 {
		return errHostLong
	}
	start := 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if n := i - start; n == 0 || n > 63 {
				return errHostLabel
			}
			if i == len(s) && numeric(s[start:]) {
				return errHostNumeric
			}
			start = i + 1
			continue
		}
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return errHostChar
		}
	}
	return nil
}

// numeric reports whether a last label makes the whole name an IPv4 number in the WHATWG URL sense: all digits, or 0x
// and hexadecimal digits.
func numeric[T string | []byte](label T) bool {
	digits := label
	hex := len(label) >= 2 && label[0] == '0' && label[1] == 'x'
	if hex {
		digits = label[2:]
	}
	for i := 0; i < len(digits); i++ {
		c := digits[i]
		if (c < '0' || c > '9') && (!hex || c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func hasUpper(s string) bool {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}
