package resolver

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
)

// Clients says who asks from an address.
type Clients interface {
	ByAddr(netip.Addr) filter.Client
}

// Config is what a resolver is made of. Zero numbers stand for the defaults given.
type Config struct {
	Gate      *gate.Gate
	Clients   Clients
	Upstreams []netip.AddrPort // in order of preference; none: every name that isn't ours fails
	Logger    *zap.Logger      // never told a name or an address
	Now       func() time.Time

	CacheBytes int           // memory for answers; 16 MiB
	Misses     int           // queries that may wait for upstreams at once, one client's at most half; 512
	Conns      int           // TCP connections at once, one client's at most half; 256
	Try        time.Duration // how long one upstream is waited for; 1.5 s
	Total      time.Duration // how long all are together; 5 s
}

// Resolver answers DNS queries. Its methods are safe for concurrent use.
type Resolver struct {
	gate      *gate.Gate
	clients   Clients
	upstreams []*upstream
	log       *zap.Logger
	now       func() time.Time
	misses    int
	conns     int
	try       time.Duration
	total     time.Duration

	cache   *cache
	flights flights
	waiting *shares // places for misses
	seed    maphash.Seed
	hosts   [1024]atomic.Pointer[filter.Host] // of recent names, so that asking again costs no memory
	stats   counters
}

// New returns a resolver that serves nothing yet.
func New(c Config) *Resolver {
	r := &Resolver{
		gate: c.Gate, clients: c.Clients, log: c.Logger, now: c.Now,
		misses: orDefault(c.Misses, 512),
		conns:  orDefault(c.Conns, 256),
		try:    orDefault(c.Try, 1500*time.Millisecond),
		total:  orDefault(c.Total, 5*time.Second),
		cache:  newCache(orDefault(c.CacheBytes, 16<<20)),
		seed:   maphash.MakeSeed(),
	}
	r.waiting = newShares(r.misses)
	for _, a := range c.Upstreams {
		r.upstreams = append(r.upstreams, &upstream{addr: a})
	}
	return r
}

func orDefault[N int | time.Duration](v, d N) N {
	if v == 0 {
		return d
	}
	return v
}

// inquiry is one query on its way to its answer.
type inquiry struct {
	q       query
	answer  *gate.Answer // nil for what has no host to decide on
	replied bool         // an answer went out, or was tried to; set by the door
}

// begin reads msg, which came from client, and appends what can be answered at once to dst. It blocks on nothing. When
// miss is true the caller must call finish, else end; reply is nil for what deserves no answer.
func (r *Resolver) begin(dst []byte, x *inquiry, msg []byte, client netip.Addr) (reply []byte, miss bool) {
	x.answer, x.replied = nil, false
	q := &x.q
	switch rcode := q.parse(msg); rcode {
	case dns.RcodeSuccess:
	case drop:
		r.stats.ignored.Add(1)
		return nil, false
	case dns.RcodeRefused:
		r.stats.refused.Add(1)
		return appendCode(dst, q, rcode, edeNone), false
	default:
		r.stats.malformed.Add(1)
		return appendCode(dst, q, rcode, edeNone), false
	}
	now := r.now()
	if q.n > 1 {
		host := r.host(q)
		x.answer = r.gate.Admit(filter.Request{Door: filter.DNS, Client: r.clients.ByAddr(client), Host: host, At: now})
		if reply := r.decided(dst, x, host); reply != nil {
			return reply, false
		}
	} else if !aboutRoot(q.qtype) {
		r.stats.refused.Add(1)
		return appendCode(dst, q, dns.RcodeRefused, edeNone), false
	}
	e := r.cache.get(q, now)
	if e == nil {
		r.stats.cacheMisses.Add(1)
		return nil, true
	}
	r.stats.cacheHits.Add(1)
	return r.serve(dst, x, e, now), false
}

// decided returns the answer to a question that needs no upstream: a refused or blocked name, a name of our own. Nil for
// all others.
func (r *Resolver) decided(dst []byte, x *inquiry, host filter.Host) []byte {
	if host.IsZero() {
		r.stats.refused.Add(1)
		return appendCode(dst, &x.q, dns.RcodeRefused, edeNone)
	}
	if v := x.answer.Verdict(); v.Blocked() {
		r.stats.blocked.Add(1)
		return appendBlocked(dst, &x.q, v)
	}
	if f := special(host.String()); f != forward {
		r.stats.local.Add(1)
		return appendSpecial(dst, &x.q, f)
	}
	if x.q.qtype == dns.TypeANY {
		r.stats.local.Add(1)
		return appendData(dst, &x.q, dns.TypeHINFO, "\x07RFC8482\x00")
	}
	return nil
}

