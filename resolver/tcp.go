package resolver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/zap"
)

const (
	idleTimeout  = 10 * time.Second // between queries on one connection (RFC 7766 §6.2.3)
	readTimeout  = 2 * time.Second  // for the rest of a query of which the length has come
	writeTimeout = 5 * time.Second  // for a client to take one answer
	maxPipeline  = 32               // queries of one connection that wait for upstreams at once
	acceptPause  = 50 * time.Millisecond
)

// ServeTCP answers queries on connections to ln until ctx ends or ln fails, then closes all and returns with nothing left
// behind. Queries of one connection are answered as their answers come, not in their order (RFC 7766 §6.2.1.1).
func (r *Resolver) ServeTCP(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var open sync.WaitGroup
	defer open.Wait()
	defer cancel()
	open.Go(func() {
		<-ctx.Done()
		_ = ln.Close() // nobody could do anything about an error
	})
	places := newShares(r.conns)
	for {
		conn, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				err = conn.Close()
				_ = err // it was never used
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept DNS connection: %w", err)
		case err != nil: // out of descriptors, most likely: others will come free
			r.log.Warn("DNS connection not accepted", zap.Error(err))
			pause(ctx, acceptPause)
			continue
		}
		client := addrOf(conn)
		if !places.take(client) {
			r.stats.connsRefused.Add(1)
			_ = conn.Close() // it was never used
			continue
		}
		open.Go(func() {
			defer places.give(client)
			r.stats.conns.Add(1)
			defer r.stats.conns.Add(-1)
			r.serveConn(ctx, conn, client)
		})
	}
}

// addrOf returns the address of a client, the zero Addr when conn has none that is TCP's.
func addrOf(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// stream is one client's connection.
type stream struct {
	resolver *Resolver
	conn     net.Conn
	client   netip.Addr
	inquiry  *inquiry       // the one being read; owned by serveConn
	out      []byte         // for answers made at once; owned by serveConn
	waiting  chan struct{}  // holds one for each query that waits for an upstream
	late     sync.WaitGroup // of the same, and of who watches the context

	mu    sync.Mutex
	frame []byte // guarded by mu, as is writing
}

// serveConn answers the queries of one connection until the client is done, misbehaves or is idle, or ctx ends.
func (r *Resolver) serveConn(ctx context.Context, conn net.Conn, client netip.Addr) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{
		resolver: r, conn: conn, client: client,
		inquiry: newStreamInquiry(), waiting: make(chan struct{}, maxPipeline),
	}
	defer s.late.Wait()
	defer cancel() // nobody is left to take what is waited for
	s.late.Go(func() {
		<-ctx.Done()
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // fails only for a connection that is closed already
	})
	in := make([]byte, maxQuery)
	for {
		n, err := s.next(ctx, in)
		if err != nil {
			return
		}
		r.stats.tcp.Add(1)
		if !s.answer(ctx, in[:n]) {
			return
		}
	}
}

func newStreamInquiry() *inquiry { return &inquiry{q: query{stream: true}} }

var errLength = errors.New("length of no query that is read here")

// next reads one query into buf and returns its length.
func (s *stream) next(ctx context.Context, buf []byte) (int, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(idleTimeout)); err != nil {
		return 0, err
	}
	if ctx.Err() != nil { // ended before the deadline was set; when it ends now, another is set
		return 0, ctx.Err()
	}
	if _, err := io.ReadFull(s.conn, buf[:2]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(buf))
	if n < headerLen || n > len(buf) {
		return 0, errLength
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(readTimeout)); err != nil {
		return 0, err
	}
	return io.ReadFull(s.conn, buf[:n])
}

// answer answers msg at once, or leaves it to a goroutine when it needs an upstream. While too many of these wait, it
// waits too, so that the client can't send more. It reports whether the connection is of any more use.
func (s *stream) answer(ctx context.Context, msg []byte) (more bool) {
	r, x := s.resolver, s.inquiry
	defer r.guard(x, func(failure []byte) { more = s.reply(x, failure) })
	reply, miss := r.begin(s.out[:0], x, msg, s.client)
	if !miss {
		s.out = reply
		return s.reply(x, reply)
	}
	s.waiting <- struct{}{} // comes free within the time that upstreams get
	if !r.waiting.take(s.client) {
		<-s.waiting
		r.stats.dropped.Add(1)
		return s.reply(x, appendCode(s.out[:0], &x.q, dns.RcodeServerFailure, edeNone))
	}
	s.inquiry = newStreamInquiry()
	s.late.Go(func() {
		defer func() { <-s.waiting }()
		defer r.waiting.give(s.client)
		defer r.guard(x, func(failure []byte) { s.reply(x, failure) })
		s.reply(x, r.finish(ctx, nil, x))
	})
	return true
}

// reply sends one answer, ends the exchange, and reports whether the client took it. A message that deserves no answer
// ends the connection.
func (s *stream) reply(x *inquiry, msg []byte) bool {
	x.replied = true
	if msg == nil {
		x.end(0)
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frame = append(binary.BigEndian.AppendUint16(s.frame[:0], uint16(len(msg))), msg...)
	err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = s.conn.Write(s.frame)
	}
	if err != nil { // a part may have gone out: what follows would make no sense
		x.end(0)
		_ = s.conn.Close()
		return false
	}
	x.end(len(msg))
	return true
}
