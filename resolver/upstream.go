package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const (
	minBackoff = time.Second
	maxBackoff = time.Minute
	maxTries   = 4 // of one question, over all upstreams
)

// SystemUpstreams returns the name servers in file, mostly /etc/resolv.conf, in its order, without those that are one
// of own: a resolver that asks itself never answers.
func SystemUpstreams(file string, own ...netip.AddrPort) ([]netip.AddrPort, error) {
	c, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the system's name servers: %w", err)
	}
	var ups []netip.AddrPort
	for _, s := range c.Servers {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("read the system's name servers in %s: %w", file, err)
		}
		up := netip.AddrPortFrom(a.Unmap(), 53)
		if !slices.ContainsFunc(own, func(o netip.AddrPort) bool { return same(o, up) }) {
			ups = append(ups, up)
		}
	}
	return ups, nil
}

// same reports whether what is sent to b arrives at a listener on a.
func same(a, b netip.AddrPort) bool {
	addr := a.Addr().Unmap()
	return a.Port() == b.Port() && (addr == b.Addr() || addr.IsUnspecified() && b.Addr().IsLoopback())
}

// upstream is a server that questions are forwarded to, and what is known of its health.
type upstream struct {
	addr    netip.AddrPort
	fails   atomic.Int32 // in a row
	retryAt atomic.Int64 // unix nanoseconds until which it is asked last
}

// healthy reports whether u is asked in its turn.
func (u *upstream) healthy(now time.Time) bool { return now.UnixNano() >= u.retryAt.Load() }

// failed puts u at the end of the row, twice as long each time. Questions that were under way when it failed first count
// once together.
func (u *upstream) failed(now time.Time) {
	if !u.healthy(now) {
		return
	}
	n := u.fails.Add(1)
	u.retryAt.Store(now.Add(min(minBackoff<<min(n-1, 6), maxBackoff)).UnixNano())
}

// answered says that u works.
func (u *upstream) answered() {
	if u.fails.Load() != 0 {
		u.fails.Store(0)
		u.retryAt.Store(0)
	}
}

// row returns the upstreams in the order to ask them: as configured, the failing ones behind the others.
func (r *Resolver) row(now time.Time) []*upstream {
	row := make([]*upstream, 0, len(r.upstreams))
	for _, u := range r.upstreams {
		if u.healthy(now) {
			row = append(row, u)
		}
	}
	for _, u := range r.upstreams {
		if !slices.Contains(row, u) {
			row = append(row, u)
		}
	}
	return row
}

// ask puts q to one upstream after the other until one has an answer, and returns it in the form it is kept. That none
// has is an answer as well, of which the code is SERVFAIL. It returns nil only when ctx ended.
func (r *Resolver) ask(ctx context.Context, q *query) *entry {
	whole, cancel := context.WithTimeout(ctx, r.total)
	defer cancel()
	row := r.row(r.now())
	for i := range min(max(2, len(row)), maxTries) { // a single upstream gets a second chance: datagrams get lost
		if len(row) == 0 || whole.Err() != nil {
			break
		}
		e, err := r.askOne(whole, row[i%len(row)], q)
		if err == nil {
			return e
		}
		if ctx.Err() != nil {
			return nil
		}
		r.stats.upstreamFailures.Add(1)
	}
	return failure(q, r.now())
}

// askOne puts q to u.
func (r *Resolver) askOne(ctx context.Context, u *upstream, q *query) (*entry, error) {
	r.stats.upstreamQueries.Add(1)
	try, cancel := context.WithTimeout(ctx, r.try)
	defer cancel()
	m, err := r.exchange(try, u, q)
	if err != nil {
		if ctx.Err() == nil { // it had its full time
			u.failed(r.now())
		}
		return nil, err
	}
	u.answered()
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
		return newEntry(q, m, r.now())
	}
	return nil, fmt.Errorf("upstream answered %s", dns.RcodeToString[m.Rcode])
}
