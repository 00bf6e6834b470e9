package resolver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/filter"
)

const (
	maxTTL         = 86400 // seconds
	maxNegativeTTL = 10800 // seconds, RFC 2308 §5
	failureTTL     = 5     // seconds, RFC 9520 §3.2
	maxChain       = 16    // aliases between a name and its data
	maxInspect     = 256   // aliases and addresses that the policy is asked about at each serve
)

var (
	errChain   = errors.New("alias chain is too long or a loop")
	errInspect = errors.New("answer holds too many aliases and addresses")
	errRecord  = errors.New("packed answer cannot be walked")
)

// newEntry makes of an upstream's answer what a client may get: the records that lead from the name to its data, the SOA
// of a negative answer, and, for who asks for them, the signatures and proofs. Everything else, and what the
// upstream said about itself, stays behind: a smaller answer, and nothing in it that was not asked for.
func newEntry(q *query, m *dns.Msg, now time.Time) (*entry, error) {
	kept, last, err := chain(m, q)
	if err != nil {
		return nil, err
	}
	e := &entry{n: q.n, rcode: m.Rcode, stored: now, ttl: maxTTL}
	out := dns.Msg{Compress: true}
	out.Question = []dns.Question{{Name: strings.ToLower(m.Question[0].Name), Qtype: q.qtype, Qclass: dns.ClassINET}}
	out.Answer = kept
	for _, rr := range kept {
		h := rr.Header()
		h.Ttl = clampTTL(h.Ttl, maxTTL)
		if strings.EqualFold(h.Name, out.Question[0].Name) {
			h.Name = out.Question[0].Name
		}
		e.ttl = min(e.ttl, h.Ttl)
		e.inspect(rr)
	}
	if len(e.aliases)+len(e.addrs) > maxInspect {
		return nil, errInspect
	}
	negative := m.Rcode != dns.RcodeSuccess || !answers(kept, q.qtype)
	out.Ns = authority(m, q, negative, last)
	if negative {
		e.ttl = min(e.ttl, negativeLife(out.Ns))
	}
	return e, e.pack(&out)
}

// failure returns the entry that answers q with SERVFAIL for as long as RFC 9520 wants it remembered.
func failure(q *query, now time.Time) *entry {
	w := *q
	w.id, w.raw, w.opcode = 0, w.lower, 0
	return &entry{
		wire:   appendHead(nil, &w, dns.RcodeServerFailure),
		n:      q.n,
		rcode:  dns.RcodeServerFailure,
		ede:    edeUnreachable,
		ttl:    failureTTL,
		stored: now,
	}
}

// chain returns the records of the answer section that lead from the question to its data, and the name they lead to.
func chain(m *dns.Msg, q *query) (kept []dns.RR, last string, err error) {
	last = m.Question[0].Name
	taken := make([]bool, len(m.Answer))
	var passed []string
	for range maxChain {
		next := ""
		for i, rr := range m.Answer {
			if taken[i] || !leads(rr, last, q) {
				continue
			}
			taken[i] = true
			kept = append(kept, rr)
			if c, ok := rr.(*dns.CNAME); ok && q.qtype != dns.TypeCNAME {
				next = c.Target
			}
		}
		if next == "" {
			return kept, last, nil
		}
		passed = append(passed, last)
		last = next
		if slices.ContainsFunc(passed, func(name string) bool { return strings.EqualFold(name, last) }) {
			break
		}
	}
	return nil, "", errChain
}

// leads reports whether rr belongs to the answer at the point where the chain has come to name.
func leads(rr dns.RR, name string, q *query) bool {
	h := rr.Header()
	rtype := h.Rrtype
	if sig, ok := rr.(*dns.RRSIG); ok && q.qtype != dns.TypeRRSIG {
		if !q.do {
			return false
		}
		rtype = sig.TypeCovered
	}
	switch {
	case h.Class != dns.ClassINET, h.Rdlength == 0: // the library takes records without data, for updates
		return false
	case strings.EqualFold(h.Name, name):
		return rtype == q.qtype || rtype == dns.TypeCNAME || rtype == dns.TypeDNAME
	case rtype == dns.TypeDNAME:
		return dns.IsSubDomain(h.Name, name)
	}
	return false
}

