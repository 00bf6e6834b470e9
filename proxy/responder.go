package proxy

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxInformational bounds the 1xx responses of one exchange.
const maxInformational = 16

var errTooManyInformational = errors.New("too many informational responses")

// responder writes the response of one exchange to the client. It is what the engine sees of the client.
type responder struct {
	http.ResponseWriter
	exchange  *exchange
	streaming bool // the length is unknown: what comes is passed on at once
	ready     bool // the first bytes of the body are at hand: the header can go with them
	down      atomic.Int64
	armed     atomic.Int64 // when the write deadline was last set

	mu     sync.Mutex
	begun  bool // guarded by mu: the final header is on its way
	hinted int  // guarded by mu
}

// WriteHeader begins the response, or keeps a 101 for [exchange.upgrade] to write.
func (w *responder) WriteHeader(code int) {
	w.settle()
	if w.exchange.upgraded != nil {
		return
	}
	w.ResponseWriter.WriteHeader(code)
	if w.streaming && !w.ready {
		w.Flush()
	}
}

// Write writes a part of the body. Over HTTP/2 a client that opens no window would hold the stream: the deadline of its
// connection, which other streams keep moving, doesn't see that.
func (w *responder) Write(p []byte) (int, error) {
	if x := w.exchange; x.client.ProtoMajor == 2 {
		rearm(&w.armed, x.proxy.limits.Stall, http.NewResponseController(w.ResponseWriter).SetWriteDeadline)
	}
	n, err := w.ResponseWriter.Write(p)
	w.down.Add(int64(n))
	return n, err
}

// serverBuffer is what net/http keeps of a response before it writes, in bytes.
const serverBuffer = 4 << 10

// ReadFrom copies the body with a pooled buffer. A read that did not fill the buffer means that the origin has no more
// for now: a stream is then flushed, and so is a small piece of a body of known length, which would otherwise lie here until
// more comes. The last piece is not: the end of the response takes it along.
func (w *responder) ReadFrom(src io.Reader) (total int64, err error) {
	buf := buffers.get()
	defer buffers.put(buf)
	length := int64(-1)
	if !w.streaming {
		if length, err = strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64); err != nil {
			length = -1
		}
	}
	for {
		n, readErr := src.Read(*buf)
		if n > 0 {
			if _, err := w.Write((*buf)[:n]); err != nil {
				return total, err
			}
			total += int64(n)
			if n < len(*buf) && (w.streaming || n < serverBuffer) && total != length {
				w.Flush()
			}
		}
		if readErr == io.EOF {
			return total, nil
		}
		if readErr != nil {
			return total, readErr
		}
	}
}

// Flush sends what is buffered.
func (w *responder) Flush() {
	if w.exchange.upgraded != nil {
		return
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush() // the next write tells
}

// Unwrap is for http.ResponseController.
func (w *responder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// settle keeps a late informational response, from the transport's own goroutine, away from the client.
func (w *responder) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = true
}

// informational writes a 1xx response, while the final one has not begun.
func (w *responder) informational(code int, h http.Header) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun {
		return nil
	}
	if w.hinted++; w.hinted > maxInformational {
		return errTooManyInformational
	}
	own := w.Header()
	clear(own)
	for name, values := range h {
		if !hopByHop[name] {
			own[name] = values
		}
	}
	w.ResponseWriter.WriteHeader(code)
	clear(own)
	return nil
}

// BUG(proxy): a client that sends Expect: 100-continue over HTTP/2 is told to continue by us and not by the origin, because
// net/http takes the field away without a trace. Over HTTP/1.1 the origin is asked.

// clientBody is the request body: counted, and with a deadline on each read. The transport may read it in a goroutine of
// its own until after the exchange has ended; the client is not touched then.
type clientBody struct {
	io.ReadCloser
	exchange *exchange
	trailer  http.Header // of the request as it goes upstream: names that get their values at the end
	control  *http.ResponseController
	armed    atomic.Int64

	mu   sync.Mutex
	gone bool // guarded by mu: the exchange has ended
}

// Read reads from the client, who may not pause for longer than the stall limit.
func (b *clientBody) Read(p []byte) (int, error) {
	stall := b.exchange.proxy.limits.Stall
	if !b.touch(func() { rearm(&b.armed, stall, b.control.SetReadDeadline) }) {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.ReadCloser.Read(p)
	b.exchange.up.Add(int64(n))
	if err == io.EOF {
		for name := range b.trailer {
			b.trailer[name] = b.exchange.client.Trailer[name]
		}
		// From here the server watches for the client to leave.
		b.touch(func() { _ = b.control.SetReadDeadline(time.Time{}) })
	}
	return n, err
}

// touch calls f, unless the exchange has ended: an HTTP/2 ResponseController crashes after that.
func (b *clientBody) touch(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return false
	}
	f()
	return true
}

func (b *clientBody) detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = true
}

// originBody is the response body; it remembers whether it ended before its end.
type originBody struct {
	io.ReadCloser
	failed bool
}

// Read reads from the origin.
func (b *originBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.failed = true
	}
	return n, err
}

// pool keeps buffers of one size.
type pool struct{ sync.Pool }

var buffers = &pool{sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}}

func (p *pool) get() *[]byte  { return p.Get().(*[]byte) }
func (p *pool) put(b *[]byte) { p.Put(b) }
