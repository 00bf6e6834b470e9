package resolver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/resolver"
)

// send writes messages to conn, framed.
func send(t *testing.T, conn net.Conn, ms ...*dns.Msg) {
	t.Helper()
	var b []byte
	for _, m := range ms {
		wire := pack(m)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(wire))), wire...)
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// receive reads one framed message.
func receive(t *testing.T, conn net.Conn) *dns.Msg {
	t.Helper()
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		t.Fatal(err)
	}
	return m
}

func dialTCP(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(8 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Queries that were sent together are answered as their answers come.
func TestPipelineOutOfOrder(t *testing.T) {
	release := make(chan struct{})
	up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
		if dns.CanonicalName(q.Question[0].Name) == "www.example." {
			<-release
		}
		return zone(public)(q, network)
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Try: 5 * time.Second})
	conn := dialTCP(t, w.tcp)
	slow, quick, blocked := question("www.example.", dns.TypeA), question("lottery.example.", dns.TypeA), question("casino.example.", dns.TypeA)
	send(t, conn, slow, blocked)
	if got := receive(t, conn); got.Id != blocked.Id {
		t.Errorf("first answer is to %v, want the blocked name", got.Question)
	}
	send(t, conn, quick)
	if got := receive(t, conn); got.Id != quick.Id {
		t.Errorf("second answer is to %v, want the quick name", got.Question)
	}
	close(release)
	if got := receive(t, conn); got.Id != slow.Id || len(got.Answer) != 1 {
		t.Errorf("third answer is %v, want that to the slow name", got)
	}
}

// A client that sends more queries than may wait is not read from until some are answered; all are answered in the end.
func TestPipelineIsBounded(t *testing.T) {
	const sent = 100
	release := make(chan struct{})
	up := serveUpstream(t, func(q *dns.Msg, _ string) [][]byte {
		<-release
		return [][]byte{pack(answer(q, q.Question[0].Name+" 300 IN A 93.184.216.34"))}
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Try: 5 * time.Second})
	conn := dialTCP(t, w.tcp)
	var ms []*dns.Msg
	for i := range sent {
		ms = append(ms, question(string(rune('a'+i%26))+string(rune('a'+i/26))+".example.", dns.TypeA))
	}
	send(t, conn, ms...)
	for range 32 {
		<-up.asked
	}
	if n := w.Stats().TCP; n > 33 {
		t.Errorf("%d queries were read while 32 waited", n)
	}
	close(release)
	for range sent {
		if got := receive(t, conn); len(got.Answer) != 1 {
			t.Errorf("answer %v", got)
		}
	}
}

