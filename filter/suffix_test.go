package filter

import (
	"testing"

	"golang.org/x/net/publicsuffix"
)

// What flatTLD spares the public suffix list is what that list would say.
func TestFlatTLD(t *testing.T) {
	for _, tld := range []string{
		"com", "net", "org", "nl", "de", "xyz", "top", "club", "online", "site", "shop", "live", "vip", "bet", "casino",
		"xxx", "porn", "sex", "cc", "eu", "ch", "app", "dev",
	} {
		for _, label := range []string{"example", "co", "com", "ac", "gov", "org", "net", "edu", "www", "city"} {
			name := label + "." + tld
			suffix, icann := publicsuffix.PublicSuffix(name)
			if icann && suffix == name {
				t.Errorf("%s is a public suffix, but flatTLD(%s) says there is none", name, tld)
			}
		}
		if !flatTLD([]byte(tld)) {
			t.Errorf("flatTLD(%s) = false", tld)
		}
	}
}

func TestAddressIsNoSuffix(t *testing.T) {
	s, complaints, err := Compile(List{Name: "x", Category: "proxy-avoidance", Entries: func(yield func(Entry) bool) {
		_ = yield(Entry{Line: 1, Host: []byte("2606:4700:4700::1111")}) && yield(Entry{Line: 2, Host: []byte("9.9.9.9")})
	}})
	if err != nil || len(complaints) != 0 || s.Len() != 2 {
		t.Errorf("Compile of two addresses: %d entries, %v, %v", s.Len(), complaints, err)
	}
}
