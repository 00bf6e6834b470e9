package resolver

import "sync/atomic"

// Stats is what a resolver did since it was made. The counts of UDP and TCP are of messages; each message but the ignored
// ones is counted under one outcome as well.
type Stats struct {
	UDP, TCP uint64 // messages by transport

	// Outcomes.
	Answered  uint64 // with what an upstream said, from the cache or just now
	Blocked   uint64 // by the policy
	Local     uint64 // with what this resolver knows by itself
	Refused   uint64 // well-formed, but not served here
	Malformed uint64 // FORMERR, NOTIMP, BADVERS
	Failed    uint64 // SERVFAIL: no upstream had an answer
	Dropped   uint64 // while too many, or too many of one client, waited for upstreams: SERVFAIL over TCP, silence over UDP
	Ignored   uint64 // no query at all
	Panics    uint64 // answered with SERVFAIL, unless an answer had gone out

	CacheHits, CacheMisses   uint64
	CacheEntries, CacheBytes int

	UpstreamQueries  uint64
	UpstreamFailures uint64 // no answer, or one that says nothing
	NearMisses       uint64 // messages that looked like an answer of an upstream and were not

	Conns        int64  // TCP connections open now
	ConnsRefused uint64 // closed at once, while too many, or too many of one client, were open
}

// counters is Stats while it grows.
type counters struct {
	udp, tcp                                                      atomic.Uint64
	answered, blocked, local, refused, malformed, failed, dropped atomic.Uint64
	ignored, panics, cacheHits, cacheMisses, connsRefused         atomic.Uint64
	upstreamQueries, upstreamFailures, nearMisses                 atomic.Uint64
	conns                                                         atomic.Int64
}

// Stats returns the counts as they stand.
func (r *Resolver) Stats() Stats {
	c := &r.stats
	entries, bytes := r.cache.size()
	return Stats{
		UDP: c.udp.Load(), TCP: c.tcp.Load(),
		Answered: c.answered.Load(), Blocked: c.blocked.Load(), Local: c.local.Load(), Refused: c.refused.Load(),
		Malformed: c.malformed.Load(), Failed: c.failed.Load(), Dropped: c.dropped.Load(), Ignored: c.ignored.Load(),
		Panics:    c.panics.Load(),
		CacheHits: c.cacheHits.Load(), CacheMisses: c.cacheMisses.Load(), CacheEntries: entries, CacheBytes: bytes,
		UpstreamQueries: c.upstreamQueries.Load(), UpstreamFailures: c.upstreamFailures.Load(),
		NearMisses: c.nearMisses.Load(),
		Conns:      c.conns.Load(), ConnsRefused: c.connsRefused.Load(),
	}
}
