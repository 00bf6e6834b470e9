package resolver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/resolver"
)

// recorder keeps what the gate was told.
type recorder struct {
	mu     sync.Mutex
	events []logging.Event
	more   chan struct{} // gets a value for each event, while there is room
}

func newRecorder() *recorder { return &recorder{more: make(chan struct{}, 1000)} }

func (r *recorder) Record(e logging.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// take returns the events since the last take.
func (r *recorder) take() []logging.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.events
	r.events = nil
	return e
}

// clients gives everybody the same role.
type clients struct{ role filter.Role }

func (c clients) ByAddr(a netip.Addr) filter.Client {
	return filter.Client{Addr: a, Roles: []filter.Role{c.role}, Device: filter.ManagedPC}
}

// list returns a list of names, one a line.
func list(category filter.Category, names ...string) filter.List {
	var entries iter.Seq[filter.Entry] = func(yield func(filter.Entry) bool) {
		for i, n := range names {
			if !yield(filter.Entry{Line: i + 1, Host: []byte(n)}) {
				return
			}
		}
	}
	return filter.List{Name: string(category) + ".txt", Category: category, Entries: entries}
}

// regulation returns the policy of these tests: gambling is blocked for all but the auditor, loopback addresses and
// 10.0.0.0/8 behind intra.example are open.
func regulation(tb testing.TB, names ...string) *filter.Policy {
	tb.Helper()
	snapshot, complaints, err := filter.Compile(list("gambling", names...))
	if err != nil || len(complaints) > 0 {
		tb.Fatalf("Compile: %v, %v", complaints, err)
	}
	return filter.NewPolicy(filter.Rules{
		Categories: []filter.CategoryRule{
			{Category: "gambling", Action: filter.Block, Roles: map[filter.Role]filter.Action{"auditor": filter.Allow}},
		},
		Exceptions: []filter.Exception{{Host: host(tb, "lottery.example")}},
		Internal:   filter.Internal{Names: []filter.Host{host(tb, "intra.example")}},
	}, snapshot)
}

func host(tb testing.TB, s string) filter.Host {
	tb.Helper()
	h, err := filter.ParseHost(s)
	if err != nil {
		tb.Fatalf("ParseHost(%q): %v", s, err)
	}
	return h
}

// world is a resolver that serves on loopback, with what is around it.
type world struct {
	*resolver.Resolver
	gate *gate.Gate
	log  *recorder
	udp  string
	tcp  string
	stop func() // ends serving and waits for it
}

// serve starts a resolver of c, completed with what c lacks.
func serve(t *testing.T, c resolver.Config) *world {
	t.Helper()
	w := &world{log: newRecorder()}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Gate == nil {
		c.Gate = gate.New(w.log, c.Now)
		c.Gate.Use(regulation(t, "casino.example", "lottery.example"))
	}
	if c.Clients == nil {
		c.Clients = clients{filter.Employee}
	}
	if c.Try == 0 {
		c.Try = 300 * time.Millisecond
	}
	c.Logger = zap.NewNop()
	w.gate = c.Gate
	w.Resolver = resolver.New(c)

	ctx, cancel := context.WithCancel(t.Context())
	conns, err := resolver.ListenUDP(ctx, netip.MustParseAddrPort("127.0.0.1:0"), 2)
	if err != nil {
		t.Fatalf("ListenUDP: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	w.udp, w.tcp = conns[0].LocalAddr().String(), ln.Addr().String()
	served := make(chan error, 2)
	go func() { served <- w.ServeUDP(ctx, conns...) }()
	go func() { served <- w.ServeTCP(ctx, ln) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		for range 2 {
			if err := <-served; err != nil {
				t.Errorf("Serve: %v", err)
			}
		}
	})
	t.Cleanup(w.stop)
	return w
}

// question returns a query with an OPT record.
func question(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), qtype)
	m.SetEdns0(1232, false)
	return m
}

// ask sends m over network and returns the answer.
func (w *world) ask(t *testing.T, network string, m *dns.Msg) *dns.Msg {
	t.Helper()
	return w.askFrom(t, network, 0, m)
}

// askFrom is ask from 127.0.0.1+i.
func (w *world) askFrom(t *testing.T, network string, i int, m *dns.Msg) *dns.Msg {
	t.Helper()
	addr, dialer := w.udp, from(i)
	if network == "tcp" {
		addr, dialer.LocalAddr = w.tcp, &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+i))}
	}
	dialer.Timeout = 8 * time.Second
	c := dns.Client{Net: network, Timeout: 8 * time.Second, UDPSize: 4096, Dialer: dialer}
	got, _, err := c.Exchange(m, addr)
	if err != nil {
		t.Fatalf("asking %v over %s: %v", m.Question, network, err)
	}
	return got
}