// aboutRoot reports whether a question of this type about the root itself is forwarded: what a resolver or a validator
// behind this one must know to start. It goes past the gate, since the root is no host that anyone visits.
func aboutRoot(qtype uint16) bool {
	return qtype == dns.TypeNS || qtype == dns.TypeSOA || qtype == dns.TypeDS || qtype == dns.TypeDNSKEY
}

// host returns the name of q as the gate takes it, or the zero Host for a name that no host may have.
func (r *Resolver) host(q *query) filter.Host {
	var buf [maxName]byte
	text, ok := q.text(buf[:0])
	if !ok {
		return filter.Host{}
	}
	slot := &r.hosts[maphash.Bytes(r.seed, text)%uint64(len(r.hosts))]
	if h := slot.Load(); h != nil && h.String() == string(text) {
		return *h
	}
	h, err := filter.ParseHost(string(text))
	if _, isAddr := h.Addr(); err != nil || isAddr || h.String() != string(text) {
		return filter.Host{} // decided on must be the very name that is forwarded
	}
	slot.Store(&h)
	return h
}

// finish appends the answer to a query that begin could not answer, waiting for an upstream where it must.
func (r *Resolver) finish(ctx context.Context, dst []byte, x *inquiry) []byte {
	e := r.resolve(ctx, &x.q)
	if e == nil {
		r.stats.failed.Add(1)
		return appendCode(dst, &x.q, dns.RcodeServerFailure, edeNone)
	}
	return r.serve(dst, x, e, r.now())
}

// serve appends e as the answer to x, or a blocked answer when the policy closes what e leads to for this client.
func (r *Resolver) serve(dst []byte, x *inquiry, e *entry, now time.Time) []byte {
	if x.answer != nil {
		if v := judge(x.answer, e); v.Blocked() {
			x.answer.Stop(v)
			r.stats.blocked.Add(1)
			return appendBlocked(dst, &x.q, v)
		}
	}
	if e.rcode == dns.RcodeServerFailure {
		r.stats.failed.Add(1)
	} else {
		r.stats.answered.Add(1)
	}
	return appendEntry(dst, &x.q, e, now)
}

// judge returns the first verdict that blocks what e leads to, or one that doesn't.
func judge(a *gate.Answer, e *entry) filter.Verdict {
	for _, h := range e.aliases {
		if v := a.Alias(h); v.Blocked() {
			return v
		}
	}
	for _, ip := range e.addrs {
		if v := a.Addr(ip); v.Blocked() {
			return v
		}
	}
	return filter.Verdict{Action: filter.Allow}
}

// end closes the exchange of a query whose answer has n bytes, 0 when it got none.
func (x *inquiry) end(n int) {
	if x.answer != nil {
		x.answer.Done(int64(x.q.bytes), int64(n))
	}
}

// guard ends x when its handling panicked: that costs one query, not the process. A client that has no answer yet gets
// SERVFAIL by reply, which ends x as well. It is deferred.
func (r *Resolver) guard(x *inquiry, reply func([]byte)) {
	v := recover()
	if v == nil {
		return
	}
	r.stats.panics.Add(1)
	// The value may hold what was asked: only its type is told.
	r.log.Error("query panicked", zap.String("type", fmt.Sprintf("%T", v)), zap.Stack("stack"))
	if x.replied || x.q.bytes == 0 { // or it was not seen to be a query
		x.end(0)
		return
	}
	reply(appendCode(nil, &x.q, dns.RcodeServerFailure, edeNone))
}

// resolve returns the unfiltered answer to q from the cache or an upstream, nil when ctx ended.
func (r *Resolver) resolve(ctx context.Context, q *query) *entry {
	k := flightKey{name: string(q.name()), qtype: q.qtype, do: q.do, cd: q.cd}
	return r.flights.do(ctx, k, func() *entry {
		if e := r.cache.get(q, r.now()); e != nil { // another flight landed just now
			return e
		}
		e := r.ask(ctx, q)
		if e != nil {
			r.cache.put(q, e)
		}
		return e
	})
}
