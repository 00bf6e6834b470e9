package filter_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keersluis/keersluis/filter"
)

const admin filter.Role = "application-administrator"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// list makes a list of lines; "!" before a name makes the entry exact, a slash makes it a URL rule.
func list(name string, c filter.Category, lines ...string) filter.List {
	return filter.List{Name: name, Category: c, Entries: func(yield func(filter.Entry) bool) {
		for i, line := range lines {
			host, path, found := strings.Cut(line, "/")
			if found {
				path = "/" + path
			}
			exact := strings.HasPrefix(host, "!")
			if !yield(filter.Entry{Line: i + 1, Host: []byte(strings.TrimPrefix(host, "!")), Path: path, Exact: exact}) {
				return
			}
		}
	}}
}

func compile(t testing.TB, lists ...filter.List) *filter.Snapshot {
	t.Helper()
	s, complaints, err := filter.Compile(lists...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range complaints {
		t.Errorf("complaint: %s", c)
	}
	return s
}

func host(t testing.TB, s string) filter.Host {
	t.Helper()
	h, err := filter.ParseHost(s)
	if err != nil {
		t.Fatalf("ParseHost(%q): %v", s, err)
	}
	return h
}

func rules(t testing.TB) filter.Rules {
	return filter.Rules{
		Categories: []filter.CategoryRule{
			{Category: "porn", Action: filter.Block, Article: "4.2 a"},
			{Category: "gambling", Action: filter.Block},
			{Category: "leisure", Action: filter.Coach},
			{Category: "malware", Action: filter.Block, Final: true},
			{
				Category: filter.Software, Action: filter.Block,
				Roles:   map[filter.Role]filter.Action{admin: filter.Allow},
				Devices: map[filter.Device]filter.Action{filter.ManagedMobile: filter.Allow},
			},
			{Category: filter.NeverInspect, Action: filter.Allow, Splice: true},
		},
		Kinds: map[filter.Kind]filter.Category{"executable": filter.Software},
		Exceptions: []filter.Exception{
			{Host: host(t, "kunst.example.org"), Ref: filter.Ref{List: "policy.yaml", Line: 10}},
			{Host: host(t, "casino.nl"), Roles: []filter.Role{"toezicht"}, Ref: filter.Ref{List: "policy.yaml", Line: 11}},
			{Host: host(t, "verlopen.nl"), Until: noon, Ref: filter.Ref{List: "policy.yaml", Line: 12}},
			{Host: host(t, "morgen.nl"), Until: noon.Add(time.Second), Ref: filter.Ref{List: "policy.yaml", Line: 13}},
			{Host: host(t, "virus.nl"), Ref: filter.Ref{List: "policy.yaml", Line: 14}},
			{Host: host(t, "lab.virus.nl"), Categories: []filter.Category{"malware"}, Ref: filter.Ref{List: "policy.yaml", Line: 15}},
			{Host: host(t, "leverancier.nl"), Categories: []filter.Category{filter.Software}, Ref: filter.Ref{List: "policy.yaml", Line: 16}},
		},
		Internal: filter.Internal{
			Names:    []filter.Host{host(t, "intranet.gemeente.nl"), host(t, "hr1.gemeente.nl"), host(t, "hr2.gemeente.nl")},
			Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		},
	}
}

func policy(t testing.TB) *filter.Policy {
	return filter.NewPolicy(rules(t), compile(t,
		list("porn.txt", "porn", "example.org", "both.example.net", "!alleen.nl"),
		list("gambling.txt", "gambling", "casino.nl", "verlopen.nl", "morgen.nl", "both.example.net", "203.0.114.9", "poker.bank.nl"),
		list("leisure.txt", "leisure", "poker.example.net", "example.net", "google.com/games", "google.com/games/casino/"),
		list("gambling-urls", "gambling", "google.com/games/casino/roulette"),
		list("malware.txt", "malware", "virus.nl"),
		list("software.txt", filter.Software, "downloads.example"),
		list("never.txt", filter.NeverInspect, "bank.nl"),
		list("eigen.txt", "no-rule", "vergeten.nl"),
	))
}

func TestDecide(t *testing.T) {
	p := policy(t)
	for _, tt := range []struct {
		name, host, path string
		client           filter.Client
		want             string // action reason category rule
	}{
		{name: "unlisted", host: "www.nu.nl", want: "allow unlisted  :0"},
		{name: "the name itself", host: "example.org", want: "block listed porn porn.txt:1 example.org"},
		{name: "a name below", host: "WWW.Example.ORG.", want: "block listed porn porn.txt:1 example.org"},
		{name: "a name that only ends alike", host: "badexample.org", want: "allow unlisted  :0"},
		{name: "exact", host: "alleen.nl", want: "block listed porn porn.txt:3 alleen.nl"},
		{name: "below an exact name", host: "www.alleen.nl", want: "allow unlisted  :0"},
		{name: "in two categories", host: "both.example.net", want: "block listed gambling gambling.txt:4 both.example.net"},
		{name: "strictest of ancestors", host: "x.poker.example.net", want: "coach listed leisure leisure.txt:1 poker.example.net"},
		{name: "exception for all", host: "kunst.example.org", want: "allow excepted porn policy.yaml:10 "},
		{name: "below an exception", host: "a.kunst.example.org", want: "allow excepted porn policy.yaml:10 "},
		{name: "exception for another role", host: "casino.nl", want: "block listed gambling gambling.txt:1 casino.nl"},
		{
			name: "exception for the role", host: "casino.nl", client: filter.Client{Roles: []filter.Role{"employee", "toezicht"}},
			want: "allow excepted gambling policy.yaml:11 ",
		},
		{name: "exception at its end", host: "verlopen.nl", want: "block listed gambling gambling.txt:2 verlopen.nl"},
		{name: "exception on its last second", host: "morgen.nl", want: "allow excepted gambling policy.yaml:13 "},
		{name: "final category", host: "virus.nl", want: "block listed malware malware.txt:1 virus.nl"},
		{name: "final category named", host: "lab.virus.nl", want: "allow excepted malware policy.yaml:15 "},
		{name: "role", host: "downloads.example", client: filter.Client{Roles: []filter.Role{admin}}, want: "allow listed software software.txt:1 downloads.example"},
		{name: "no role", host: "downloads.example", want: "block listed software software.txt:1 downloads.example"},
		{name: "device A7", host: "downloads.example", client: filter.Client{Device: filter.ManagedMobile}, want: "allow listed software software.txt:1 downloads.example"},
		{name: "never inspect", host: "mijn.bank.nl", want: "allow listed never-inspect never.txt:1 bank.nl splice"},
		{name: "never inspect, blocked", host: "poker.bank.nl", want: "block listed gambling gambling.txt:6 poker.bank.nl splice"},
		{name: "category without a rule", host: "vergeten.nl", want: "block listed no-rule eigen.txt:1 vergeten.nl"},
		{name: "url", host: "www.google.com", path: "/games/x", want: "coach listed leisure leisure.txt:3 google.com/games"},
		{name: "url boundary", host: "www.google.com", path: "/gamestore", want: "allow unlisted  :0"},
		{name: "url deeper and stricter", host: "google.com", path: "/games/casino/roulette", want: "block listed gambling gambling-urls:1 google.com/games/casino/roulette"},
		{name: "url, path unseen", host: "google.com", want: "allow unlisted  :0"},
		{name: "listed address", host: "203.0.114.9", want: "block listed gambling gambling.txt:5 203.0.114.9"},
		{name: "loopback", host: "127.0.0.1", want: "block internal-address  :0"},
		{name: "mapped loopback", host: "[::ffff:127.0.0.1]", want: "block internal-address  :0"},
		{name: "opened prefix", host: "10.1.2.3", want: "allow unlisted  :0"},
		{name: "other private", host: "10.2.2.3", want: "block internal-address  :0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := p.Decide(filter.Request{Door: filter.HTTP, Client: tt.client, Host: host(t, tt.host), Path: tt.path, At: noon})
			got := fmt.Sprintf("%s %s %s %s:%d %s", v.Action, v.Reason, v.Category, v.Rule.List, v.Rule.Line, v.Rule.Text)
			if v.Splice {
				got += " splice"
			}
			if strings.TrimSpace(got) != strings.TrimSpace(tt.want) {
				t.Errorf("Decide(%s%s) = %q, want %q", tt.host, tt.path, got, tt.want)
			}
		})
	}
}

