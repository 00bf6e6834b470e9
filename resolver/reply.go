package resolver

import (
	"encoding/binary"
	"time"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/filter"
)

// negativeTTL is how long, in seconds, an answer of our own that a name or its data does not exist may be remembered. It
// bounds how long a client goes on refusing a name after a list or a policy opened it.
const negativeTTL = 30

// localTTL is the TTL in seconds of positive answers of our own.
const localTTL = 3600

// Extended DNS Errors (RFC 8914) that we send.
const (
	edeNone        = 0 // code 0 is "other"; we never send it
	edeBlocked     = int(dns.ExtendedErrorCodeBlocked)
	edeUnreachable = int(dns.ExtendedErrorCodeNoReachableAuthority)
)

// appendHead appends the header and the question of an answer to q.
func appendHead(dst []byte, q *query, rcode int) []byte {
	b2, b3 := bitQR|q.opcode, byte(bitRA|rcode&maskRcode)
	if q.rd {
		b2 |= bitRD
	}
	if q.cd {
		b3 |= bitCD
	}
	dst = append(dst, byte(q.id>>8), byte(q.id), b2, b3, 0, 0, 0, 0, 0, 0, 0, 0)
	if q.n == 0 {
		return dst
	}
	dst[5] = 1
	dst = append(dst, q.raw[:q.n]...)
	dst = binary.BigEndian.AppendUint16(dst, q.qtype)
	return binary.BigEndian.AppendUint16(dst, q.class)
}

// appendOPT ends an answer with our OPT record when q had one (RFC 6891 §6.1.1), holding the extended error ede with its
// text unless it is edeNone. The answer must begin at dst[0] and have an empty additional section.
func appendOPT(dst []byte, q *query, rcode, ede int, text string) []byte {
	if !q.edns {
		return dst
	}
	dst[11] = 1
	do := byte(0)
	if q.do {
		do = 0x80
	}
	dst = append(dst, 0, 0, byte(dns.TypeOPT), maxUDP>>8, maxUDP&0xff, byte(rcode>>4), 0, do, 0)
	if ede == edeNone {
		return append(dst, 0, 0)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(6+len(text)))
	dst = binary.BigEndian.AppendUint16(dst, dns.EDNS0EDE)
	dst = binary.BigEndian.AppendUint16(dst, uint16(2+len(text)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(ede))
	return append(dst, text...)
}

// appendCode appends an answer that is nothing but a response code.
func appendCode(dst []byte, q *query, rcode, ede int) []byte {
	return appendOPT(appendHead(dst, q, rcode), q, rcode, ede, "")
}

// appendNegative appends NXDOMAIN, or NODATA when rcode is success, with an SOA record that bounds its life (RFC 2308).
func appendNegative(dst []byte, q *query, rcode, ede int, text string) []byte {
	dst = appendHead(dst, q, rcode)
	dst[9] = 1
	dst = appendRR(dst, dns.TypeSOA, negativeTTL, soa)
	return appendOPT(dst, q, rcode, ede, text)
}

// soa is the data of the SOA record in negative answers of our own: owned by the name asked for, with the server
// "localhost." and the mailbox "nobody.invalid.".
const soa = "\x09localhost\x00" + "\x06nobody\x07invalid\x00" +
	"\x00\x00\x00\x01" + // serial
	"\x00\x00\x0e\x10" + // refresh, 1 h
	"\x00\x00\x02\x58" + // retry, 10 min
	"\x00\x01\x51\x80" + // expire, 1 day
	"\x00\x00\x00\x1e" // minimum: negativeTTL

// appendBlocked appends the answer to a question whose name, or what is behind it, v blocks. The text is the category
// and no more: an answer crosses the network in clear.
func appendBlocked(dst []byte, q *query, v filter.Verdict) []byte {
	return appendNegative(dst, q, dns.RcodeNameError, edeBlocked, string(v.Category))
}

// appendData appends an answer with one record.
func appendData(dst []byte, q *query, rtype uint16, data string) []byte {
	dst = appendHead(dst, q, dns.RcodeSuccess)
	dst[7] = 1
	return appendOPT(appendRR(dst, rtype, localTTL, data), q, dns.RcodeSuccess, edeNone, "")
}

// appendRR appends a record owned by the name in the question.
func appendRR(dst []byte, rtype uint16, ttl uint32, data string) []byte {
	dst = append(dst, 0xc0, headerLen)
	dst = binary.BigEndian.AppendUint16(dst, rtype)
	dst = binary.BigEndian.AppendUint16(dst, dns.ClassINET)
	dst = binary.BigEndian.AppendUint32(dst, ttl)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(data)))
	return append(dst, data...)
}

// appendEntry appends e as the answer to q, its TTLs less the time since it was stored, or a truncated answer when the
// client could not take it.
func appendEntry(dst []byte, q *query, e *entry, now time.Time) []byte {
	opt := 0
	if q.edns {
		opt = 11
	}
	if len(e.wire)+opt > q.limit() {
		dst = appendCode(dst, q, e.rcode, edeNone)
		dst[2] |= bitTC
		return dst
	}
	dst = appendHead(dst, q, e.rcode)
	copy(dst[6:10], e.wire[6:10]) // the counts of answer and authority
	dst = append(dst, e.wire[len(dst):]...)
	age := e.age(now)
	for _, at := range e.ttls {
		ttl := binary.BigEndian.Uint32(dst[at:])
		binary.BigEndian.PutUint32(dst[at:], ttl-min(age, ttl))
	}
	return appendOPT(dst, q, e.rcode, e.ede, "")
}
