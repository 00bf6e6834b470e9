package portal_test

import (
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/portal"
)

// browserFunctions is what a browser gives a configuration: the one function that ours may use, and those that look up names
// and so may not be used.
const browserFunctions = `
function dnsDomainIs(host, domain) { return host.length >= domain.length && host.substring(host.length - domain.length) === domain; }
function refuse() { throw new Error("a name was looked up"); }
var dnsResolve = refuse, isInNet = refuse, isResolvable = refuse, myIpAddress = refuse, dnsResolveEx = refuse, isInNetEx = refuse;
`

// find returns FindProxyForURL of script.
func find(t testing.TB, script string) func(url, host string) string {
	t.Helper()
	vm := goja.New()
	if _, err := vm.RunString(browserFunctions + script); err != nil {
		t.Fatalf("the configuration is not JavaScript: %v", err)
	}
	var f func(url, host string) string
	if err := vm.ExportTo(vm.Get("FindProxyForURL"), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPAC(t *testing.T) {
	const proxies = "PROXY 192.0.2.1:3128; PROXY proxy2.voorbeeld.nl:3128"
	f := find(t, config(t).PAC.Script(host(t, "192.0.2.1")))
	tests := []struct{ host, want string }{
		{"www.example.org", proxies},
		{"WWW.example.org.", proxies},

		{"intern.voorbeeld.nl", "DIRECT"},
		{"Intern.Voorbeeld.NL.", "DIRECT"},
		{"hr.intern.voorbeeld.nl", "DIRECT"},
		{"hr.intern.voorbeeld.nl.", "DIRECT"},
		{"evilintern.voorbeeld.nl", proxies},
		{"intern.voorbeeld.nl.evil.example", proxies},
		{"voorbeeld.nl", proxies},
		{"203.0.113.9", "DIRECT"},

		{"intranet", "DIRECT"},
		{"localhost", "DIRECT"},
		{"ai.", proxies},
		{"", "DIRECT"},

		{"9.255.255.255", proxies},
		{"10.0.0.0", "DIRECT"},
		{"10.255.255.255", "DIRECT"},
		{"11.0.0.0", proxies},
		{"126.255.255.255", proxies},
		{"127.0.0.1", "DIRECT"},
		{"127.255.255.255", "DIRECT"},
		{"128.0.0.0", proxies},
		{"169.253.255.255", proxies},
		{"169.254.169.254", "DIRECT"},
		{"169.255.0.0", proxies},
		{"172.15.255.255", proxies},
		{"172.16.0.0", "DIRECT"},
		{"172.31.255.255", "DIRECT"},
		{"172.32.0.0", proxies},
		{"192.167.255.255", proxies},
		{"192.168.0.0", "DIRECT"},
		{"192.168.255.255", "DIRECT"},
		{"192.169.0.0", proxies},
		{"010.0.0.1", proxies},
		{"10.0.0.256", proxies},
		{"10.0.0.1.example.org", proxies},
		{"10.example.org", proxies},

		{"::1", "DIRECT"},
		{"[::1]", "DIRECT"},
		{"::2", proxies},
		{"fbff::1", proxies},
		{"fc00::1", "DIRECT"},
		{"FDFF:ffff::1", "DIRECT"},
		{"fe00::1", proxies},
		{"fe7f::1", proxies},
		{"fe80::1", "DIRECT"},
		{"febf::1", "DIRECT"},
		{"fec0::1", proxies},
		{"fc::1", proxies},
		{"2001:db8::1", proxies},
		{"[2001:db8::1]", proxies},
		{"::ffff:10.0.0.1", proxies},
	}
	for _, test := range tests {
		if got := f("https://"+test.host+"/", test.host); got != test.want {
			t.Errorf("FindProxyForURL(%q) = %q, want %q", test.host, got, test.want)
		}
	}
}

func TestScript(t *testing.T) {
	tests := []struct {
		name    string
		proxies []string
		asked   string
		want    string // for a site outside; "" where there is no script
	}{
		{"none", nil, "192.0.2.1", ""},
		{"one", []string{"127.0.0.1:3128"}, "192.0.2.1", "PROXY 127.0.0.1:3128"},
		{"everywhere", []string{"0.0.0.0:3128"}, "192.0.2.1", "PROXY 192.0.2.1:3128"},
		{"everywhere, by name", []string{"[::]:3128"}, "wpad.voorbeeld.nl", "PROXY wpad.voorbeeld.nl:3128"},
		{"everywhere, by IPv6", []string{":3128"}, "2001:db8::1", "PROXY [2001:db8::1]:3128"},
		{"everywhere, nobody knows where", []string{":3128"}, "", ""},
		{"in order", []string{"b.example:1", "a.example:2"}, "", "PROXY b.example:1; PROXY a.example:2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var p portal.PAC
			for _, s := range test.proxies {
				p.Proxies = append(p.Proxies, endpoint(t, s))
			}
			var asked filter.Host
			if test.asked != "" {
				asked = host(t, test.asked)
			}
			script := p.Script(asked)
			if test.want == "" {
				if script != "" {
					t.Fatalf("there is a script:\n%s", script)
				}
				return
			}
			got := find(t, script)("https://www.example.org/", "www.example.org")
			if got != test.want {
				t.Errorf("FindProxyForURL = %q, want %q", got, test.want)
			}
		})
	}
}

func TestParseEndpoint(t *testing.T) {
	for _, bad := range []string{"", "proxy", "proxy:", "proxy:0", "proxy:65536", "proxy:-1", "a b:1", "x; DIRECT:1", "2001:db8::1:3128", `"+alert(1)+":1`} {
		if e, err := portal.ParseEndpoint(bad); err == nil {
			t.Errorf("ParseEndpoint(%q) = %v, want an error", bad, e)
		}
	}
}

// FuzzEndpoint shows that no endpoint that is accepted can say more in a configuration than its proxy: never DIRECT.
func FuzzEndpoint(f *testing.F) {
	for _, s := range []string{"127.0.0.1:3128", "[::1]:1", "proxy.example:80", ":1", "x; DIRECT:1", "\":1", "é.nl:3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := portal.ParseEndpoint(s)
		if err != nil {
			return
		}
		script := portal.PAC{Proxies: []portal.Endpoint{e}}.Script(host(t, "192.0.2.1"))
		got := find(t, script)("https://www.example.org/", "www.example.org")
		if !strings.HasPrefix(got, "PROXY ") || strings.ContainsAny(got, ";\"\n") || strings.Count(got, " ") != 1 {
			t.Errorf("%q became %q", s, got)
		}
	})
}