func TestZeroBlocks(t *testing.T) {
	if v := (filter.Verdict{}); !v.Blocked() {
		t.Error("the zero Verdict does not block")
	}
	if v := policy(t).Decide(filter.Request{}); v.Action != filter.Block || v.Reason != filter.Malformed {
		t.Errorf("Decide(zero) = %v %v, want block malformed", v.Action, v.Reason)
	}
}

func TestDecideContent(t *testing.T) {
	p := policy(t)
	for _, tt := range []struct {
		name, host string
		client     filter.Client
		kind       filter.Kind
		want       filter.Action
	}{
		{name: "employee", host: "nu.nl", kind: "executable", want: filter.Block},
		{name: "free kind", host: "nu.nl", kind: "document", want: filter.Allow},
		{name: "B14 administrator", host: "nu.nl", kind: "executable", client: filter.Client{Roles: []filter.Role{admin}}, want: filter.Allow},
		{name: "A7 mobile", host: "nu.nl", kind: "executable", client: filter.Client{Device: filter.ManagedMobile}, want: filter.Allow},
		{name: "excepted host", host: "dl.leverancier.nl", kind: "executable", want: filter.Allow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := p.DecideContent(filter.Request{Client: tt.client, Host: host(t, tt.host), At: noon}, tt.kind)
			if got.Action != tt.want {
				t.Errorf("DecideContent = %s, want %s", got.Action, tt.want)
			}
		})
	}
}

