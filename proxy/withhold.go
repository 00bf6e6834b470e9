package proxy

import (
	"io"
	"net/http"
	"time"

	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/proxy/page"
)

const (
	maxWithheld   = 256 << 10 // bytes of one response that are kept back; the judge settles before it
	firstWithheld = 4 << 10   // what is read first; most judges need no more
)

// errFull is a response that can't be judged because too much is being judged.
var errFull = &fault{problem: page.ProxyError, status: http.StatusServiceUnavailable}

// errSlow is an origin that sent the start of a body and then nothing.
var errSlow = &fault{problem: page.Timeout, detail: page.ResponseTimeout}

// readUntil reads from body until j is settled or the body ends, and then reports true; err is what comes after the bytes
// kept. An origin that stops halfway does not get its bytes to the client unjudged, nor can it hold them for long.
func (x *exchange) readUntil(j *content.Judge, body io.Reader) (kept []byte, settled bool, err error) {
	var stall *time.Timer
	for len(kept) < maxWithheld {
		if kept, err = x.grow(kept); err != nil {
			return nil, false, err
		}
		n, err := body.Read(kept[len(kept):cap(kept)])
		settled = j.Write(kept[len(kept) : len(kept)+n])
		kept = kept[:len(kept)+n]
		switch {
		case settled || err == io.EOF:
			return kept, true, err
		case err != nil:
			return nil, false, err
		case stall == nil && n > 0: // before that nothing is withheld, and an answer may be long in coming
			stall = time.AfterFunc(x.proxy.limits.Judge, func() { x.cancel(errSlow) })
			defer stall.Stop()
		case n > 0:
			stall.Reset(x.proxy.limits.Judge)
		}
	}
	return kept, true, nil
}

// grow returns b with room for more, if there is.
func (x *exchange) grow(b []byte) ([]byte, error) {
	if len(b) < cap(b) {
		return b, nil
	}
	size := max(firstWithheld, 2*cap(b))
	more := int64(size - cap(b))
	if x.proxy.withheld.Add(more) > x.proxy.limits.Withheld {
		x.proxy.withheld.Add(-more)
		return nil, errFull
	}
	x.held += more
	return append(make([]byte, 0, size), b...), nil
}

// release tells that n of the bytes held are held no more.
func (x *exchange) release(n int64) {
	x.proxy.withheld.Add(-n)
	x.held -= n
}

// putBack returns a body that begins with what was withheld of it; err, when it is not nil, comes after that.
func (x *exchange) putBack(kept []byte, body io.ReadCloser, err error) io.ReadCloser {
	if len(kept) == 0 {
		x.release(x.held)
	}
	return &resumed{exchange: x, kept: kept, held: x.held, rest: body, err: err}
}

// resumed is a body of which the start was withheld.
type resumed struct {
	exchange *exchange
	kept     []byte
	held     int64 // bytes that are held for kept
	rest     io.ReadCloser
	err      error // in the place of the rest; nil: there may be more
}

// Read reads what was withheld, then the rest.
func (b *resumed) Read(p []byte) (int, error) {
	if len(b.kept) > 0 {
		n := copy(p, b.kept)
		if b.kept = b.kept[n:]; len(b.kept) == 0 {
			b.kept = nil
			b.exchange.release(b.held)
		}
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}

// Close closes the rest.
func (b *resumed) Close() error { return b.rest.Close() }
