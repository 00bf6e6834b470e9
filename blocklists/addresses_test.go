package blocklists_test

import (
	"testing"

	"github.com/keersluis/keersluis/blocklists"
)

func TestAddresses(t *testing.T) {
	const (
		spread = "a range of addresses; only single addresses can be on a list"
		none   = "not an address"
	)
	testLines(t, blocklists.IP, []lineTest{
		{"192.0.2.1", []string{"192.0.2.1"}, ""},
		{" 2001:db8::1 # why", []string{"2001:db8::1"}, ""},
		{"192.0.2.1/32 ; SBL1", []string{"192.0.2.1"}, ""},
		{"2001:db8::1/128", []string{"2001:db8::1"}, ""},
		{"# 192.0.2.1", nil, ""},
		{"; Spamhaus", nil, ""},
		{"192.0.2.0/24", nil, spread},
		{"2001:db8::/32", nil, spread},
		{"0.0.0.0/0", nil, spread},
		{"192.0.2.1-192.0.2.9", nil, none},
		{"192.0.2.1:80", nil, none},
		{"fe80::1%eth0", nil, none},
		{"a.example", nil, none},
		{"192.0.2.1 a.example", nil, "more than one word; the ip format has one address a line"},
	})
}

func FuzzAddresses(f *testing.F) {
	fuzzParse(f, blocklists.IP, "192.0.2.1\n192.0.2.1/32\n::/0\n::ffff:1.2.3.4/128\n", "; x\n1%a\n")
}