func TestDecideAddr(t *testing.T) {
	p := policy(t)
	for _, tt := range []struct {
		host, addr string
		want       filter.Action
	}{
		{"nu.nl", "93.184.216.34", filter.Allow},
		{"nu.nl", "203.0.114.9", filter.Block}, // on a list
		{"nu.nl", "127.0.0.1", filter.Block},
		{"nu.nl", "169.254.169.254", filter.Block}, // metadata
		{"nu.nl", "100.64.1.1", filter.Block},
		{"nu.nl", "::1", filter.Block},
		{"nu.nl", "fd00::1", filter.Block},
		{"nu.nl", "fe80::1%eth0", filter.Block},
		{"nu.nl", "64:ff9b::7f00:1", filter.Block},    // NAT64 of 127.0.0.1
		{"nu.nl", "2002:7f00:1::", filter.Block},      // 6to4 of 127.0.0.1
		{"nu.nl", "64:ff9b::5db8:d822", filter.Allow}, // NAT64 of a public address
		{"nu.nl", "2a00:1450:400e::1", filter.Allow},
		{"nu.nl", "10.1.9.9", filter.Allow}, // opened prefix
		{"intranet.gemeente.nl", "10.9.9.9", filter.Allow},
		{"a.intranet.gemeente.nl", "192.168.1.1", filter.Allow},
		{"hr2.gemeente.nl", "192.168.1.1", filter.Allow}, // as long as another name that is opened
		{"hr3.gemeente.nl", "192.168.1.1", filter.Block},
	} {
		got := p.DecideAddr(filter.Request{Host: host(t, tt.host), At: noon}, netip.MustParseAddr(tt.addr))
		if got.Action != tt.want {
			t.Errorf("DecideAddr(%s, %s) = %s, want %s", tt.host, tt.addr, got.Action, tt.want)
		}
	}
	if got := p.DecideAddr(filter.Request{Host: host(t, "nu.nl")}, netip.Addr{}); !got.Blocked() {
		t.Error("DecideAddr of no address does not block")
	}
}

