package blocklists_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keersluis/keersluis/blocklists"
)

func TestRPZ(t *testing.T) {
	const absolute = "an absolute name, and nothing says what the zone is"
	testLines(t, blocklists.RPZ, []lineTest{
		{"a.example CNAME .", []string{"a.example"}, ""},
		{"*.a.example CNAME .", []string{"a.example"}, ""},
		{"a.example 3600 IN CNAME *. ; why", []string{"a.example"}, ""},
		{"a.example\tin\t1h\tcname\trpz-drop.", []string{"a.example"}, ""},
		{"a.example A 0.0.0.0", []string{"a.example"}, ""},
		{"a.example AAAA ::", []string{"a.example"}, ""},
		{"; a.example CNAME .", nil, ""},
		{"$TTL 3600", nil, ""},
		{"@ SOA localhost. root.localhost. 1 2 3 4 5", nil, ""},
		{"  NS localhost.", nil, ""},
		{"a.example CNAME rpz-passthru.", nil, "lets the name through; write an exception in policy.yaml"},
		{"a.example CNAME rpz-tcp-only.", nil, "blocks nothing: it asks the client to use TCP"},
		{"www.google.com CNAME forcesafesearch.google.com.", nil, "redirects the name, which this product doesn't do"},
		{"a.example A 192.0.2.1", nil, "the address leads somewhere; only 0.0.0.0, 127.0.0.1, :: and ::1 mean that a name is unwanted"},
		{"a.example TXT x", nil, "a record that blocks nothing; only CNAME, A and AAAA do"},
		{"a.example", nil, "no record"},
		{"a.example CNAME", nil, "no record"},
		{"32.1.2.0.192.rpz-ip CNAME .", nil, "a trigger that is no name asked for: rpz-ip"},
		{"ns.example.rpz-nsdname CNAME .", nil, "a trigger that is no name asked for: rpz-nsdname"},
		{"a.example. CNAME .", nil, absolute},
		{`a\.b.example CNAME .`, nil, "an escaped name"},
		{"@ CNAME .", nil, "a policy for the zone itself"},
		{"* CNAME .", nil, "a wildcard inside a name; it may only stand before the first dot"},
		{"$INCLUDE x", nil, "a directive that is not read; only $TTL and $ORIGIN are"},
		{"$ORIGIN .", nil, "an $ORIGIN that is no zone"},
	})
}

func TestRPZZone(t *testing.T) {
	const zone = `$TTL 5
$ORIGIN Rpz.example.
@ IN SOA localhost. root.localhost. ( 1
	3600 600
	2592000 3600 )
  IN NS localhost.
a.test CNAME .
*.a.test CNAME .
b.test.rpz.example. CNAME .
c.test.other.example. CNAME .
	A 0.0.0.0
$ORIGIN test.rpz.example.
d CNAME .
$ORIGIN sub
e CNAME .
@ CNAME .
$ORIGIN elsewhere.example.
g CNAME .
$ORIGIN rpz.example.
f.test CNAME .
`
	entries, complaints := read(t, strings.NewReader(zone), blocklists.Auto)
	if diff := cmp.Diff([]string{"7 a.test", "9 b.test", "13 d.test", "15 e.sub.test", "16 sub.test", "20 f.test"}, entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"10 a name outside the zone", "11 a name outside the zone", "17 an $ORIGIN outside the zone", "18 a name outside the zone",
	}, complaints); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}
}

func FuzzRPZ(f *testing.F) {
	fuzzParse(f, blocklists.RPZ, "$TTL 1\n$ORIGIN r.\n@ SOA a b (1\n2)\n NS x.\na CNAME .\n*.a CNAME .\nb.r. A ::\n", "$ORIGIN a\n$ORIGIN a\n;\n\\")
}
