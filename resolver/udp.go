package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	maxOOB         = 64              // of the control messages that tell to which address a query came
	maxReadErrors  = 100             // in a row, before a socket is given up
	lastWriteDelay = 2 * time.Second // for the answers under way when serving ends
)

// datagram is a query that came over UDP, with all that is needed to answer it.
type datagram struct {
	inquiry
	conn *net.UDPConn
	from netip.AddrPort
	oob  [maxOOB]byte
	noob int
}

// ServeUDP answers queries on conns until ctx ends or a socket fails, then closes them and returns with nothing left
// behind. One goroutine reads each socket and answers at once what needs no upstream; a fixed number of others, shared
// by all sockets, wait for upstreams. When all of these are busy, or as many with one client as are not, a query is dropped,
// and counted.
func (r *Resolver) ServeUDP(ctx context.Context, conns ...*net.UDPConn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := make(chan *datagram, r.misses)
	waiting := make(chan *datagram, r.misses)
	var workers, readers sync.WaitGroup
	for range r.misses {
		idle <- new(datagram)
		workers.Go(func() { r.work(ctx, waiting, idle) })
	}
	failed := make([]error, len(conns))
	for i, conn := range conns {
		readers.Go(func() {
			defer cancel()
			failed[i] = r.read(ctx, conn, waiting, idle)
		})
	}
	workers.Go(func() {
		<-ctx.Done()
		for _, conn := range conns { // fails only for a socket that is closed already
			_ = conn.SetReadDeadline(time.Unix(1, 0))
			_ = conn.SetWriteDeadline(time.Now().Add(lastWriteDelay))
		}
	})
	readers.Wait()
	cancel()
	close(waiting)
	workers.Wait()
	for i, conn := range conns {
		if err := conn.Close(); err != nil && failed[i] == nil {
			failed[i] = fmt.Errorf("close DNS socket: %w", err)
		}
	}
	return errors.Join(failed...)
}

// read answers queries on conn until ctx ends, and hands those that need an upstream to the workers.
func (r *Resolver) read(ctx context.Context, conn *net.UDPConn, waiting chan<- *datagram, idle <-chan *datagram) error {
	in, out := make([]byte, maxQuery), make([]byte, 0, maxUDP)
	d := new(datagram)
	for errs := 0; ; {
		n, noob, _, from, err := conn.ReadMsgUDPAddrPort(in, d.oob[:])
		switch {
		case err == nil:
			errs = 0
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded), errs == maxReadErrors:
			return fmt.Errorf("read DNS query: %w", err)
		default:
			errs++
			continue
		}
		r.stats.udp.Add(1)
		d.conn, d.from, d.noob = conn, from, noob
		if !r.answerNow(out, d, in[:n]) {
			continue
		}
		if !r.waiting.take(from.Addr()) {
			r.stats.dropped.Add(1)
			d.end(0)
			continue
		}
		waiting <- d // has room for as many as there are datagrams
		d = <-idle   // there is one for each place
	}
}

// answerNow answers d when that needs no upstream, and reports whether it does.
func (r *Resolver) answerNow(out []byte, d *datagram, msg []byte) (miss bool) {
	defer r.guard(&d.inquiry, d.reply)
	reply, miss := r.begin(out[:0], &d.inquiry, msg, d.from.Addr().Unmap())
	if !miss {
		d.reply(reply)
	}
	return miss
}

// work answers the queries that need an upstream, until waiting is closed.
func (r *Resolver) work(ctx context.Context, waiting <-chan *datagram, idle chan<- *datagram) {
	out := make([]byte, 0, maxUDP)
	for d := range waiting {
		client := d.from.Addr()
		r.answerLate(ctx, out, d)
		idle <- d
		r.waiting.give(client) // last: who takes it finds a datagram
	}
}

func (r *Resolver) answerLate(ctx context.Context, out []byte, d *datagram) {
	defer r.guard(&d.inquiry, d.reply)
	d.reply(r.finish(ctx, out[:0], &d.inquiry))
}

// reply sends an answer from the address that the query came to, and ends the exchange. What can't be sent is lost: the
// client asks again.
func (d *datagram) reply(msg []byte) {
	n := 0
	d.replied = true
	if msg != nil {
		n, _, _ = d.conn.WriteMsgUDPAddrPort(msg, d.oob[:d.noob], d.from)
	}
	d.end(n)
}
