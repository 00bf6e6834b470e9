package resolver

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
)

// randomName returns a name of one to four labels, of few enough that names and lists meet.
func randomName(rng *rand.Rand) string {
	labels := []string{"www", "casino", "_x", "xn--bcher-kva", "NL"}
	var name []string
	for range 1 + rng.IntN(4) {
		name = append(name, labels[rng.IntN(len(labels))])
	}
	return strings.Join(name, ".")
}

// For every policy, client, name and time, the resolver answers as blocked what the proxy would block, and nothing else.
func TestBothDoorsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	roles := []filter.Role{filter.Employee, "auditor", "guard"}
	at, all := q0, 0
	for range 50 {
		g := gate.New(deaf{}, func() time.Time { return at })
		g.Use(randomPolicy(t, rng, roles))
		client := filter.Client{Roles: []filter.Role{roles[rng.IntN(len(roles))]}}
		r := New(Config{Gate: g, Clients: everybody{client}, Logger: zap.NewNop(), Now: func() time.Time { return at }})
		for range 200 {
			at = at.Add(time.Minute)
			name := randomName(rng)
			h, err := filter.ParseHost(name)
			if err != nil {
				t.Fatal(err)
			}
			want := g.Policy().Decide(filter.Request{Door: filter.HTTP, Client: client, Host: h, Scheme: "http", Path: "/", At: at})
			x := new(inquiry)
			reply, miss := r.begin(nil, x, benchQuery(name+".", t), netip.MustParseAddr("192.0.2.1"))
			blocked := !miss && bytes.HasSuffix(reply, []byte("\x00\x0f"+string(want.Category)))
			if blocked != want.Blocked() || x.answer.Verdict().Category != want.Category {
				t.Errorf("%s: blocked %v as %q here, %+v at the proxy", name, blocked, x.answer.Verdict().Category, want)
			}
			x.end(len(reply))
			if blocked {
				all++
			}
		}
	}
	if all < 500 || all > 9500 {
		t.Errorf("%d of 10000 names were blocked: the policies say nothing", all)
	}
}

func randomPolicy(t *testing.T, rng *rand.Rand, roles []filter.Role) *filter.Policy {
	t.Helper()
	var lists []filter.List
	var rules filter.Rules
	for _, c := range []filter.Category{"gambling", "hate", "malware"} {
		var names []string
		for range 20 + rng.IntN(40) {
			names = append(names, randomName(rng))
		}
		lists = append(lists, filter.List{Name: string(c), Category: c, Entries: func(yield func(filter.Entry) bool) {
			for i, n := range names {
				if !yield(filter.Entry{Line: i + 1, Host: []byte(n), Exact: i%3 == 0}) {
					return
				}
			}
		}})
		rules.Categories = append(rules.Categories, filter.CategoryRule{
			Category: c, Action: filter.Action(rng.IntN(4)), Final: c == "malware",
			Roles: map[filter.Role]filter.Action{roles[rng.IntN(len(roles))]: filter.Action(rng.IntN(4))},
		})
	}
	for range rng.IntN(3) {
		h, err := filter.ParseHost(randomName(rng))
		if err != nil {
			t.Fatal(err)
		}
		rules.Exceptions = append(rules.Exceptions, filter.Exception{Host: h, Until: q0.Add(time.Duration(rng.IntN(400)) * time.Minute)})
	}
	s, _, err := filter.Compile(lists...) // names that are too wide for a list are complaints
	if err != nil {
		t.Fatal(err)
	}
	return filter.NewPolicy(rules, s)
}

// FuzzServe holds that no message breaks a resolver, and that each answer is one to the message and as long as allowed.
func FuzzServe(f *testing.F) {
	for _, name := range []string{"www.example.", "casino.example.", "localhost.", "1.0.0.10.in-addr.arpa.", "use-application-dns.net.", "."} {
		f.Add(benchQuery(name, f))
	}
	r := benchResolver(f)
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) > maxQuery {
			t.Skip("longer than what is read")
		}
		x := new(inquiry)
		reply, miss := r.begin(make([]byte, 0, maxUDP), x, msg, netip.MustParseAddr("192.0.2.1"))
		x.end(len(reply))
		if miss || reply == nil {
			return
		}
		m := new(dns.Msg)
		if err := m.Unpack(reply); err != nil || !m.Response || reply[0] != msg[0] || reply[1] != msg[1] || len(reply) > x.q.limit() {
			t.Fatalf("%x to %x: %v", reply, msg, err)
		}
	})
}
