package resolver_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/resolver"
)

// public is what the upstream of most tests knows.
var public = map[string][]string{
	"www.example. A":            {"www.example. 300 IN A 93.184.216.34"},
	"www.example. AAAA":         {"www.example. 300 IN AAAA 2a00::34"},
	"_dmarc.example. TXT":       {`_dmarc.example. 300 IN TXT "v=DMARC1"`},
	"lottery.example. A":        {"lottery.example. 300 IN CNAME casino.example.", "casino.example. 300 IN A 93.184.216.35"},
	"cloaked.example. A":        {"cloaked.example. 300 IN CNAME a.casino.example.", "a.casino.example. 300 IN A 93.184.216.35"},
	"odd.example. A":            {`odd.example. 300 IN CNAME a\ b.casino.example.`, `a\ b.casino.example. 300 IN A 93.184.216.35`},
	"svc.example. HTTPS":        {`svc.example. 300 IN HTTPS 1 casino.example. alpn="h2"`},
	"hint.example. HTTPS":       {`hint.example. 300 IN HTTPS 1 . ipv4hint="10.1.2.3"`},
	"rebind.example. A":         {"rebind.example. 300 IN A 93.184.216.34", "rebind.example. 300 IN A 127.0.0.1"},
	"rebind.example. AAAA":      {"rebind.example. 300 IN AAAA ::ffff:10.0.0.1"},
	"app.intra.example. A":      {"app.intra.example. 300 IN A 10.0.0.1"},
	". NS":                      {". 300 IN NS a.root-servers.net."},
	"9.9.9.9.in-addr.arpa. PTR": {"9.9.9.9.in-addr.arpa. 300 IN PTR dns9.example."},
}

