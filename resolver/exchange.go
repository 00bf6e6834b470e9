package resolver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/miekg/dns"
)

// maxNearMisses is how many messages that are not the answer one exchange over UDP bears. One who guesses at the
// answer's ID is not given more tries than that: the question goes over TCP.
const maxNearMisses = 4

var (
	errNotAnswer = errors.New("message is not the answer to the question")
	errSpoofed   = errors.New("too many messages that are not the answer")
	errTruncated = errors.New("answer is truncated")
	errCounts    = errors.New("answer holds fewer records than it says")
)

// exchange asks u over UDP, and over TCP when the answer is too long for UDP or someone seems to forge answers. ctx must
// have a deadline.
func (r *Resolver) exchange(ctx context.Context, u *upstream, q *query) (*dns.Msg, error) {
	wire, err := r.exchangeUDP(ctx, u, q)
	if errors.Is(err, errTruncated) || errors.Is(err, errSpoofed) {
		wire, err = exchangeTCP(ctx, u, q)
	}
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	for i, n := range [...]int{len(m.Answer), len(m.Ns), len(m.Extra)} { // the library takes fewer than were announced
		if n != int(binary.BigEndian.Uint16(wire[6+2*i:])) {
			return nil, errCounts
		}
	}
	return m, nil
}

// outgoing is a question on the wire: what the answer must match.
type outgoing struct {
	msg      []byte
	question []byte // the part of msg that an answer repeats
}

// newOutgoing writes q with an ID and a case of letters (0x20) that an attacker who can't see it has to guess (RFC 5452).
func newOutgoing(q *query) outgoing {
	var random [2 + maxName/8 + 1]byte
	rand.Read(random[:]) // never fails: crypto/rand crashes the program instead
	msg := make([]byte, 0, headerLen+q.n+4+11)
	msg = append(msg, random[0], random[1], bitRD, 0, 0, 1, 0, 0, 0, 0, 0, 1)
	if q.cd {
		msg[3] |= bitCD
	}
	for i, c := range q.name() {
		if 'a' <= c && c <= 'z' && random[2+i/8]>>(i%8)&1 == 1 {
			c -= 'a' - 'A'
		}
		msg = append(msg, c)
	}
	msg = binary.BigEndian.AppendUint16(msg, q.qtype)
	msg = binary.BigEndian.AppendUint16(msg, dns.ClassINET)
	question := msg[headerLen:]
	do := byte(0)
	if q.do {
		do = 0x80
	}
	msg = append(msg, 0, 0, byte(dns.TypeOPT), maxUDP>>8, maxUDP&0xff, 0, 0, do, 0, 0, 0)
	return outgoing{msg: msg, question: question}
}

// answeredBy reports whether msg answers a: the same ID, and the same question to the letter's case.
func (a *outgoing) answeredBy(msg []byte) bool {
	return a.headedBy(msg) && bytes.Equal(msg[headerLen:headerLen+len(a.question)], a.question)
}

// foldedBy is answeredBy for a server that does not keep the case of letters.
func (a *outgoing) foldedBy(msg []byte) bool {
	if !a.headedBy(msg) {
		return false
	}
	name := len(a.question) - 4 // type and class have no case
	for i, c := range a.question {
		if d := msg[headerLen+i]; c != d && (i >= name || lower(c) != lower(d)) {
			return false
		}
	}
	return true
}

// headedBy reports whether msg has the header of an answer to a and room for the question.
func (a *outgoing) headedBy(msg []byte) bool {
	return len(msg) >= headerLen+len(a.question) &&
		msg[0] == a.msg[0] && msg[1] == a.msg[1] &&
		msg[2]&(bitQR|maskOp) == bitQR &&
		msg[4] == 0 && msg[5] == 1
}

// exchangeUDP asks over a socket of its own, so with a source port that the kernel picks at random.
func (r *Resolver) exchangeUDP(ctx context.Context, u *upstream, q *query) ([]byte, error) {
	conn, err := dial(ctx, "udp", u)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer stopOn(ctx, conn)()
	a := newOutgoing(q)
	if _, err := conn.Write(a.msg); err != nil {
		return nil, fmt.Errorf("ask upstream: %w", err)
	}
	buf := make([]byte, 4096) // more than we said we take: some servers send more
	for range maxNearMisses {
		n, err := conn.Read(buf)
		switch {
		case err != nil:
			return nil, fmt.Errorf("wait for upstream: %w", err)
		case a.answeredBy(buf[:n]):
			if buf[2]&bitTC != 0 {
				return nil, errTruncated
			}
			return buf[:n], nil
		}
		r.stats.nearMisses.Add(1)
		if a.foldedBy(buf[:n]) {
			break // a server that can't keep the case, or a forger who is close
		}
	}
	return nil, errSpoofed
}

// exchangeTCP asks over a connection of its own.
func exchangeTCP(ctx context.Context, u *upstream, q *query) ([]byte, error) {
	conn, err := dial(ctx, "tcp", u)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer stopOn(ctx, conn)()
	a := newOutgoing(q)
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(a.msg))), a.msg...)
	if _, err := conn.Write(framed); err != nil {
		return nil, fmt.Errorf("ask upstream over TCP: %w", err)
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, fmt.Errorf("wait for upstream over TCP: %w", err)
	}
	// At most 64 KiB, and only from a server that we chose.
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return nil, fmt.Errorf("read answer over TCP: %w", err)
	}
	if !a.foldedBy(buf) {
		return nil, errNotAnswer
	}
	return buf, nil
}

// dial connects to u with the deadline of ctx on all that follows.
func dial(ctx context.Context, network string, u *upstream) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, u.addr.String())
	if err != nil {
		return nil, fmt.Errorf("reach upstream: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			conn.Close()
			return nil, fmt.Errorf("set deadline: %w", err)
		}
	}
	return conn, nil
}

// stopOn makes reads and writes of conn fail as soon as ctx ends. The caller calls what it returns when it is done with
// conn.
func stopOn(ctx context.Context, conn net.Conn) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = conn.SetDeadline(time.Unix(1, 0)) // fails only for a conn that is closed already
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}
