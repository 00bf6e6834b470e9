package resolver

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/logging"
)

// deaf takes events and forgets them.
type deaf struct{}

func (deaf) Record(logging.Event) {}

// everybody is one client for all addresses.
type everybody struct{ client filter.Client }

func (e everybody) ByAddr(netip.Addr) filter.Client { return e.client }

// benchResolver returns a resolver that blocks casino.example and has cached www.example.
func benchResolver(tb testing.TB) *Resolver {
	tb.Helper()
	entries := func(yield func(filter.Entry) bool) { yield(filter.Entry{Line: 1, Host: []byte("casino.example")}) }
	s, _, err := filter.Compile(filter.List{Name: "gambling.txt", Category: "gambling", Entries: entries})
	if err != nil {
		tb.Fatal(err)
	}
	g := gate.New(deaf{}, time.Now)
	g.Use(filter.NewPolicy(filter.Rules{Categories: []filter.CategoryRule{{Category: "gambling", Action: filter.Block}}}, s))
	r := New(Config{
		Gate: g, Clients: everybody{filter.Client{Roles: []filter.Role{filter.Employee}}}, Logger: zap.NewNop(), Now: time.Now,
	})
	q := new(query)
	if rcode := q.parse(benchQuery("www.example.", tb)); rcode != dns.RcodeSuccess {
		tb.Fatalf("parse: %d", rcode)
	}
	m := new(dns.Msg)
	m.SetQuestion("www.example.", dns.TypeA)
	for _, s := range []string{"www.example. 3600 IN CNAME b.example.", "b.example. 3600 IN A 93.184.216.34", "b.example. 3600 IN A 93.184.216.35"} {
		rr, err := dns.NewRR(s)
		if err != nil {
			tb.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	wire, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	if err := m.Unpack(wire); err != nil { // as an upstream's answer comes
		tb.Fatal(err)
	}
	e, err := newEntry(q, m, time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	r.cache.put(q, e)
	return r
}

func benchQuery(name string, tb testing.TB) []byte {
	tb.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeA)
	m.SetEdns0(1232, false)
	b, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// answerOne answers msg as the reader of a socket does, but for the system calls.
func answerOne(r *Resolver, x *inquiry, out, msg []byte) []byte {
	reply, _ := r.begin(out[:0], x, msg, netip.AddrFrom4([4]byte{192, 0, 2, 1}))
	x.end(len(reply))
	return reply
}

func benchmarkServe(b *testing.B, name string, rcode byte) {
	r, x, out, msg := benchResolver(b), new(inquiry), make([]byte, 0, maxUDP), benchQuery(name, b)
	if reply := answerOne(r, x, out, msg); len(reply) < headerLen || reply[3]&maskRcode != rcode {
		b.Fatalf("reply %x", reply)
	}
	b.ReportAllocs()
	for b.Loop() {
		answerOne(r, x, out, msg)
	}
}

// BenchmarkServeCached is a name of one alias and two addresses from the cache, wire to wire.
func BenchmarkServeCached(b *testing.B) { benchmarkServe(b, "www.example.", dns.RcodeSuccess) }

// BenchmarkServeBlocked is a listed name, wire to wire.
func BenchmarkServeBlocked(b *testing.B) { benchmarkServe(b, "casino.example.", dns.RcodeNameError) }

// BenchmarkServeLocal is a name of our own, wire to wire.
func BenchmarkServeLocal(b *testing.B) { benchmarkServe(b, "localhost.", dns.RcodeSuccess) }

// Answering without an upstream takes no memory but what the gate takes for the same decisions.
func TestServingAllocatesNothing(t *testing.T) {
	r, x, out := benchResolver(t), new(inquiry), make([]byte, 0, maxUDP)
	for _, name := range []string{"www.example.", "WWW.example.", "casino.example.", "a.b.casino.example.", "localhost."} {
		msg := benchQuery(name, t)
		got := testing.AllocsPerRun(100, func() { answerOne(r, x, out, msg) })
		want := testing.AllocsPerRun(100, func() { decideOnly(r, x) })
		if got != want {
			t.Errorf("%s: %v allocations, the gate alone has %v", name, got, want)
		}
	}
}

// decideOnly asks the gate again what x asked it.
func decideOnly(r *Resolver, x *inquiry) {
	a := r.gate.Admit(x.answer.Request())
	if e := r.cache.get(&x.q, r.now()); e != nil {
		judge(a, e)
	}
	a.Done(1, 1)
}
