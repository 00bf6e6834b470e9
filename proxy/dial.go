package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/proxy/page"
)

const (
	maxAddrs   = 16                     // addresses of one name that are tried
	maxAliases = 64                     // names that one name is an alias of; the resolver follows fewer
	stagger    = 250 * time.Millisecond // between one attempt and the next (RFC 8305 section 5)
)

// fault is why there is no answer from the origin, as a page tells it. It never holds what was asked.
type fault struct {
	problem page.Problem
	detail  page.Detail
	status  int            // 0: the problem's own
	verdict filter.Verdict // of page.InternalAddress and page.Blocked
}

// Error returns the problem's name.
func (f *fault) Error() string { return f.problem.String() }

// dialTarget connects to host and port under an answer: it looks the host up, asks the answer for each alias and each
// address, and dials the addresses that it allows, and nothing else. Errors are faults.
func (p *Proxy) dialTarget(ctx context.Context, a *gate.Answer, host filter.Host, port uint16) (*conn, error) {
	p.crew.join()
	defer p.crew.leave()
	ctx, cancel := context.WithTimeout(ctx, p.limits.Dial)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)()

	addrs, aliases, err := p.addresses(ctx, a, host)
	if err != nil {
		return nil, err
	}
	allowed, blocked := p.allowed(a, addrs, port)
	if len(allowed) == 0 {
		return nil, &fault{problem: page.Of(blocked), verdict: blocked}
	}
	inner, err := p.race(ctx, allowed, port)
	if err != nil {
		return nil, dialFault(err)
	}
	c := &conn{
		Conn: inner, table: p.origins, aliases: aliases, readStall: p.limits.OriginStall, writeStall: p.limits.Stall,
	}
	if !p.origins.add(c) {
		_ = inner.Close() // never used
		return nil, &fault{problem: page.ShuttingDown}
	}
	return c, nil
}

// addresses returns the addresses of host, at most maxAddrs, and what it is an alias of, unless the answer blocks that.
func (p *Proxy) addresses(ctx context.Context, a *gate.Answer, host filter.Host) ([]netip.Addr, []filter.Host, error) {
	if ip, ok := host.Addr(); ok {
		return []netip.Addr{ip}, nil, nil
	}
	addrs, aliases, err := p.lookup(ctx, host)
	if err != nil {
		return nil, nil, lookupFault(err)
	}
	aliases = aliases[:min(len(aliases), maxAliases)]
	if v := aliased(a, aliases); v.Blocked() {
		return nil, nil, &fault{problem: page.Of(v), verdict: v}
	}
	if len(addrs) == 0 {
		return nil, nil, &fault{problem: page.DNSFailure, detail: page.NameUnknown}
	}
	return addrs[:min(len(addrs), maxAddrs)], aliases, nil
}

// aliased returns the verdict on the first of aliases that the answer blocks, or one that doesn't block.
func aliased(a *gate.Answer, aliases []filter.Host) filter.Verdict {
	for _, alias := range aliases {
		if v := a.Alias(alias); v.Blocked() {
			return v
		}
	}
	return filter.Verdict{Action: filter.Allow}
}

// allowed returns the addresses that may be dialled, IPv6 and IPv4 by turns, and the verdict on one that may not.
func (p *Proxy) allowed(a *gate.Answer, addrs []netip.Addr, port uint16) ([]netip.Addr, filter.Verdict) {
	var blocked filter.Verdict
	var six, four []netip.Addr
	for _, ip := range addrs {
		ip = ip.Unmap().WithZone("")
		v := a.Addr(ip)
		switch {
		case v.Blocked():
			blocked = v
		case p.isSelf(ip, port):
			blocked = filter.Verdict{Reason: filter.InternalAddress, Lists: v.Lists}
		case ip.Is4():
			four = append(four, ip)
		default:
			six = append(six, ip)
		}
	}
	out := make([]netip.Addr, 0, len(six)+len(four))
	for i := range max(len(six), len(four)) {
		if i < len(six) {
			out = append(out, six[i])
		}
		if i < len(four) {
			out = append(out, four[i])
		}
	}
	return out, blocked
}

// isSelf reports whether ip and port are our own listener: a tunnel to ourselves would have no end.
func (p *Proxy) isSelf(ip netip.Addr, port uint16) bool {
	self := p.self
	if port != self.Port() {
		return false
	}
	return ip == self.Addr().Unmap() || self.Addr().IsUnspecified() && ip.IsLoopback()
}

// race connects to the first address that accepts, starting an attempt each stagger and at each failure (RFC 8305,
// without its sorting). It returns when every attempt has ended.
func (p *Proxy) race(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	if len(addrs) == 1 {
		return p.attempt(ctx, addrs[0], port)
	}
	type result struct {
		conn net.Conn
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result)
	timer := time.NewTimer(stagger)
	defer timer.Stop()
	var won net.Conn
	var first error
	started, running := 0, 0
	start := func() {
		if won != nil || started == len(addrs) {
			return
		}
		ip := addrs[started]
		started, running = started+1, running+1
		go func() {
			c, err := p.attempt(ctx, ip, port)
			results <- result{c, err}
		}()
		timer.Reset(stagger)
	}
	for start(); running > 0; {
		select {
		case <-timer.C:
			start()
		case r := <-results:
			running--
			switch {
			case r.err != nil:
				if first == nil {
					first = r.err
				}
				start()
			case won == nil:
				won = r.conn
				cancel()
			default:
				_ = r.conn.Close() // came second
			}
		}
	}
	if won != nil {
		return won, nil
	}
	return nil, first
}

func (p *Proxy) attempt(ctx context.Context, ip netip.Addr, port uint16) (net.Conn, error) {
	d := net.Dialer{Timeout: p.limits.Dial, KeepAlive: p.limits.KeepAlive}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(ip.String(), strconv.Itoa(int(port))))
}

// lookupFault says what a failed look-up is.
func lookupFault(err error) error {
	detail := page.NameServerFailed
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case dns.IsNotFound:
			detail = page.NameUnknown
		case dns.IsTimeout:
			detail = page.NameTimeout
		}
	} else if isTimeout(err) {
		detail = page.NameTimeout
	}
	return &fault{problem: page.DNSFailure, detail: detail}
}

// dialFault says what a failed connection is.
func dialFault(err error) error {
	switch {
	case isTimeout(err):
		return &fault{problem: page.Timeout}
	case isAny(err, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL):
		return &fault{problem: page.ConnectionRefused, detail: page.HostUnreachable}
	case isAny(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS):
		return &fault{problem: page.ProxyError}
	}
	return &fault{problem: page.ConnectionRefused}
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}