func TestAnswers(t *testing.T) {
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	const blocked = uint16(dns.ExtendedErrorCodeBlocked)
	tests := []struct {
		name  string
		qtype uint16
		rcode int
		addrs []string
		ede   uint16
		text  string
	}{
		{name: "www.example.", qtype: dns.TypeA, addrs: []string{"93.184.216.34"}},
		{name: "www.example.", qtype: dns.TypeAAAA, addrs: []string{"2a00::34"}},
		{name: "WwW.eXample.", qtype: dns.TypeA, addrs: []string{"93.184.216.34"}},
		{name: "_dmarc.example.", qtype: dns.TypeTXT},
		{name: "gone.example.", qtype: dns.TypeA, rcode: dns.RcodeNameError},
		{name: "casino.example.", qtype: dns.TypeA, rcode: dns.RcodeNameError, ede: blocked, text: "gambling"},
		{name: "CASINO.example.", qtype: dns.TypeMX, rcode: dns.RcodeNameError, ede: blocked, text: "gambling"},
		{name: "a.b.casino.example.", qtype: dns.TypeHTTPS, rcode: dns.RcodeNameError, ede: blocked, text: "gambling"},
		{name: "notcasino.example.", qtype: dns.TypeA, rcode: dns.RcodeNameError},
		{name: "cloaked.example.", qtype: dns.TypeA, rcode: dns.RcodeNameError, ede: blocked, text: "gambling"},
		{name: "odd.example.", qtype: dns.TypeA, rcode: dns.RcodeNameError, ede: blocked, text: "gambling"},
		{name: "lottery.example.", qtype: dns.TypeA, addrs: []string{"93.184.216.35"}},
		{name: "svc.example.", qtype: dns.TypeHTTPS, rcode: dns.RcodeNameError, ede: blocked, text: "gambling"},
		{name: "hint.example.", qtype: dns.TypeHTTPS, rcode: dns.RcodeNameError, ede: blocked},
		{name: "rebind.example.", qtype: dns.TypeA, rcode: dns.RcodeNameError, ede: blocked},
		{name: "rebind.example.", qtype: dns.TypeAAAA, rcode: dns.RcodeNameError, ede: blocked},
		{name: "app.intra.example.", qtype: dns.TypeA, addrs: []string{"10.0.0.1"}},
		{name: "localhost.", qtype: dns.TypeA, addrs: []string{"127.0.0.1"}},
		{name: "a.localhost.", qtype: dns.TypeAAAA, addrs: []string{"::1"}},
		{name: "localhost.", qtype: dns.TypeMX},
		{name: "x.invalid.", qtype: dns.TypeA, rcode: dns.RcodeNameError},
		{name: "x.onion.", qtype: dns.TypeA, rcode: dns.RcodeNameError},
		{name: "use-application-dns.net.", qtype: dns.TypeA, rcode: dns.RcodeNameError},
		{name: "a.use-application-dns.net.", qtype: dns.TypeA, rcode: dns.RcodeNameError},
		{name: "mask.icloud.com.", qtype: dns.TypeAAAA, rcode: dns.RcodeNameError},
		{name: "mask-h2.icloud.com.", qtype: dns.TypeA, rcode: dns.RcodeNameError},
		{name: "_dns.resolver.arpa.", qtype: dns.TypeSVCB},
		{name: "1.0.168.192.in-addr.arpa.", qtype: dns.TypePTR, rcode: dns.RcodeNameError},
		{name: "9.9.9.9.in-addr.arpa.", qtype: dns.TypePTR},
		{name: "www.example.", qtype: dns.TypeANY},
		{name: "www.example.", qtype: dns.TypeAXFR, rcode: dns.RcodeRefused},
		{name: `printer\032room.example.`, qtype: dns.TypeSRV, rcode: dns.RcodeRefused},
		{name: `a\.casino.example.`, qtype: dns.TypeA, rcode: dns.RcodeRefused},
		{name: "10.0.0.1.", qtype: dns.TypeA, rcode: dns.RcodeRefused},
		{name: ".", qtype: dns.TypeNS},
		{name: ".", qtype: dns.TypeA, rcode: dns.RcodeRefused},
	}
	for _, network := range []string{"udp", "tcp", "udp"} { // the last from the cache
		for _, tt := range tests {
			m := question(tt.name, tt.qtype)
			got := w.ask(t, network, m)
			if got.Rcode != tt.rcode || !reflect.DeepEqual(addrs(got), tt.addrs) {
				t.Errorf("%s %s over %s: %s %v, want %s %v", tt.name, dns.TypeToString[tt.qtype], network,
					dns.RcodeToString[got.Rcode], addrs(got), dns.RcodeToString[tt.rcode], tt.addrs)
			}
			if code, text, _ := ede(got); code != tt.ede || text != tt.text {
				t.Errorf("%s over %s: extended error %d %q, want %d %q", tt.name, network, code, text, tt.ede, tt.text)
			}
			if !got.RecursionAvailable || got.Authoritative || got.AuthenticatedData || got.Truncated {
				t.Errorf("%s over %s: wrong flags: %v", tt.name, network, got.MsgHdr)
			}
			if want := roundTrip(t, m); got.Question[0] != want.Question[0] {
				t.Errorf("%s over %s: question came back as %v", tt.name, network, got.Question[0])
			}
		}
	}
}

