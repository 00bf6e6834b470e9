package blocklists_test

import (
	"testing"

	"github.com/keersluis/keersluis/blocklists"
)

func TestUnbound(t *testing.T) {
	const (
		nothing = "a type of local-zone that blocks nothing"
		record  = "a record that blocks nothing; only A and AAAA to nowhere do"
		setting = "a setting of unbound that blocks nothing; only local-zone and local-data are read"
	)
	testLines(t, blocklists.Unbound, []lineTest{
		{"server:", nil, ""},
		{"  # local-zone: x", nil, ""},
		{`local-zone: "a.example." always_null`, []string{"a.example."}, ""},
		{`  local-zone: 'a.example' always_nxdomain # why`, []string{"a.example"}, ""},
		{`local-zone: a.example refuse`, []string{"a.example"}, ""},
		{`local-zone: "*.a.example" static`, []string{"a.example"}, ""},
		{`local-zone: "www.google.com" redirect`, nil, ""},
		{`local-data: "a.example A 0.0.0.0"`, []string{"a.example"}, ""},
		{`local-data: 'a.example. 3600 IN AAAA ::'`, []string{"a.example."}, ""},
		{`local-data: "a.example 1h a 127.0.0.1"`, []string{"a.example"}, ""},
		{`local-data: "www.google.com CNAME forcesafesearch.google.com"`, nil, record},
		{`local-data: "a.example TXT x"`, nil, record},
		{`local-data: "a.example"`, nil, record},
		{`local-data: "a.example A 192.0.2.1"`, nil, "the address leads somewhere; only 0.0.0.0, 127.0.0.1, :: and ::1 mean that a name is unwanted"},
		{`local-data: "a.example A`, nil, "a local-data needs a record in quotes"},
		{`local-zone: "a.example" transparent`, nil, nothing},
		{`local-zone: "a.example" typetransparent`, nil, nothing},
		{`local-zone: "a.example" nodefault`, nil, nothing},
		{`local-zone: "a.example"`, nil, "a local-zone needs a name and a type"},
		{`local-zone: "a.example`, nil, "a local-zone needs a name and a type"},
		{`local-zone: "a.example b.example" refuse`, nil, "a local-zone needs a name and a type"},
		{`local-zone:`, nil, "a local-zone needs a name and a type"},
		{`local-zone: "." refuse`, nil, "a wildcard for every name"},
		{`local-data-ptr: "192.0.2.1 a.example"`, nil, setting},
		{`forward-zone:`, nil, setting},
	})
}

func FuzzUnbound(f *testing.F) {
	fuzzParse(f, blocklists.Unbound, "server:\nlocal-zone: \"a.\" always_null\nlocal-data: 'a 1h IN A ::'\n", "local-zone: \"\nlocal-data: \"\"\n")
}
