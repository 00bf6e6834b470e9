package resolver_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/resolver"
)

// good is the true answer, forged what an attacker wants believed.
const (
	good   = "www.example. 300 IN A 93.184.216.34"
	forged = "www.example. 300 IN A 93.184.216.66"
)

// change returns the forged answer to q with something wrong about it.
func change(q *dns.Msg, f func(m *dns.Msg)) []byte {
	m := answer(q, strings.Replace(forged, "www.example.", q.Question[0].Name, 1))
	f(m)
	return pack(m)
}

// Nothing but the answer to the question asked is believed, whatever comes first.
func TestForgedAnswersAreNotBelieved(t *testing.T) {
	tests := map[string]func(q *dns.Msg) []byte{
		"wrong ID":    func(q *dns.Msg) []byte { return change(q, func(m *dns.Msg) { m.Id++ }) },
		"wrong name":  func(q *dns.Msg) []byte { return change(q, func(m *dns.Msg) { m.Question[0].Name = "wwx.example." }) },
		"wrong type":  func(q *dns.Msg) []byte { return change(q, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA }) },
		"wrong class": func(q *dns.Msg) []byte { return change(q, func(m *dns.Msg) { m.Question[0].Qclass = 3 }) },
		"no question": func(q *dns.Msg) []byte { return change(q, func(m *dns.Msg) { m.Question = nil }) },
		"two questions": func(q *dns.Msg) []byte {
			return change(q, func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) })
		},
		"a question":     func(q *dns.Msg) []byte { return change(q, func(m *dns.Msg) { m.Response = false }) },
		"another opcode": func(q *dns.Msg) []byte { return change(q, func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }) },
		"garbage":        func(*dns.Msg) []byte { return []byte("garbage that is longer than a header") },
		"empty":          func(*dns.Msg) []byte { return nil },
		"guessed case":   func(q *dns.Msg) []byte { return change(q, func(m *dns.Msg) { swapCase(m) }) },
	}
	for name, forge := range tests {
		t.Run(name, func(t *testing.T) {
			up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
				if network == "tcp" {
					return [][]byte{pack(answer(q, good))}
				}
				return [][]byte{forge(q), pack(answer(q, good))}
			})
			w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
			got := w.ask(t, "udp", question("www.example.", dns.TypeA))
			if want := []string{"93.184.216.34"}; !reflect.DeepEqual(addrs(got), want) {
				t.Errorf("answer %v, want %v", addrs(got), want)
			}
			if s := w.Stats(); s.NearMisses != 1 {
				t.Errorf("%d near misses, want 1", s.NearMisses)
			}
		})
	}
}

// swapCase changes the case of one letter of the question.
func swapCase(m *dns.Msg) {
	b := []byte(m.Question[0].Name)
	b[0] ^= 0x20
	m.Question[0].Name = string(b)
}

// A burst of guesses ends the exchange over UDP: the question goes over TCP.
func TestBurstOfForgeriesGoesToTCP(t *testing.T) {
	up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
		if network == "tcp" {
			return [][]byte{pack(answer(q, good))}
		}
		var burst [][]byte
		for i := range 100 {
			burst = append(burst, change(q, func(m *dns.Msg) { m.Id += uint16(i + 1) }))
		}
		return append(burst, pack(answer(q, forged))) // the guess that hits comes too late
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	got := w.ask(t, "udp", question("www.example.", dns.TypeA))
	if want := []string{"93.184.216.34"}; !reflect.DeepEqual(addrs(got), want) {
		t.Errorf("answer %v, want %v", addrs(got), want)
	}
}

