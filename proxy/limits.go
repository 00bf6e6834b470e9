package proxy

import (
	"cmp"
	"sync/atomic"
	"time"
)

// Limits bounds what a peer can hold, and for how long. The zero value of a field is its default, in brackets.
type Limits struct {
	Clients int // connections of clients at a time [20,000]
	Origins int // connections to origins at a time [20,000]

	// Withheld bounds the bytes of all responses that are kept back at a time until they are judged [128 MiB]. Who judges
	// keeps as many again, and what it decodes of them.
	Withheld int64

	Header      time.Duration // for a request header and for the TLS handshake of a client [10 s]
	Idle        time.Duration // of a client's connection between requests [2 min]
	Peek        time.Duration // for the first bytes in a tunnel [10 s]
	TunnelIdle  time.Duration // of a tunnel or WebSocket through which nothing moves [10 min]
	Stall       time.Duration // for a client to send or take a part of a body, and for an origin to take one [2 min]
	OriginStall time.Duration // for an origin to send a part of a body [10 min]
	Judge       time.Duration // for an origin to send more of a body of which the start is withheld [30 s]
	Dial        time.Duration // for looking up and connecting [15 s]
	TLS         time.Duration // for the handshake with an origin [10 s]
	Response    time.Duration // for a response header to come [2 min]
	Continue    time.Duration // for a 100 Continue to come [1 s]
	OriginIdle  time.Duration // of a connection to an origin between requests [90 s]
	Ping        time.Duration // of an HTTP/2 connection without a frame, before it is asked for a sign of life [30 s]
	KeepAlive   time.Duration // between TCP keep-alives [30 s]
	Grace       time.Duration // for what is under way when Serve is to end [15 s]
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Clients:     cmp.Or(l.Clients, 20_000),
		Origins:     cmp.Or(l.Origins, 20_000),
		Header:      cmp.Or(l.Header, 10*time.Second),
		Idle:        cmp.Or(l.Idle, 2*time.Minute),
		Peek:        cmp.Or(l.Peek, 10*time.Second),
		TunnelIdle:  cmp.Or(l.TunnelIdle, 10*time.Minute),
		Stall:       cmp.Or(l.Stall, 2*time.Minute),
		OriginStall: cmp.Or(l.OriginStall, 10*time.Minute),
		Withheld:    cmp.Or(l.Withheld, 128<<20),
		Judge:       cmp.Or(l.Judge, 30*time.Second),
		Dial:        cmp.Or(l.Dial, 15*time.Second),
		TLS:         cmp.Or(l.TLS, 10*time.Second),
		Response:    cmp.Or(l.Response, 2*time.Minute),
		Continue:    cmp.Or(l.Continue, time.Second),
		OriginIdle:  cmp.Or(l.OriginIdle, 90*time.Second),
		Ping:        cmp.Or(l.Ping, 30*time.Second),
		KeepAlive:   cmp.Or(l.KeepAlive, 30*time.Second),
		Grace:       cmp.Or(l.Grace, 15*time.Second),
	}
}

// Stats is what the proxy has done since it was made. Nothing in it is about a person or a site.
type Stats struct {
	Accepted   uint64 // connections
	Refused    uint64 // connections over the limit
	Requests   uint64 // that the gate let through
	Blocked    uint64 // requests, tunnels and downloads
	Failed     uint64 // requests for which the origin gave no answer
	Malformed  uint64
	Challenged uint64 // answered with 407
	Inspected  uint64 // tunnels
	Spliced    uint64 // tunnels
	Upgraded   uint64 // WebSockets
	Mismatched uint64 // tunnels and requests whose host is not that of the CONNECT or the ClientHello
	Foreign    uint64 // tunnels with a protocol that is not carried
	Panics     uint64
}

type counters struct {
	accepted, refused, requests, blocked, failed, malformed, challenged atomic.Uint64
	inspected, spliced, upgraded, mismatched, foreign, panics           atomic.Uint64
}

// Stats returns the counters as they stand.
func (p *Proxy) Stats() Stats {
	c := &p.stats
	return Stats{
		Accepted: c.accepted.Load(), Refused: c.refused.Load(), Requests: c.requests.Load(), Blocked: c.blocked.Load(),
		Failed: c.failed.Load(), Malformed: c.malformed.Load(), Challenged: c.challenged.Load(),
		Inspected: c.inspected.Load(), Spliced: c.spliced.Load(), Upgraded: c.upgraded.Load(),
		Mismatched: c.mismatched.Load(), Foreign: c.foreign.Load(), Panics: c.panics.Load(),
	}
}

// Live returns the number of client connections, tunnels and WebSockets among them.
func (p *Proxy) Live() int { return p.clients.len() }
