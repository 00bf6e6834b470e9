package proxy

import (
	"math"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keersluis/keersluis/filter"
)

// conn is one live connection, of a client or to an origin. It extends its own deadlines while bytes move, so that a
// peer that stops reading or writing can't hold it for ever.
type conn struct {
	net.Conn
	table *table

	early      []byte        // what was read too soon and must be read again first; owned by the reader
	tunnel     *tunnel       // set before an inner server sees the connection
	aliases    []filter.Host // of an origin: what its name was an alias of when it was dialled; never changed
	login      login         // of a client
	readStall  time.Duration // how long a read may take; 0: whoever reads sets the deadline
	writeStall time.Duration

	readArmed  atomic.Int64 // when the deadline was last set, in Unix nanoseconds; fixed: set by someone else
	writeArmed atomic.Int64
	moved      atomic.Int64 // when bytes last moved through a hijacked connection, in Unix nanoseconds; 0: not hijacked
	closed     atomic.Bool
}

// fixed marks a deadline that is not ours to extend.
const fixed = math.MaxInt64

// Read reads what came too soon, then the network.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	if c.readStall > 0 {
		rearm(&c.readArmed, c.readStall, c.Conn.SetReadDeadline)
	}
	return c.Conn.Read(p)
}

// Write writes, or fails after writeStall without progress.
func (c *conn) Write(p []byte) (int, error) {
	if c.writeStall > 0 {
		rearm(&c.writeArmed, c.writeStall, c.Conn.SetWriteDeadline)
	}
	return c.Conn.Write(p)
}

// rearm sets a deadline of stall from now, unless the one that is set has more than three quarters of it left: setting
// one for every call would cost as much as a small write.
func rearm(armed *atomic.Int64, stall time.Duration, set func(time.Time) error) {
	now, last := time.Now(), armed.Load()
	if last == fixed || now.UnixNano()-last < int64(stall)/4 {
		return
	}
	if armed.CompareAndSwap(last, now.UnixNano()) {
		_ = set(now.Add(stall)) // a closed connection says so at the read or write that follows
	}
}

// SetReadDeadline sets the deadline; zero gives it back to us.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.readArmed.Store(owner(t))
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline; zero gives it back to us.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writeArmed.Store(owner(t))
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error {
	c.readArmed.Store(owner(t))
	c.writeArmed.Store(owner(t))
	return c.Conn.SetDeadline(t)
}

// release takes the read deadline away for good: someone else watches whether bytes come.
func (c *conn) release() {
	c.readArmed.Store(fixed)
	_ = c.Conn.SetReadDeadline(time.Time{}) // a closed connection says so at the next read
}

func owner(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return fixed
}

// CloseWrite ends our half of the connection.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// Close closes the connection, strikes it off the table, and ends the exchange of its tunnel.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.table.remove(c)
	c.login.end()
	if c.tunnel != nil {
		c.tunnel.answer.Done(0, 0) // does nothing once a request inside it was admitted
	}
	return c.Conn.Close()
}

// addrOf returns the address in a, the zero Addr when there is none.
func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	if a == nil {
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// table is the live connections of one side. It exists because http.Server forgets what is hijacked.
type table struct {
	max int

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
}

func newTable(limit int) *table { return &table{max: limit, conns: make(map[*conn]struct{})} }

// add enters c. It reports false, and c must be closed, when the table is full or closed.
func (t *table) add(c *conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.conns) >= t.max {
		return false
	}
	t.conns[c] = struct{}{}
	return true
}

func (t *table) remove(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
}

func (t *table) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.conns)
}

// closeAll closes every connection and lets no other in.
func (t *table) closeAll() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.closeWhere(func(*conn) bool { return true })
}

// closeQuiet closes the hijacked connections through which nothing moved for a while.
func (t *table) closeQuiet(quiet time.Duration) {
	before := time.Now().Add(-quiet).UnixNano()
	t.closeWhere(func(c *conn) bool {
		moved := c.moved.Load()
		return moved != 0 && moved < before
	})
}

func (t *table) closeWhere(is func(*conn) bool) {
	t.mu.Lock()
	var found []*conn
	for c := range t.conns {
		if is(c) {
			found = append(found, c)
		}
	}
	t.mu.Unlock()
	for _, c := range found {
		_ = c.Close() // its goroutines see that, and it is all they need
	}
}

// crew counts the goroutines that work for the proxy, so that Serve can wait for them. Unlike sync.WaitGroup it may be
// joined while someone waits: an HTTP/2 stream can begin as late as that.
type crew struct {
	mu   sync.Mutex
	n    int           // guarded by mu
	none chan struct{} // guarded by mu; closed when n falls to zero; nil while nobody waits
}

func (c *crew) join() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *crew) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.none != nil {
		close(c.none)
		c.none = nil
	}
}

// gone returns a channel that is closed once nobody is left.
func (c *crew) gone() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.none != nil {
		return c.none
	}
	none := make(chan struct{})
	if c.n == 0 {
		close(none)
		return none
	}
	c.none = none
	return none
}

// listener enters what it accepts in the table.
type listener struct {
	net.Listener
	proxy *Proxy
}

// Accept returns the next connection that there is room for.
func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: inner, table: l.proxy.clients, writeStall: l.proxy.limits.Stall}
		if l.proxy.clients.add(c) {
			l.proxy.stats.accepted.Add(1)
			return c, nil
		}
		l.proxy.stats.refused.Add(1)
		_ = inner.Close() // over the limit: nothing was promised
	}
}

// handoff is a listener whose connections come from tunnels.
type handoff struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	addr  net.Addr
}

func newHandoff(addr net.Addr) *handoff {
	return &handoff{conns: make(chan net.Conn), done: make(chan struct{}), addr: addr}
}

// push gives c to the server behind h, or closes it when that has stopped.
func (h *handoff) push(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		_ = c.Close()
	}
}

// Accept returns the next connection that was pushed.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close stops h.
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr returns the address of the outer listener.
func (h *handoff) Addr() net.Addr { return h.addr }