// answers reports whether a record of type qtype is among kept.
func answers(kept []dns.RR, qtype uint16) bool {
	for _, rr := range kept {
		if rr.Header().Rrtype == qtype {
			return true
		}
	}
	return false
}

// authority returns the records of the authority section that a client needs: the SOA of a negative answer about name,
// and the proofs when q asked for them.
func authority(m *dns.Msg, q *query, negative bool, name string) []dns.RR {
	var kept []dns.RR
	for _, rr := range m.Ns {
		h := rr.Header()
		rtype := h.Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok && q.do {
			rtype = sig.TypeCovered
		}
		keep := h.Class == dns.ClassINET
		switch rtype {
		case dns.TypeSOA:
			keep = keep && negative && dns.IsSubDomain(h.Name, name)
		case dns.TypeNSEC, dns.TypeNSEC3:
			keep = keep && q.do
		default:
			keep = false
		}
		if keep {
			h.Ttl = clampTTL(h.Ttl, maxTTL)
			kept = append(kept, rr)
		}
	}
	return kept
}

// negativeLife returns how long in seconds an answer with this authority section may be remembered, and makes its SOA
// say so (RFC 2308 §5). Without an SOA it is not remembered at all.
func negativeLife(ns []dns.RR) uint32 {
	for _, rr := range ns {
		if s, ok := rr.(*dns.SOA); ok {
			s.Hdr.Ttl = min(s.Hdr.Ttl, s.Minttl, maxNegativeTTL)
			return s.Hdr.Ttl
		}
	}
	return 0
}

// clampTTL bounds a TTL. One with the highest bit set counts as zero (RFC 2181 §8).
func clampTTL(ttl, most uint32) uint32 {
	if ttl > 1<<31-1 {
		return 0
	}
	return min(ttl, most)
}

// inspect notes what the policy must be asked about rr: the name it points at, the addresses it holds.
func (e *entry) inspect(rr dns.RR) {
	switch rr := rr.(type) {
	case *dns.A:
		e.addAddr(rr.A)
	case *dns.AAAA:
		e.addAddr(rr.AAAA)
	case *dns.CNAME:
		e.addAlias(rr.Target)
	case *dns.DNAME:
		e.addAlias(rr.Target)
	case *dns.HTTPS:
		e.inspectService(&rr.SVCB)
	case *dns.SVCB:
		e.inspectService(rr)
	}
}

// inspectService notes the target and the address hints of a service record (RFC 9460): a browser goes where they say.
func (e *entry) inspectService(s *dns.SVCB) {
	e.addAlias(s.Target)
	for _, kv := range s.Value {
		switch kv := kv.(type) {
		case *dns.SVCBIPv4Hint:
			for _, ip := range kv.Hint {
				e.addAddr(ip)
			}
		case *dns.SVCBIPv6Hint:
			for _, ip := range kv.Hint {
				e.addAddr(ip)
			}
		}
	}
}

func (e *entry) addAddr(ip []byte) {
	if a, ok := netip.AddrFromSlice(ip); ok {
		e.addrs = append(e.addrs, a.Unmap())
	}
}

// addAlias notes name, or, where it is a name that no host may have, its nearest ancestor that a list could hold.
func (e *entry) addAlias(name string) {
	for off, end := 0, false; !end; off, end = dns.NextLabel(name, off) {
		if h, err := filter.ParseHost(name[off:]); err == nil {
			e.aliases = append(e.aliases, h)
			return
		}
	}
}

// pack sets the bytes of e.
func (e *entry) pack(m *dns.Msg) error {
	m.Rcode = e.rcode & maskRcode
	wire, err := m.Pack()
	if err != nil {
		return fmt.Errorf("pack answer: %w", err)
	}
	e.wire = append(make([]byte, 0, len(wire)), wire...)
	off := headerLen + e.n + 4
	for range len(m.Answer) + len(m.Ns) {
		if off = skipName(wire, off); off == 0 || off+10 > len(wire) {
			return errRecord
		}
		e.ttls = append(e.ttls, uint16(off+4))
		off += 10 + int(binary.BigEndian.Uint16(wire[off+8:]))
	}
	if off != len(wire) {
		return errRecord
	}
	return nil
}