// What an answer holds beside what was asked for is not believed and not passed on.
func TestOnlyTheChainIsKept(t *testing.T) {
	up := serveUpstream(t, func(q *dns.Msg, _ string) [][]byte {
		m := answer(q, "b.example. 60 IN A 93.184.216.34", "bank.example. 300 IN A 93.184.216.66",
			q.Question[0].Name+" 300 IN CNAME B.example.", q.Question[0].Name+" 300 IN TXT x")
		m.Ns = append(m.Ns, answer(q, "bank.example. 300 IN NS evil.example.", "other. 9 IN SOA a. b. 1 1 1 1 1").Answer...)
		m.Extra = append(m.Extra, answer(q, "bank.example. 300 IN A 93.184.216.66").Answer...)
		m.SetEdns0(4096, true)
		m.AuthenticatedData, m.Authoritative = true, true
		return [][]byte{pack(m)}
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	got := w.ask(t, "udp", question("www.example.", dns.TypeA))
	var answers []string
	for _, rr := range got.Answer {
		answers = append(answers, rr.String())
	}
	want := []string{"www.example.\t300\tIN\tCNAME\tB.example.", "b.example.\t60\tIN\tA\t93.184.216.34"}
	if !reflect.DeepEqual(answers, want) || len(got.Ns) != 0 || len(got.Extra) != 1 || got.AuthenticatedData || got.Authoritative {
		t.Errorf("answer:\n%v\nwant %v", got, want)
	}
	if opt := got.IsEdns0(); opt.UDPSize() != 1232 || opt.Do() {
		t.Errorf("OPT %v, want our own", opt)
	}
}

// What can't be made sense of is a failure, said so and remembered for a moment.
func TestSenselessAnswersFail(t *testing.T) {
	loop := []string{"www.example. 300 IN CNAME b.example.", "b.example. 300 IN CNAME www.example."}
	var endless, many []string
	for i := range 40 {
		endless = append(endless, fmt.Sprintf("n%d.example. 300 IN CNAME n%d.example.", i, i+1))
	}
	for i := range 300 {
		many = append(many, fmt.Sprintf("www.example. 300 IN A 93.184.%d.%d", i/200, i%200))
	}
	tests := map[string]reply{
		"loop":    zone(map[string][]string{"www.example. A": loop}),
		"endless": zone(map[string][]string{"www.example. A": append(endless, "www.example. 300 IN CNAME n0.example.")}),
		"many":    zone(map[string][]string{"www.example. A": many}),
		"garbage": func(q *dns.Msg, _ string) [][]byte {
			return [][]byte{append(pack(answer(q))[:7], append([]byte{9}, pack(answer(q))[8:]...)...)}
		},
		"refused":  func(q *dns.Msg, _ string) [][]byte { return [][]byte{pack(nothing(q, dns.RcodeRefused, 1, 1))} },
		"servfail": func(q *dns.Msg, _ string) [][]byte { return [][]byte{pack(nothing(q, dns.RcodeServerFailure, 1, 1))} },
		"silence":  func(*dns.Msg, string) [][]byte { return nil },
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			up := serveUpstream(t, f)
			w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Try: 50 * time.Millisecond})
			for range 2 {
				got := w.ask(t, "udp", question("www.example.", dns.TypeA))
				code, _, ok := ede(got)
				if got.Rcode != dns.RcodeServerFailure || !ok || code != dns.ExtendedErrorCodeNoReachableAuthority {
					t.Errorf("answer %v, want SERVFAIL with extended error 22", got)
				}
			}
			if s := w.Stats(); s.UpstreamQueries != 2 || s.CacheHits != 1 {
				t.Errorf("asked upstream %d times with %d hits, want 2 and 1", s.UpstreamQueries, s.CacheHits)
			}
		})
	}
}

