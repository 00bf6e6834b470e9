package resolver

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/filter"
)

// What can go wrong with a look-up.
var (
	ErrNoSuchHost  = errors.New("no such host")             // no such name, or one without addresses
	ErrUnavailable = errors.New("name cannot be looked up") // no upstream had an answer in time
)

// stragglerWait is how long, once one family of addresses is known, the other is waited for (RFC 8305 §3, more patient: a
// first connection over the better family is worth it).
const stragglerWait = 100 * time.Millisecond

// Lookup returns the addresses of host, IPv4 first, from the same cache and upstreams as the answers to clients. It asks
// and tells the gate nothing: the caller has an Answer for the host, and puts each address to it. The error is
// [ErrNoSuchHost], [ErrUnavailable] or that of ctx.
func (r *Resolver) Lookup(ctx context.Context, host filter.Host) ([]netip.Addr, error) {
	addrs, _, err := r.LookupChain(ctx, host)
	return addrs, err
}

// LookupChain is [Resolver.Lookup] that also returns the names that host is an alias of, for the caller to put to its
// Answer as well.
func (r *Resolver) LookupChain(ctx context.Context, host filter.Host) (addrs []netip.Addr, aliases []filter.Host, err error) {
	if a, ok := host.Addr(); ok {
		return []netip.Addr{a}, nil, nil
	}
	q, ok := newQuery(host)
	if !ok {
		return nil, nil, ErrNoSuchHost
	}
	switch special(host.String()) {
	case loopback:
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil, nil
	case noName, noData:
		return nil, nil, ErrNoSuchHost
	case forward:
	}
	found := r.bothFamilies(ctx, q)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	return found.result()
}

// families is what is known of the addresses of one name: A, then AAAA.
type families [2]*entry

func (f *families) result() (addrs []netip.Addr, aliases []filter.Host, err error) {
	err = ErrNoSuchHost
	for _, e := range f {
		switch {
		case e == nil || e.rcode == dns.RcodeServerFailure:
			err = ErrUnavailable
		default:
			addrs = append(addrs, e.addrs...)
			aliases = append(aliases, e.aliases...)
		}
	}
	if len(addrs) > 0 {
		return addrs, aliases, nil
	}
	return nil, nil, err
}

// bothFamilies asks for both families at once, and gives the second one up a moment after the first had addresses. What
// was given up is nil.
func (r *Resolver) bothFamilies(ctx context.Context, q *query) (found families) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type part struct {
		i int
		e *entry
	}
	parts := make(chan part, len(found))
	for i, qtype := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
		one := *q
		one.qtype = qtype
		go func() { parts <- part{i, r.resolveGuarded(ctx, &one)} }() // both are received below
	}
	for range found {
		p := <-parts
		found[p.i] = p.e
		if p.e != nil && len(p.e.addrs) > 0 {
			defer time.AfterFunc(stragglerWait, cancel).Stop()
		}
	}
	return found
}

// resolveGuarded is resolve for a goroutine that nobody guards.
func (r *Resolver) resolveGuarded(ctx context.Context, q *query) *entry {
	defer r.guard(new(inquiry), nil) // there is no client to answer
	return r.resolve(ctx, q)
}

// newQuery returns the question for host as a client of our own would put it.
func newQuery(host filter.Host) (*query, bool) {
	q := &query{class: dns.ClassINET, rd: true}
	n, err := dns.PackDomainName(host.String()+".", q.lower[:], 0, nil, false)
	if err != nil {
		return nil, false
	}
	q.n, q.raw = n, q.lower
	return q, true
}
