package filter_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/filter"
)

func TestParseHost(t *testing.T) {
	for _, tt := range []struct{ in, want string }{ // want "": refused
		{"example.org", "example.org"},
		{"WWW.Example.ORG.", "www.example.org"},
		{"_dmarc.example.org", "_dmarc.example.org"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"ｅｘａｍｐｌｅ。ｏｒｇ", "example.org"}, // full width
		{"127.0.0.1", "127.0.0.1"},
		{"１２７.0.0.1", "127.0.0.1"},
		{"::1", "::1"},
		{"[::1]", "::1"},
		{"[::ffff:10.0.0.1]", "10.0.0.1"},
		{"2001:DB8:0::1", "2001:db8::1"},
		{"", ""},
		{".", ""},
		{"example.org..", ""},
		{".example.org", ""},
		{"a..b", ""},
		{"[example.org]", ""},
		{"[127.0.0.1]", ""},
		{"[::1", ""},
		{"fe80::1%eth0", ""},
		{"2130706433", ""},   // decimal 127.0.0.1
		{"0177.1", ""},       // octal
		{"0x7f000001", ""},   // hex
		{"127.1", ""},        // short
		{"example.0x7f", ""}, // WHATWG: ends in a number
		{"user@example.org", ""},
		{"example.org:80", ""},
		{"example.org/x", ""},
		{"exa%6dple.org", ""},
		{"exa mple.org", ""},
		{"a\x00b.org", ""},
		{"0\x800", ""},
		{strings.Repeat("a", 64) + ".nl", ""},
		{strings.Repeat("a.", 127) + "nl", ""},
		{strings.Repeat("字", 5000), ""},
	} {
		h, err := filter.ParseHost(tt.in)
		if got := h.String(); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("ParseHost(%.40q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		host, parent string
		want         bool
	}{
		{"a.example.org", "example.org", true},
		{"example.org", "example.org", true},
		{"badexample.org", "example.org", false},
		{"example.org", "a.example.org", false},
		{"10.1.2.3", "10.1.2.3", true},
		{"hr2.example.org", "hr1.example.org", false},
		{"a.nl", "bc.nl", false},
	} {
		if got := host(t, tt.host).Within(host(t, tt.parent)); got != tt.want {
			t.Errorf("%s within %s = %v, want %v", tt.host, tt.parent, got, tt.want)
		}
	}
	if host(t, "example.org").Within(filter.Host{}) || (filter.Host{}).Within(filter.Host{}) || (filter.Host{}).Within(host(t, "nl")) {
		t.Error("within the zero host, or the zero host within something")
	}
}

func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"example.org", "WWW.Example.ORG.", "bücher.example", "[::1]", "0\x800", "127.0.0.1", "１２７.0.0.1", "xn--0.nl", "a_b.nl"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := filter.ParseHost(s)
		if err != nil {
			if !h.IsZero() {
				t.Fatalf("error and a host: %q", h)
			}
			return
		}
		again, err := filter.ParseHost(h.String())
		if err != nil || again != h {
			t.Fatalf("not idempotent: %q then %q, %v", h, again, err)
		}
		if dotted, err := filter.ParseHost(h.String() + "."); err == nil && dotted != h {
			t.Fatalf("trailing dot makes another place: %q, %q", h, dotted)
		}
		if strings.ContainsAny(h.String(), "/@%#? \t\r\n\x00") || strings.ToLower(h.String()) != h.String() {
			t.Fatalf("not canonical: %q", h)
		}
		if a, ok := h.Addr(); ok != (err == nil && isAddr(h.String())) {
			t.Fatalf("Addr(%q) = %v, %v", h, a, ok)
		}
	})
}

func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// Within says the same as the plain reading of it, for any two hosts.
func FuzzWithin(f *testing.F) {
	f.Add("a.example.org", "example.org")
	f.Add("hr2.example.org", "hr1.example.org")
	f.Add("10.1.2.3", "2.3")
	f.Fuzz(func(t *testing.T, a, b string) {
		h, err1 := filter.ParseHost(a)
		parent, err2 := filter.ParseHost(b)
		if err1 != nil || err2 != nil {
			return
		}
		_, addr := h.Addr()
		want := h == parent || !addr && strings.HasSuffix(h.String(), "."+parent.String())
		if got := h.Within(parent); got != want {
			t.Fatalf("%q within %q = %v, want %v", h, parent, got, want)
		}
	})
}