// upstream is a name server whose answers a test makes.
type upstream struct {
	addr  netip.AddrPort
	asked chan *dns.Msg // a copy of each question, while there is room
}

// reply is how a test's upstream answers: with any number of raw messages, in order.
type reply func(q *dns.Msg, network string) [][]byte

// serveUpstream starts an upstream on UDP and TCP of one port.
func serveUpstream(t *testing.T, f reply) *upstream {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", ln.Addr().String())
	if err != nil {
		ln.Close()
		t.Skipf("the UDP port of a free TCP port is taken: %v", err)
	}
	u := &upstream{addr: netip.MustParseAddrPort(ln.Addr().String()), asked: make(chan *dns.Msg, 100)}
	var wg sync.WaitGroup
	wg.Go(func() { u.serveUDP(pc, f) })
	wg.Go(func() { u.serveTCP(ln, f) })
	t.Cleanup(func() {
		ln.Close()
		pc.Close()
		wg.Wait()
	})
	return u
}

func (u *upstream) note(b []byte) *dns.Msg {
	q := new(dns.Msg)
	if q.Unpack(b) != nil {
		return nil
	}
	select {
	case u.asked <- q.Copy():
	default:
	}
	return q
}

func (u *upstream) serveUDP(pc net.PacketConn, f reply) {
	var wg sync.WaitGroup
	defer wg.Wait()
	buf := make([]byte, 4096)
	for {
		n, from, err := pc.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if q := u.note(buf[:n]); q != nil {
			wg.Go(func() {
				for _, b := range f(q, "udp") {
					_, _ = pc.WriteTo(b, from)
				}
			})
		}
	}
}

func (u *upstream) serveTCP(ln net.Listener, f reply) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			var size [2]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			buf := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(conn, buf); err != nil {
				return
			}
			if q := u.note(buf); q != nil {
				for _, b := range f(q, "tcp") {
					_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
				}
			}
		})
	}
}

// pack returns m on the wire.
func pack(m *dns.Msg) []byte {
	m.Compress = true
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// answer returns the answer to q that holds the records of the zone lines rrs.
func answer(q *dns.Msg, rrs ...string) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	for _, s := range rrs {
		rr, err := dns.NewRR(s)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return m
}

// nothing returns a negative answer to q.
func nothing(q *dns.Msg, rcode int, ttl, minimum uint32) *dns.Msg {
	m := answer(q)
	m.Rcode = rcode
	m.Ns = []dns.RR{&dns.SOA{
		Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns:  "ns.example.", Mbox: "hostmaster.example.", Serial: 1, Refresh: 1, Retry: 1, Expire: 1, Minttl: minimum,
	}}
	return m
}

// zone returns an upstream's behaviour that answers from a map of "name TYPE" to zone lines, and NXDOMAIN beside it.
func zone(records map[string][]string) reply {
	return func(q *dns.Msg, _ string) [][]byte {
		k := dns.CanonicalName(q.Question[0].Name) + " " + dns.TypeToString[q.Question[0].Qtype]
		if rrs, ok := records[k]; ok {
			return [][]byte{pack(answer(q, rrs...))}
		}
		return [][]byte{pack(nothing(q, dns.RcodeNameError, 300, 60))}
	}
}

// ede returns the extended error of m.
func ede(m *dns.Msg) (code uint16, text string, ok bool) {
	opt := m.IsEdns0()
	if opt == nil {
		return 0, "", false
	}
	for _, o := range opt.Option {
		if e, is := o.(*dns.EDNS0_EDE); is {
			return e.InfoCode, e.ExtraText, true
		}
	}
	return 0, "", false
}

// addrs returns the addresses in the answer section of m.
func addrs(m *dns.Msg) []string {
	var s []string
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			s = append(s, rr.A.String())
		case *dns.AAAA:
			s = append(s, rr.AAAA.String())
		}
	}
	return s
}

// byTurns gives clients at 127.0.0.1 the first role and those at 127.0.0.2 the second.
type byTurns [2]filter.Role

func (b byTurns) ByAddr(a netip.Addr) filter.Client {
	return filter.Client{Addr: a, Roles: []filter.Role{b[a.As4()[3]-1]}}
}

// from returns a dialer that sends from 127.0.0.1+i.
func from(i int) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, byte(1+i))}}
}

// settle waits until n events are recorded: a client may have its answer a moment before.
func (r *recorder) settle(t *testing.T, n int) {
	t.Helper()
	for {
		r.mu.Lock()
		if len(r.events) >= n {
			r.mu.Unlock()
			return
		}
		c := r.more
		r.mu.Unlock()
		select {
		case <-c:
		case <-time.After(5 * time.Second):
			t.Fatalf("fewer than %d events after 5 s", n)
		}
	}
}