// roundTrip returns m as it looks after it was on the wire.
func roundTrip(t *testing.T, m *dns.Msg) *dns.Msg {
	t.Helper()
	got := new(dns.Msg)
	if err := got.Unpack(pack(m)); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestNegativeAnswersCarryAnSOA(t *testing.T) {
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	for name, want := range map[string]uint32{"casino.example.": 30, "x.invalid.": 30, "gone.example.": 60} {
		got := w.ask(t, "udp", question(name, dns.TypeA))
		if len(got.Ns) != 1 || got.Ns[0].Header().Rrtype != dns.TypeSOA || got.Ns[0].Header().Ttl != want {
			t.Errorf("%s: authority %v, want one SOA of %d s", name, got.Ns, want)
		}
	}
}

func TestNoOPTWithoutOPT(t *testing.T) {
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	for _, name := range []string{"www.example.", "casino.example.", "localhost.", "gone.example."} {
		m := new(dns.Msg)
		m.SetQuestion(name, dns.TypeA)
		if got := w.ask(t, "udp", m); len(got.Extra) != 0 {
			t.Errorf("%s: additional section %v, want none", name, got.Extra)
		}
	}
}

// Each query is one exchange at the gate, with the bytes of question and answer; the verdict is that of what was served.
func TestEachQueryIsRecordedOnce(t *testing.T) {
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	tests := []struct {
		name    string
		outcome logging.Outcome
	}{
		{"www.example.", logging.Allowed},
		{"www.example.", logging.Allowed}, // cached
		{"casino.example.", logging.Blocked},
		{"cloaked.example.", logging.Blocked},
		{"cloaked.example.", logging.Blocked}, // cached
		{"rebind.example.", logging.Blocked},
		{"localhost.", logging.Allowed},
		{`a\032b.example.`, logging.Blocked},
	}
	for _, network := range []string{"udp", "tcp"} {
		for _, tt := range tests {
			m := question(tt.name, dns.TypeA)
			up, down := len(pack(m)), len(pack(w.ask(t, network, m)))
			w.log.settle(t, 1)
			events := w.log.take()
			if len(events) != 1 {
				t.Fatalf("%s over %s: %d events, want 1", tt.name, network, len(events))
			}
			e := events[0]
			if e.Outcome != tt.outcome || e.Door != "dns" || e.Up != int64(up) || e.Down != int64(down) {
				t.Errorf("%s over %s: event %+v, want %v, %d up, %d down", tt.name, network, e, tt.outcome, up, down)
			}
		}
	}
	if got := w.ask(t, "udp", question(".", dns.TypeNS)); len(got.Answer) != 1 {
		t.Errorf("root NS: %v", got.Answer)
	}
	w.stop()
	if events := w.log.take(); len(events) != 0 {
		t.Errorf("a question about the root was recorded: %+v", events)
	}
}

// A change of lists holds at once for names that are cached, in both directions.
func TestListChangeBeatsTheCache(t *testing.T) {
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	steps := []struct {
		listed []string
		rcode  int
	}{
		{[]string{"casino.example"}, dns.RcodeSuccess},
		{[]string{"casino.example", "www.example"}, dns.RcodeNameError},
		{[]string{"93.184.216.34"}, dns.RcodeNameError},
		{nil, dns.RcodeSuccess},
	}
	for _, s := range steps {
		w.gate.Use(regulation(t, s.listed...))
		if got := w.ask(t, "udp", question("www.example.", dns.TypeA)); got.Rcode != s.rcode {
			t.Errorf("with %v listed: %s, want %s", s.listed, dns.RcodeToString[got.Rcode], dns.RcodeToString[s.rcode])
		}
	}
	if s := w.Stats(); s.UpstreamQueries != 1 {
		t.Errorf("the upstream was asked %d times, want 1", s.UpstreamQueries)
	}
}

// What is cached is the same for all; what is served depends on who asks.
func TestOneCacheForAllRoles(t *testing.T) {
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Clients: byTurns{filter.Employee, "auditor"}})
	for i, want := range []int{dns.RcodeNameError, dns.RcodeSuccess, dns.RcodeNameError} {
		m := question("cloaked.example.", dns.TypeA)
		c := dns.Client{Net: "udp", Timeout: 8 * time.Second, Dialer: from(i % 2)}
		got, _, err := c.Exchange(m, w.udp)
		if err != nil {
			t.Fatal(err)
		}
		if got.Rcode != want {
			t.Errorf("query %d: %s, want %s", i, dns.RcodeToString[got.Rcode], dns.RcodeToString[want])
		}
	}
	if s := w.Stats(); s.UpstreamQueries != 1 {
		t.Errorf("the upstream was asked %d times, want 1", s.UpstreamQueries)
	}
}

func TestAGateWithoutPolicyBlocksAll(t *testing.T) {
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	w.gate.Use(nil)
	for _, name := range []string{"www.example.", "localhost."} {
		if got := w.ask(t, "udp", question(name, dns.TypeA)); got.Rcode != dns.RcodeNameError {
			t.Errorf("%s: %s, want NXDOMAIN", name, dns.RcodeToString[got.Rcode])
		}
	}
}
