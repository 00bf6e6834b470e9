package blocklists_test

import (
	"testing"

	"github.com/keersluis/keersluis/blocklists"
)

func TestDnsmasq(t *testing.T) {
	const (
		leads   = "the address leads somewhere; only 0.0.0.0, 127.0.0.1, :: and ::1 mean that a name is unwanted"
		sends   = "sends the name to a resolver, which is not to block it"
		setting = "a setting of dnsmasq that names no host to block"
	)
	testLines(t, blocklists.Dnsmasq, []lineTest{
		{"address=/a.example/", []string{"a.example"}, ""},
		{"address=/a.example/#", []string{"a.example"}, ""},
		{"address=/a.example/0.0.0.0", []string{"a.example"}, ""},
		{"address=/a.example/127.0.0.1 # why", []string{"a.example"}, ""},
		{"  address=/A.example./::", []string{"A.example."}, ""},
		{"address=/a.example/b.example/*.c.example/.d.example/0.0.0.0", []string{"a.example", "b.example", "c.example", "d.example"}, ""},
		{"server=/a.example/", []string{"a.example"}, ""},
		{"local=/a.example/", []string{"a.example"}, ""},
		{"# address=/a.example/", nil, ""},
		{"address=/a.example/192.0.2.1", nil, leads},
		{"address=/a.example/2001:db8::1", nil, leads},
		{"server=/a.example/192.0.2.1", nil, sends},
		{"server=/a.example/#", nil, sends},
		{"address=/#/0.0.0.0", nil, "a wildcard for every name"},
		{"address=//0.0.0.0", nil, "a directive without a name"},
		{"address=/a*b.example/", nil, "a wildcard inside a name; it may only stand before the first dot"},
		{"ipset=/a.example/set", nil, "a setting of dnsmasq that blocks nothing; only address, server and local are read"},
		{"address=/a.example", nil, setting},
		{"address=/a.example/ b.example/", nil, setting},
		{"server=192.0.2.1", nil, setting},
		{"no-resolv", nil, setting},
		{"a.example", nil, setting},
	})
}

func FuzzDnsmasq(f *testing.F) {
	fuzzParse(f, blocklists.Dnsmasq, "address=/a/#\nserver=/b/c/\nlocal=/", "address=/#/\n=/\n=//\n")
}
