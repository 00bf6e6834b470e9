package resolver_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/resolver"
)

// step is a question after some time, and what is wanted of its answer.
type step struct {
	pass  time.Duration
	ttl   uint32 // of the first record, in the answer or in the authority section
	asked bool   // of the upstream
}

func TestTTLs(t *testing.T) {
	holding := func(rrs ...string) reply {
		return func(q *dns.Msg, _ string) [][]byte { return [][]byte{pack(answer(q, rrs...))} }
	}
	none := func(rcode int, ttl, minimum uint32) func(q *dns.Msg, _ string) [][]byte {
		return func(q *dns.Msg, _ string) [][]byte { return [][]byte{pack(nothing(q, rcode, ttl, minimum))} }
	}
	const s = time.Second
	tests := map[string]struct {
		reply reply
		steps []step
	}{
		"counts down": {holding("n.example. 300 IN A 93.184.216.34"), []step{{0, 300, true}, {10 * s, 290, false}, {289 * s, 1, false}, {s, 300, true}}},
		"least of the set": {
			holding("n.example. 300 IN CNAME b.example.", "b.example. 20 IN A 93.184.216.34"),
			[]step{{0, 300, true}, {19 * s, 281, false}, {s, 300, true}},
		},
		"at most a day":    {holding("n.example. 9999999 IN A 93.184.216.34"), []step{{0, 86400, true}, {86399 * s, 1, false}, {s, 86400, true}}},
		"zero":             {holding("n.example. 0 IN A 93.184.216.34"), []step{{0, 0, true}, {0, 0, true}}},
		"highest bit":      {holding("n.example. 4000000000 IN A 93.184.216.34"), []step{{0, 0, true}, {0, 0, true}}},
		"no such name":     {none(dns.RcodeNameError, 300, 60), []step{{0, 60, true}, {59 * s, 1, false}, {s, 60, true}}},
		"SOA's own TTL":    {none(dns.RcodeNameError, 30, 60), []step{{0, 30, true}, {29 * s, 1, false}, {s, 30, true}}},
		"no data":          {none(dns.RcodeSuccess, 300, 60), []step{{0, 60, true}, {59 * s, 1, false}, {s, 60, true}}},
		"long negative":    {none(dns.RcodeNameError, 86400, 86400), []step{{0, 10800, true}, {10800 * s, 10800, true}}},
		"negative, no SOA": {holding(), []step{{0, 0, true}, {0, 0, true}}},
		"clock goes back":  {holding("n.example. 300 IN A 93.184.216.34"), []step{{0, 300, true}, {-10 * s, 300, false}, {310 * s, 300, true}}},
		"failure":          {none(dns.RcodeServerFailure, 1, 1), []step{{0, 0, true}, {4 * s, 0, false}, {s, 0, true}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			up := serveUpstream(t, tt.reply)
			now := newClock()
			w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Now: now.Now})
			for i, s := range tt.steps {
				now.pass(s.pass)
				before := w.Stats().UpstreamQueries
				got := w.ask(t, "udp", question("n.example.", dns.TypeA))
				asked := w.Stats().UpstreamQueries > before
				var ttl uint32
				if rrs := append(got.Answer, got.Ns...); len(rrs) > 0 {
					ttl = rrs[0].Header().Ttl
				}
				if ttl != s.ttl || asked != s.asked {
					t.Errorf("step %d: TTL %d, upstream asked %v, want %d, %v", i, ttl, asked, s.ttl, s.asked)
				}
			}
		})
	}
}

// The cache stays within its bytes, and keeps what is used.
func TestCacheIsBounded(t *testing.T) {
	up := serveUpstream(t, func(q *dns.Msg, _ string) [][]byte {
		return [][]byte{pack(answer(q, q.Question[0].Name+" 300 IN A 93.184.216.34"))}
	})
	const size = 64 << 10
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, CacheBytes: size})
	for i := range 500 {
		w.ask(t, "udp", question(fmt.Sprintf("n%d.example.", i), dns.TypeA))
		w.ask(t, "udp", question("used.example.", dns.TypeA))
		if s := w.Stats(); s.CacheBytes > size || s.CacheBytes < 0 {
			t.Fatalf("cache holds %d bytes, want at most %d", s.CacheBytes, size)
		}
	}
	s := w.Stats()
	if s.CacheEntries < 50 || s.CacheEntries > 250 {
		t.Errorf("cache holds %d entries in %d bytes", s.CacheEntries, s.CacheBytes)
	}
	if s.UpstreamQueries != 501 {
		t.Errorf("upstream was asked %d times, want 501: the name in use was thrown out", s.UpstreamQueries)
	}
}

// Many readers of few entries, some of which expire, see only whole answers.
func TestCacheUnderContention(t *testing.T) {
	up := serveUpstream(t, func(q *dns.Msg, _ string) [][]byte {
		return [][]byte{pack(answer(q, q.Question[0].Name+" 1 IN A 93.184.216.34"))}
	})
	now := newClock()
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, CacheBytes: 16 << 10, Now: now.Now})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 100 {
				if g == 0 {
					now.pass(100 * time.Millisecond)
				}
				name := fmt.Sprintf("N%d.example.", i%7)
				got := w.ask(t, []string{"udp", "tcp"}[g%2], question(name, dns.TypeA))
				if len(got.Answer) != 1 || got.Answer[0].Header().Name != name {
					t.Errorf("%s: %v", name, got)
				}
			}
		})
	}
	wg.Wait()
}