// What is no query ends the connection without an answer.
func TestStreamsOfNonsense(t *testing.T) {
	w := serve(t, resolver.Config{})
	for name, b := range map[string]string{
		"HTTP":         "GET / HTTP/1.1\r\n\r\n",
		"length 0":     "\x00\x00",
		"length 11":    "\x00\x0b12345678901",
		"length 65535": "\xff\xff",
		"an answer":    "\x00\x0c\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		conn := dialTCP(t, w.tcp)
		if _, err := conn.Write([]byte(b)); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(conn); len(rest) != 0 || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %q, %v, want the end", name, rest, err)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	w := serve(t, resolver.Config{Conns: 4})
	var conns []net.Conn
	for range 2 {
		conn := dialTCP(t, w.tcp)
		send(t, conn, question("localhost.", dns.TypeA))
		receive(t, conn) // it is being served
		conns = append(conns, conn)
	}
	if rest, _ := io.ReadAll(dialTCP(t, w.tcp)); len(rest) != 0 {
		t.Errorf("third connection got %q", rest)
	}
	if s := w.Stats(); s.ConnsRefused != 1 || s.Conns != 2 {
		t.Errorf("%d connections refused and %d open, want 1 and 2", s.ConnsRefused, s.Conns)
	}
	if got := w.askFrom(t, "tcp", 1, question("localhost.", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("another client got %v", got)
	}
	for _, conn := range conns {
		send(t, conn, question("localhost.", dns.TypeA))
		receive(t, conn)
	}
}

// When as many queries of one client wait for upstreams as may, the next is dropped, counted and recorded. What needs no
// upstream is served, and so is another client.
func TestMissesAreBounded(t *testing.T) {
	up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
		if dns.CanonicalName(q.Question[0].Name) == "www.example." {
			return zone(public)(q, network)
		}
		return nil
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Misses: 4, Try: 3 * time.Second})
	conn, err := net.Dial("udp", w.udp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, name := range []string{"a.example.", "b.example.", "c.example."} {
		if _, err := conn.Write(pack(question(name, dns.TypeA))); err != nil {
			t.Fatal(err)
		}
	}
	w.log.settle(t, 1)
	if e := w.log.take()[0]; e.Down != 0 || e.Up == 0 {
		t.Errorf("event of the dropped query: %+v", e)
	}
	if s := w.Stats(); s.Dropped != 1 {
		t.Errorf("%d queries dropped, want 1", s.Dropped)
	}
	if got := w.ask(t, "udp", question("casino.example.", dns.TypeA)); got.Rcode != dns.RcodeNameError {
		t.Errorf("blocked name while the pool is full: %v", got)
	}
	if got := w.ask(t, "tcp", question("d.example.", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("over TCP while the pool is full: %v", got)
	}
	if s := w.Stats(); s.Dropped != 2 || s.Failed != 0 {
		t.Errorf("%d queries dropped and %d failed, want 2 and 0", s.Dropped, s.Failed)
	}
	for _, network := range []string{"udp", "tcp"} {
		if got := w.askFrom(t, network, 1, question("www.example.", dns.TypeA)); len(got.Answer) != 1 {
			t.Errorf("another client over %s: %v", network, got)
		}
	}
	if got := w.ask(t, "udp", question("www.example.", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("a cached name while the pool is full: %v", got)
	}
	w.stop()
	if events := w.log.take(); len(events) != 7 { // five that were answered, and two that were given up
		t.Errorf("%d events after the end, want 7: %+v", len(events), events)
	}
}

// panicky panics for some clients.
type panicky struct{ now atomic.Bool }

func (p *panicky) ByAddr(netip.Addr) filter.Client {
	if p.now.Swap(false) {
		panic("a client's name")
	}
	return filter.Client{}
}

// A panic costs the query that caused it, wherever it strikes: that gets SERVFAIL, the next is answered.
func TestPanicCostsOneQuery(t *testing.T) {
	var armed atomic.Bool
	var who panicky
	now := func() time.Time {
		if armed.Swap(false) {
			panic("no time")
		}
		return time.Now()
	}
	up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
		if dns.CanonicalName(q.Question[0].Name) == "lottery.example." {
			armed.Store(true) // strikes where the answer is taken
		}
		return zone(public)(q, network)
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Now: now, Clients: &who})
	for _, network := range []string{"udp", "tcp"} {
		for _, name := range []string{"localhost.", "lottery.example."} {
			before := w.Stats().Panics
			who.now.Store(name == "localhost.")
			if got := w.ask(t, network, question(name, dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
				t.Errorf("%s over %s: answer %v, want SERVFAIL", name, network, got)
			}
			if n := w.Stats().Panics - before; n != 1 {
				t.Errorf("%s over %s: %d panics, want 1", name, network, n)
			}
			if got := w.ask(t, network, question("www.example.", dns.TypeA)); len(got.Answer) != 1 {
				t.Errorf("after the panic: %v", got)
			}
		}
	}
}

// A panic ends neither the connection nor the queries that wait on it.
func TestPanicLeavesTheConnection(t *testing.T) {
	var who panicky
	w := serve(t, resolver.Config{Clients: &who})
	conn := dialTCP(t, w.tcp)
	who.now.Store(true)
	first, second := question("localhost.", dns.TypeA), question("localhost.", dns.TypeA)
	send(t, conn, first, second)
	if got := receive(t, conn); got.Id != first.Id || got.Rcode != dns.RcodeServerFailure {
		t.Errorf("first answer %v, want SERVFAIL", got)
	}
	if got := receive(t, conn); got.Id != second.Id || len(got.Answer) != 1 {
		t.Errorf("second answer %v", got)
	}
}

// panickyRecorder panics at each record.
type panickyRecorder struct{}

func (panickyRecorder) Record(logging.Event) { panic("no room") }

// A panic after the answer went out sends no second one.
func TestPanicAfterTheAnswer(t *testing.T) {
	g := gate.New(panickyRecorder{}, time.Now)
	g.Use(regulation(t))
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Gate: g, Upstreams: []netip.AddrPort{up.addr}})
	conn, err := net.Dial("udp", w.udp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	udp := &dns.Conn{Conn: conn}
	if err := udp.SetDeadline(time.Now().Add(8 * time.Second)); err != nil {
		t.Fatal(err)
	}
	names := []string{"localhost.", "www.example.", "localhost.", "www.example.", "localhost."}
	for _, name := range names {
		m := question(name, dns.TypeA)
		if err := udp.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
		got, err := udp.ReadMsg() // a second answer to the last would come here
		if err != nil || got.Id != m.Id || len(got.Answer) != 1 {
			t.Fatalf("%s over UDP: %v, %v", name, got, err)
		}
	}
	for _, name := range names {
		conn := dialTCP(t, w.tcp)
		send(t, conn, question(name, dns.TypeA))
		if got := receive(t, conn); len(got.Answer) != 1 {
			t.Errorf("%s over TCP: %v", name, got)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(conn); len(rest) != 0 || err != nil {
			t.Errorf("%s over TCP: %q, %v after the answer", name, rest, err)
		}
	}
	w.stop()
	if n := w.Stats().Panics; n != uint64(2*len(names)) {
		t.Errorf("%d panics, want %d", n, 2*len(names))
	}
}

// An answer leaves from the address that the query came to, also from a socket that is bound to all of them.
func TestWildcardSocketAnswersFromTheRightAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the whole of 127.0.0.0/8 on loopback")
	}
	for _, bind := range []string{"0.0.0.0:0", "[::]:0"} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		conns, err := resolver.ListenUDP(ctx, netip.MustParseAddrPort(bind), 1)
		if err != nil {
			t.Skipf("no %s here: %v", bind, err)
		}
		w := serve(t, resolver.Config{})
		served := make(chan error, 1)
		go func() { served <- w.ServeUDP(ctx, conns...) }()
		_, port, _ := net.SplitHostPort(conns[0].LocalAddr().String())
		c := dns.Client{Timeout: 2 * time.Second} // its socket is connected: it hears no other address
		got, _, err := c.Exchange(question("localhost.", dns.TypeA), net.JoinHostPort("127.0.0.9", port))
		if err != nil || len(got.Answer) != 1 {
			t.Errorf("bound to %s: %v, %v", bind, got, err)
		}
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

// When serving ends, nothing stays behind: no goroutine, no connection, not even for clients that are idle or waiting.
func TestNothingIsLeftBehind(t *testing.T) {
	up := serveUpstream(t, func(*dns.Msg, string) [][]byte { return nil })
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Try: 5 * time.Second})
	idle, waiting := dialTCP(t, w.tcp), dialTCP(t, w.tcp)
	send(t, idle, question("localhost.", dns.TypeA))
	receive(t, idle)
	send(t, waiting, question("a.example.", dns.TypeA))
	conn, err := net.Dial("udp", w.udp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(pack(question("b.example.", dns.TypeA))); err != nil {
		t.Fatal(err)
	}
	<-up.asked
	<-up.asked
	if len(ownGoroutines()) == 0 {
		t.Fatal("no goroutine found while serving")
	}
	begin := time.Now()
	w.stop()
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("serving took %s to end", d)
	}
	if rest, err := io.ReadAll(idle); len(rest) != 0 || err != nil {
		t.Errorf("idle connection: %q, %v, want the end", rest, err)
	}
	if stacks := ownGoroutines(); len(stacks) > 0 {
		t.Errorf("goroutines left behind:\n%s", strings.Join(stacks, "\n\n"))
	}
}

// ownGoroutines returns the stacks of the goroutines that run code of the package, tests aside. Counting goroutines
// would not do: one that has ended is counted for a moment longer.
func ownGoroutines() []string {
	b := make([]byte, 1<<20)
	all := strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n")
	return slices.DeleteFunc(all, func(s string) bool { return !strings.Contains(s, "keersluis/resolver.") })
}
