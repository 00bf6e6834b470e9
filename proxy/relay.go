package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	spliceAfter = 256 << 10       // bytes of one burst after which the kernel moves the rest
	spliceChunk = 256 << 10       // bytes that the kernel moves between two looks at the clock
	spliceQuiet = 2 * time.Second // after which a pipe is given back
)

// end is one side of a [duplex].
type end interface {
	io.Reader
	io.Writer
	io.Closer
}

// duplex carries bytes both ways between a client and an origin. While nothing moves it holds no buffer and no pipe, only
// two goroutines: io.Copy would hold a pipe, two file descriptors, for each direction.
type duplex struct {
	client, origin end
	watch          *conn         // told when bytes move; nil: nobody looks
	idle           time.Duration // after which both are closed
	early          []byte        // from the client, before everything else

	moved atomic.Int64 // Unix nanoseconds
	timer *time.Timer
}

// run returns once both directions have ended and both sides are closed, with the bytes that went up and down.
func (d *duplex) run() (up, down int64) {
	d.touch()
	d.timer = time.AfterFunc(time.Hour, d.expire)
	d.timer.Reset(d.idle) // not at once: expire reads d.timer
	defer d.timer.Stop()
	defer d.close()

	early := d.early
	d.early = nil // a ClientHello is 2 kB, for as long as the tunnel lives
	upward := make(chan int64, 1)
	go func() { upward <- d.carry(d.origin, d.client, early) }()
	down = d.carry(d.client, d.origin, nil)
	return <-upward, down
}

func (d *duplex) touch() {
	now := time.Now().UnixNano()
	d.moved.Store(now)
	if d.watch != nil {
		d.watch.moved.Store(now)
	}
}

// expire closes both sides when nothing moved for the idle time, else looks again when that could be so.
func (d *duplex) expire() {
	quiet := time.Since(time.Unix(0, d.moved.Load()))
	if quiet >= d.idle {
		d.close()
		return
	}
	d.timer.Reset(d.idle - quiet)
}

func (d *duplex) close() {
	_ = d.client.Close() // the other goroutine sees it
	_ = d.origin.Close()
}

// carry copies src to dst until src ends, and passes the end on: a clean one as a half-close, any other by closing both.
func (d *duplex) carry(dst, src end, early []byte) (n int64) {
	clean := false
	defer func() {
		half, ok := dst.(interface{ CloseWrite() error })
		if !clean || !ok || half.CloseWrite() != nil {
			d.close()
		}
	}()
	if len(early) > 0 {
		k, err := dst.Write(early)
		n = int64(k)
		if err != nil {
			return n
		}
	}
	var k int64
	from, to := tcpOf(src), tcpOf(dst)
	if from != nil && to != nil {
		k, clean = d.carryTCP(to, from)
	} else {
		k, clean = d.carryAny(dst, src)
	}
	return n + k
}

func tcpOf(e end) *net.TCPConn {
	if c, ok := e.(*conn); ok && len(c.early) == 0 {
		tcp, _ := c.Conn.(*net.TCPConn)
		return tcp
	}
	return nil
}

func (d *duplex) carryAny(dst io.Writer, src io.Reader) (total int64, clean bool) {
	buf := buffers.get()
	defer buffers.put(buf)
	for {
		n, err := src.Read(*buf)
		if n > 0 {
			d.touch()
			k, err := dst.Write((*buf)[:n])
			total += int64(k)
			if err != nil {
				return total, false
			}
		}
		if err != nil {
			return total, err == io.EOF
		}
	}
}

// carryTCP copies between two TCP connections: with a pooled buffer while little moves, in the kernel once it is much.
func (d *duplex) carryTCP(dst, src *net.TCPConn) (total int64, clean bool) {
	raw, err := src.SyscallConn()
	if err != nil {
		return 0, false
	}
	r := lazyReader{raw: raw}
	ready := r.ready // made once: a method value allocates
	var burst int64
	for {
		n, err := r.read(ready)
		if n > 0 {
			d.touch()
			k, err := dst.Write((*r.buf)[:n])
			total += int64(k)
			full := n == len(*r.buf)
			r.release()
			if err != nil {
				return total, false
			}
			if burst += int64(n); !full {
				burst = 0
			}
		}
		if err != nil {
			return total, err == io.EOF
		}
		if burst >= spliceAfter {
			k, err := d.splice(dst, src)
			total += k
			if err != nil {
				return total, err == io.EOF
			}
			burst = 0
		}
	}
}

// splice moves bytes in the kernel for as long as they keep coming.
func (d *duplex) splice(dst, src *net.TCPConn) (total int64, err error) {
	defer func() { _ = src.SetReadDeadline(time.Time{}) }()
	for {
		if err := src.SetReadDeadline(time.Now().Add(spliceQuiet)); err != nil {
			return total, err
		}
		n, err := io.CopyN(dst, src, spliceChunk)
		total += n
		if n > 0 {
			d.touch()
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// lazyReader reads from a socket, and holds a buffer only while there is something in it.
type lazyReader struct {
	raw interface {
		Read(f func(fd uintptr) bool) error
	}
	buf *[]byte
	n   int
	err error
}

// read waits until the socket can be read, and reads. After n > 0 the bytes are in r.buf, until release. The end is io.EOF.
func (r *lazyReader) read(ready func(uintptr) bool) (int, error) {
	r.n, r.err = 0, nil
	if err := r.raw.Read(ready); err != nil {
		return 0, err
	}
	if r.n > 0 {
		return r.n, nil
	}
	r.release()
	if r.err == nil {
		r.err = io.EOF
	}
	return 0, r.err
}

func (r *lazyReader) ready(fd uintptr) bool {
	r.buf = buffers.get()
	for {
		r.n, r.err = unix.Read(int(fd), *r.buf)
		if !errors.Is(r.err, unix.EINTR) {
			break
		}
	}
	if errors.Is(r.err, unix.EAGAIN) {
		r.release()
		return false
	}
	return true
}

func (r *lazyReader) release() {
	if r.buf != nil {
		buffers.put(r.buf)
		r.buf = nil
	}
}