func TestNoUpstreams(t *testing.T) {
	w := serve(t, resolver.Config{})
	if got := w.ask(t, "udp", question("www.example.", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("%s, want SERVFAIL", dns.RcodeToString[got.Rcode])
	}
}

// A dead upstream costs the first question its patience, and the following nothing until its backoff has passed.
func TestDeadUpstreamIsAskedLast(t *testing.T) {
	dead := serveUpstream(t, func(*dns.Msg, string) [][]byte { return nil })
	alive := serveUpstream(t, func(q *dns.Msg, _ string) [][]byte {
		return [][]byte{pack(answer(q, q.Question[0].Name+" 300 IN A 93.184.216.34"))}
	})
	now := newClock()
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{dead.addr, alive.addr}, Now: now.Now})
	steps := []struct {
		pass time.Duration
		dead int // questions it got
	}{{0, 1}, {0, 0}, {time.Second / 2, 0}, {time.Second, 1}, {time.Second, 0}, {time.Second, 1}}
	for i, s := range steps {
		now.pass(s.pass)
		if got := w.ask(t, "udp", question(fmt.Sprintf("n%d.example.", i), dns.TypeA)); len(addrs(got)) != 1 {
			t.Fatalf("step %d: %v", i, got)
		}
		if n := len(dead.asked); n != s.dead {
			t.Errorf("step %d: the dead upstream got %d questions, want %d", i, n, s.dead)
		}
		for len(dead.asked) > 0 {
			<-dead.asked
		}
	}
}

// clock is a clock that a test moves.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.at.Store(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time       { return time.Unix(0, c.at.Load()) }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d)) }

// Questions go out with what a forger has to guess: a new port, a new ID, letters of random case.
func TestQuestionsAreHardToGuess(t *testing.T) {
	up := serveUpstream(t, zone(nil))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	const name = "a-fairly-long-name-with-letters.example."
	ids, spellings := map[uint16]bool{}, map[string]bool{}
	for i := range 20 {
		w.ask(t, "udp", question(name, uint16(100+i)))
		q := <-up.asked
		ids[q.Id], spellings[q.Question[0].Name] = true, true
		if !strings.EqualFold(q.Question[0].Name, name) || !q.RecursionDesired {
			t.Errorf("upstream got %v", q)
		}
	}
	if len(ids) < 18 || len(spellings) < 18 {
		t.Errorf("20 questions had %d IDs and %d spellings", len(ids), len(spellings))
	}
}

// DO and CD go to the upstream when the client set them, and answers are kept apart by them.
func TestFlagsReachTheUpstream(t *testing.T) {
	up := serveUpstream(t, func(q *dns.Msg, _ string) [][]byte {
		const sig = "www.example. 300 IN RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA"
		return [][]byte{pack(answer(q, good, sig))}
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	for _, do := range []bool{false, true} {
		for _, cd := range []bool{false, true} {
			m := question("www.example.", dns.TypeA)
			m.CheckingDisabled = cd
			m.IsEdns0().SetDo(do)
			got := w.ask(t, "udp", m)
			q := <-up.asked
			if q.IsEdns0().Do() != do || q.CheckingDisabled != cd {
				t.Errorf("upstream got DO %v CD %v, want %v %v", q.IsEdns0().Do(), q.CheckingDisabled, do, cd)
			}
			if got.CheckingDisabled != cd || got.IsEdns0().Do() != do || len(got.Answer) != map[bool]int{false: 1, true: 2}[do] {
				t.Errorf("with DO %v CD %v: %v", do, cd, got)
			}
		}
	}
}

// arrivals is a count of the clients that asked.
type arrivals struct{ sync.WaitGroup }

func (a *arrivals) ByAddr(netip.Addr) filter.Client {
	a.Done()
	return filter.Client{}
}

// Many who ask the same at the same time cost the upstream one question.
func TestEqualQuestionsShareOneExchange(t *testing.T) {
	var all arrivals
	all.Add(20)
	up := serveUpstream(t, func(q *dns.Msg, _ string) [][]byte {
		all.Wait()
		return [][]byte{pack(answer(q, good))}
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Try: 5 * time.Second, Clients: &all})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got := w.ask(t, "udp", question("www.example.", dns.TypeA)); len(got.Answer) != 1 {
				t.Errorf("answer %v", got)
			}
		})
	}
	wg.Wait()
	if s := w.Stats(); s.UpstreamQueries != 1 {
		t.Errorf("the upstream was asked %d times, want 1", s.UpstreamQueries)
	}
}

