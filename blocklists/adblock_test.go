package blocklists_test

import (
	"testing"

	"github.com/keersluis/keersluis/blocklists"
)

func TestAdblock(t *testing.T) {
	const (
		cosmetic  = "a rule about what a page looks like"
		exception = "an exception from other rules; write it in policy.yaml if you want it"
		pages     = "an option for requests from certain pages, which the proxy can't tell"
		narrows   = "an option that narrows the rule"
		unbound   = "a pattern that isn't bound to a host; only ||host^ is"
		inName    = "a wildcard inside a name; it may only stand before the first dot"
		inPath    = "a wildcard inside a path"
		some      = "a rule for some requests to the host only"
		endless   = "a rule that ends inside a name; without ^ it means other names too"
	)
	testLines(t, blocklists.Adblock, []lineTest{
		{"||a.example^", []string{"a.example"}, ""},
		{"  ||A.example^\r\n", []string{"A.example"}, ""},
		{"||*.a.example^", []string{"a.example"}, ""},
		{"||a.example^|", []string{"a.example"}, ""},
		{"||a.example|", []string{"a.example"}, ""},
		{"||a.example^$important", []string{"a.example"}, ""},
		{"||a.example^$all", []string{"a.example"}, ""},
		{"||a.example^$important,document", []string{"a.example"}, ""},
		{"||192.0.2.1^", []string{"192.0.2.1"}, ""},
		{"||a.example/x/y", []string{"a.example /x/y"}, ""},
		{"0.0.0.0 a.example", []string{"a.example"}, ""},
		{"! ||a.example^", nil, ""},
		{"[Adblock Plus 2.0]", nil, ""},
		{"# a comment", nil, ""},
		{"########", nil, ""},
		{"##.banner", nil, cosmetic},
		{"###banner", nil, cosmetic},
		{"a.example##.banner", nil, cosmetic},
		{"a.example#@#.banner", nil, cosmetic},
		{"a.example#@?#.banner", nil, cosmetic},
		{"#%#window.x", nil, cosmetic},
		{"@@||a.example^", nil, exception},
		{"@@||a.example^$important", nil, exception},
		{"||a.example^$third-party", nil, pages},
		{"||a.example^$important,domain=b.example", nil, pages},
		{"||example^$denyallow=a.example", nil, "the option denyallow: blocks all but some names; write these in policy.yaml and the rule without it"},
		{"||a.example^$badfilter", nil, "the option badfilter: takes another rule away"},
		{"||a.example^$script", nil, narrows},
		{"||a.example^$dnstype=AAAA", nil, narrows},
		{"||a.example^$client=x", nil, narrows},
		{"/ads[0-9]+/", nil, "a regular expression, or a path of any host"},
		{"|https://a.example^", nil, unbound},
		{"a.example", nil, unbound},
		{".com-id*.info^", nil, unbound},
		{"||a.example", nil, endless},
		{"||a.", nil, endless},
		{"||a.example^ # why", nil, "a blank inside a rule"},
		{"||^", nil, "a rule without a host"},
		{"||a*.example^", nil, inName},
		{"||a*.example/x", nil, inName},
		{"||a.example^*/x", nil, some},
		{"||a.example^x", nil, some},
		{"||a.example/x*y", nil, inPath},
		{"||a.example/x^", nil, inPath},
		{"||a.example/?x", nil, "a rule with a query or a fragment; without it the rule would block more than it says"},
	})
}

func FuzzAdblock(f *testing.F) {
	fuzzParse(f, blocklists.Adblock, "[Adblock]\n||a^$important\n@@||b^\n##c\n0.0.0.0 d\n", "||/\n||a$\n#@", "/a/\n||a/b c\n||a b^")
}