func TestDecideAlias(t *testing.T) {
	p := policy(t)
	for _, tt := range []struct {
		host, alias string
		want        filter.Action
	}{
		{"cdn.nl", "track.casino.nl", filter.Block},
		{"cdn.nl", "nu.nl", filter.Allow},
		{"kunst.example.org", "edge.casino.nl", filter.Allow}, // the exception covers the chain
		{"nu.nl", "kunst.example.org", filter.Allow},          // the alias is excepted itself
	} {
		got := p.DecideAlias(filter.Request{Host: host(t, tt.host), At: noon}, host(t, tt.alias))
		if got.Action != tt.want {
			t.Errorf("DecideAlias(%s, %s) = %s, want %s", tt.host, tt.alias, got.Action, tt.want)
		}
	}
}

func TestCompileComplains(t *testing.T) {
	s, complaints, err := filter.Compile(list("x.txt", "porn",
		"goed.nl", "co.uk", "nl", "a..b", "exa mple.nl", "BÜCHER.example", "127.0.0.1", "blogspot.com", strings.Repeat("a", 2000)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range complaints {
		got = append(got, fmt.Sprintf("%d %s", c.Line, c.Reason))
	}
	want := []string{
		"2 a public suffix: it would block everything below it",
		"3 a public suffix: it would block everything below it",
		"4 host name has an empty or too long label",
		"5 host name has a character that no host name may have",
		"9 host name is too long",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("complaints (-want +got):\n%s", d)
	}
	if s.Len() != 4 {
		t.Errorf("Len = %d, want 4", s.Len())
	}
}

func TestCompileBounds(t *testing.T) {
	var lists []filter.List
	for i := range filter.MaxCategories + 1 {
		lists = append(lists, list("x", filter.Category(fmt.Sprint(i))))
	}
	if _, _, err := filter.Compile(lists...); err == nil {
		t.Error("Compile took more categories than fit")
	}
	if _, _, err := filter.Compile(lists[1:]...); err != nil {
		t.Errorf("Compile of %d categories: %v", filter.MaxCategories, err)
	}
}

func TestDigest(t *testing.T) {
	a := compile(t, list("a", "porn", "x.nl", "y.nl"))
	b := compile(t, list("a", "porn", "x.nl", "y.nl"))
	c := compile(t, list("a", "porn", "x.nl", "z.nl"))
	if a.Digest() != b.Digest() {
		t.Error("equal lists, other digests")
	}
	if a.Digest() == c.Digest() {
		t.Error("other lists, equal digests")
	}
}

// randomWorld makes lists, rules and a function that draws requests among their names.
func randomWorld(t testing.TB, rng *rand.Rand) (*filter.Policy, func() filter.Request) {
	labels := []string{"a", "b", "c", "d", "e"}
	name := func() string {
		parts := make([]string, 1+rng.IntN(4))
		for i := range parts {
			parts[i] = labels[rng.IntN(len(labels))]
		}
		return strings.Join(parts, ".") + ".example"
	}
	var lists []filter.List
	categories := []filter.Category{"porn", "gambling", "leisure", "malware", filter.Software, filter.NeverInspect}
	for i, c := range categories {
		var lines []string
		for range rng.IntN(6) {
			line := name()
			switch rng.IntN(4) {
			case 0:
				line = "!" + line
			case 1:
				line += "/" + labels[rng.IntN(len(labels))]
			}
			lines = append(lines, line)
		}
		lists = append(lists, list(fmt.Sprintf("list%d", i), c, lines...))
	}
	r := rules(t)
	for i := range rng.IntN(5) {
		x := filter.Exception{Host: host(t, name()), Ref: filter.Ref{List: "policy.yaml", Line: 100 + i}}
		if rng.IntN(2) == 0 {
			x.Roles = []filter.Role{admin}
		}
		if rng.IntN(2) == 0 {
			x.Categories = []filter.Category{categories[rng.IntN(len(categories))]}
		}
		r.Exceptions = append(r.Exceptions, x)
	}
	request := func() filter.Request {
		q := filter.Request{Door: filter.HTTP, Host: host(t, name()), At: noon, Client: filter.Client{Device: filter.ManagedPC}}
		if rng.IntN(2) == 0 {
			q.Path = "/" + labels[rng.IntN(len(labels))]
		}
		if rng.IntN(2) == 0 {
			q.Client.Roles = []filter.Role{filter.Employee, admin}
		}
		return q
	}
	return filter.NewPolicy(r, compile(t, lists...)), request
}

func TestExplainIsDecide(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		p, request := randomWorld(t, rng)
		for range 50 {
			r := request()
			want := p.Decide(r)
			got, steps := p.Explain(r)
			if got != want {
				t.Fatalf("Explain(%v) = %+v, Decide = %+v", r, got, want)
			}
			if len(steps) == 0 {
				t.Fatalf("Explain(%v) has no steps", r)
			}
			if want.Reason == filter.Listed && !slices.ContainsFunc(steps, func(s filter.Step) bool { return s.Ref == want.Rule }) {
				t.Fatalf("no step names the rule %+v: %+v", want.Rule, steps)
			}
		}
	}
}

// Three doors, one verdict: on a host alone the verdict depends neither on the door nor on what only one door sees.
func TestDoorsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		p, request := randomWorld(t, rng)
		for range 20 {
			r := request()
			r.Path = ""
			want := p.Decide(r)
			for _, door := range []filter.Door{filter.Connect, filter.DNS} {
				r.Door, r.Method, r.Port = door, "", 53
				if got := p.Decide(r); got != want {
					t.Fatalf("%s: %+v, http: %+v", door, got, want)
				}
			}
		}
	}
}

