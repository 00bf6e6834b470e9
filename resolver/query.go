package resolver

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

const (
	headerLen = 12   // RFC 1035 §4.1.1
	maxName   = 255  // of a name on the wire, RFC 1035 §2.3.4
	minUDP    = 512  // what any client takes, RFC 1035 §4.2.1
	maxUDP    = 1232 // what passes without fragments; also what we tell upstreams and clients we take
	maxTCP    = 65535
	maxQuery  = 4096 // of a query that we read
)

// Bits of the third and fourth byte of a header.
const (
	bitQR     = 0x80
	maskOp    = 0x78
	bitTC     = 0x02
	bitRD     = 0x01
	bitRA     = 0x80
	bitCD     = 0x10
	maskRcode = 0x0f
)

// drop is what parse returns for a message that gets no answer, beside the codes of dns.RcodeToString.
const drop = -1

// query is one question as asked: everything about the message that an answer depends on, and nothing that points
// into it.
type query struct {
	id     uint16
	opcode byte // in its place in the header
	rd     bool
	cd     bool
	do     bool
	edns   bool
	stream bool // over TCP; set by the door, kept by parse
	size   uint16
	qtype  uint16
	class  uint16
	bytes  int // length of the whole message
	n      int // length of the name; 0 when the question could not be read
	raw    [maxName]byte
	lower  [maxName]byte
}

// name returns the name asked for in wire form and lower case. It is valid as long as q is not parsed into again.
func (q *query) name() []byte { return q.lower[:q.n] }

// limit returns the length in bytes of the longest answer that the client takes.
func (q *query) limit() int {
	switch {
	case q.stream:
		return maxTCP
	case q.edns:
		return min(max(int(q.size), minUDP), maxUDP)
	}
	return minUDP
}

// parse reads msg and returns dns.RcodeSuccess, the code to answer with, or drop. As much of q is set as could be read.
func (q *query) parse(msg []byte) int {
	q.reset()
	if len(msg) < headerLen || msg[2]&bitQR != 0 {
		return drop // answering an answer makes loops
	}
	q.bytes = len(msg)
	q.id = binary.BigEndian.Uint16(msg)
	q.opcode = msg[2] & maskOp
	q.rd = msg[2]&bitRD != 0
	q.cd = msg[3]&bitCD != 0
	if q.opcode != 0 {
		return dns.RcodeNotImplemented
	}
	if binary.BigEndian.Uint16(msg[4:]) != 1 || binary.BigEndian.Uint32(msg[6:]) != 0 {
		return dns.RcodeFormatError // one question, no answer, no authority
	}
	off := q.question(msg)
	if off == 0 {
		return dns.RcodeFormatError
	}
	if rcode := q.additional(msg, off); rcode != dns.RcodeSuccess {
		return rcode
	}
	return q.serviceable()
}

// reset clears all that a message sets but the name's bytes, which n makes unreachable.
func (q *query) reset() {
	q.edns, q.do = false, false
	q.id, q.opcode, q.rd, q.cd = 0, 0, false, false
	q.size, q.qtype, q.class, q.bytes, q.n = 0, 0, 0, 0, 0
}

// question reads the question section and returns the offset behind it, or 0. A compression pointer is refused: there
// is nothing before the question to point at.
func (q *query) question(msg []byte) int {
	off, n := headerLen, 0
	for {
		if off >= len(msg) {
			return 0
		}
		l := int(msg[off])
		if l > 63 || off+1+l > len(msg) || n+1+l > maxName {
			return 0
		}
		copy(q.raw[n:], msg[off:off+1+l])
		off, n = off+1+l, n+1+l
		if l == 0 {
			break
		}
	}
	if off+4 > len(msg) {
		return 0
	}
	for i, c := range q.raw[:n] { // a length is at most 63, so never a letter
		q.lower[i] = lower(c)
	}
	q.n = n
	q.qtype = binary.BigEndian.Uint16(msg[off:])
	q.class = binary.BigEndian.Uint16(msg[off+2:])
	return off + 4
}

// lower returns c in lower case as DNS knows it: of ASCII letters only (RFC 4343).
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// additional reads the additional section, which must end the message. Records other than OPT are passed over.
func (q *query) additional(msg []byte, off int) int {
	version := byte(0)
	for range binary.BigEndian.Uint16(msg[10:]) {
		name := off
		if off = skipName(msg, off); off == 0 || off+10 > len(msg) {
			return dns.RcodeFormatError
		}
		rr := msg[off : off+10]
		data := off + 10
		if off = data + int(binary.BigEndian.Uint16(rr[8:])); off > len(msg) {
			return dns.RcodeFormatError
		}
		if binary.BigEndian.Uint16(rr) != dns.TypeOPT {
			continue
		}
		if q.edns || msg[name] != 0 || !wellFormedOptions(msg[data:off]) {
			return dns.RcodeFormatError // RFC 6891 §6.1.1: at most one, owned by the root
		}
		q.edns = true
		q.size = binary.BigEndian.Uint16(rr[2:])
		version = rr[5]
		q.do = rr[6]&0x80 != 0
	}
	switch {
	case off != len(msg):
		return dns.RcodeFormatError
	case version != 0:
		return dns.RcodeBadVers
	}
	return dns.RcodeSuccess
}

// serviceable refuses well-formed questions that this resolver has no answer to.
func (q *query) serviceable() int {
	switch {
	case q.qtype == dns.TypeNone || q.qtype == dns.TypeOPT:
		return dns.RcodeFormatError
	case q.class != dns.ClassINET, !q.rd:
		return dns.RcodeRefused
	case q.qtype >= 128 && q.qtype < dns.TypeANY: // transfers and other meta types, RFC 6895 §3.1
		return dns.RcodeRefused
	}
	return dns.RcodeSuccess
}

// skipName returns the offset behind the name at off, or 0. It follows no pointer: a pointer ends a name.
func skipName(msg []byte, off int) int {
	for off < len(msg) {
		l := int(msg[off])
		switch {
		case l == 0:
			return off + 1
		case l&0xc0 == 0xc0:
			if off+2 > len(msg) {
				return 0
			}
			return off + 2
		case l > 63:
			return 0
		}
		off += 1 + l
	}
	return 0
}

// wellFormedOptions reports whether the data of an OPT record is a sequence of whole options.
func wellFormedOptions(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		l := 4 + int(binary.BigEndian.Uint16(b[2:]))
		if l > len(b) {
			return false
		}
		b = b[l:]
	}
	return true
}

// text appends the name as lower-case text without the root dot, when it is one that a host may have: labels of a-z,
// 0-9, hyphen and underscore. A label with any other byte, a dot among them, could be taken for another name.
func (q *query) text(dst []byte) ([]byte, bool) {
	if q.n < 2 {
		return dst, false
	}
	for i := 0; q.lower[i] != 0; {
		l := int(q.lower[i])
		if i > 0 {
			dst = append(dst, '.')
		}
		for _, c := range q.lower[i+1 : i+1+l] {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return dst, false
			}
			dst = append(dst, c)
		}
		i += 1 + l
	}
	return dst, true
}