func TestTruncatedAnswerIsFetchedOverTCP(t *testing.T) {
	var rrs []string
	for i := range 100 {
		rrs = append(rrs, fmt.Sprintf("www.example. 300 IN A 93.184.216.%d", i))
	}
	up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
		m := answer(q, rrs...)
		if network == "udp" {
			m.Answer, m.Truncated = m.Answer[:2], true
		}
		return [][]byte{pack(m)}
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	for range 2 {
		got := w.ask(t, "udp", question("www.example.", dns.TypeA))
		if !got.Truncated || len(got.Answer) != 0 || got.IsEdns0() == nil {
			t.Errorf("over UDP: %v, want a truncated answer", got.MsgHdr)
		}
		got = w.ask(t, "tcp", question("www.example.", dns.TypeA))
		if got.Truncated || len(got.Answer) != 100 {
			t.Errorf("over TCP: %d records, want 100", len(got.Answer))
		}
	}
	if s := w.Stats(); s.UpstreamQueries != 1 {
		t.Errorf("the upstream was asked %d times, want 1", s.UpstreamQueries)
	}
}

// The size that a client offers is honoured between 512 and 1232 bytes.
func TestSizeOfferedByTheClient(t *testing.T) {
	txt := strings.Repeat("x", 200)
	up := serveUpstream(t, func(q *dns.Msg, _ string) [][]byte {
		n := int(q.Question[0].Name[0] - '0') // of records of 212 bytes
		var rrs []string
		for i := range n {
			rrs = append(rrs, fmt.Sprintf("%s 300 IN TXT %d%s", q.Question[0].Name, i, txt[1:]))
		}
		return [][]byte{pack(answer(q, rrs...))}
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	tests := []struct {
		name      string
		size      uint16 // 0: no OPT
		truncated bool
	}{
		{"2.example.", 0, false},
		{"3.example.", 0, true},
		{"2.example.", 100, false},
		{"3.example.", 512, true},
		{"3.example.", 900, false},
		{"5.example.", 900, true},
		{"5.example.", 1232, false},
		{"6.example.", 4096, true},
	}
	for _, tt := range tests {
		m := new(dns.Msg)
		m.SetQuestion(tt.name, dns.TypeTXT)
		if tt.size > 0 {
			m.SetEdns0(tt.size, false)
		}
		got := w.ask(t, "udp", m)
		if got.Truncated != tt.truncated {
			t.Errorf("%s with size %d: truncated %v, want %v", tt.name, tt.size, got.Truncated, tt.truncated)
		}
	}
}

func TestSystemUpstreams(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	const text = "# a comment\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch example\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all := []netip.AddrPort{
		netip.MustParseAddrPort("127.0.0.53:53"), netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("[2001:db8::1]:53"),
	}
	tests := []struct {
		own  string
		want []netip.AddrPort
	}{
		{"127.0.0.1:5300", all},
		{"127.0.0.53:53", all[1:]},
		{"0.0.0.0:53", all[1:]},
		{"192.0.2.1:53", []netip.AddrPort{all[0], all[2]}},
	}
	for _, tt := range tests {
		got, err := resolver.SystemUpstreams(file, netip.MustParseAddrPort(tt.own))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("SystemUpstreams with %s = %v, %v, want %v", tt.own, got, err, tt.want)
		}
	}
	if _, err := resolver.SystemUpstreams(file + ".gone"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("SystemUpstreams of no file: %v", err)
	}
}

// An upstream that nobody listens at fails at once, and the next is asked.
func TestClosedUpstream(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := netip.MustParseAddrPort(pc.LocalAddr().String())
	pc.Close()
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{closed, up.addr}, Try: 5 * time.Second})
	begin := time.Now()
	if got := w.ask(t, "udp", question("www.example.", dns.TypeA)); len(got.Answer) != 1 || time.Since(begin) > 4*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), got)
	}
}