// A role only ever adds rights, a list only ever takes them.
func TestMonotone(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		p, request := randomWorld(t, rng)
		for range 20 {
			r := request()
			r.Client.Roles = []filter.Role{filter.Employee}
			few := p.Decide(r)
			r.Client.Roles = []filter.Role{filter.Employee, admin, "toezicht"}
			if more := p.Decide(r); more.Action < few.Action {
				t.Fatalf("more roles, fewer rights: %+v then %+v", few, more)
			}
		}
	}
}

func TestReference(t *testing.T) {
	v := policy(t).Decide(filter.Request{Host: host(t, "example.org"), At: noon})
	got := v.Reference()
	if len(got) != len("KS-XXXX-XXXX") || got != v.Reference() {
		t.Errorf("Reference = %q", got)
	}
	if v.Rule.Line++; v.Reference() == got {
		t.Error("another rule, the same reference")
	}
}

func TestClientHides(t *testing.T) {
	c := filter.Client{Addr: netip.MustParseAddr("10.1.2.3"), User: "jansen", Roles: []filter.Role{"x"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{c, &c, filter.Request{Client: c}} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, "jansen") || strings.Contains(s, "10.1.2.3") {
				t.Errorf("%s prints the client: %s", verb, s)
			}
		}
	}
}

// sink keeps what is stored in it alive, as the gate's answers do: a decision must not allocate there either.
var sink filter.Verdict

func TestDecideAllocates(t *testing.T) {
	p := policy(t)
	client := filter.Client{Roles: []filter.Role{filter.Employee}}
	for _, name := range []string{"www.nu.nl", "kunst.example.org", "x.casino.nl"} {
		r := filter.Request{Host: host(t, name), Path: "/a", Client: client, At: noon}
		if n := testing.AllocsPerRun(100, func() { sink = p.Decide(r) }); n != 0 {
			t.Errorf("Decide(%s) allocates %v times", name, n)
		}
	}
}
