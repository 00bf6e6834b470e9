package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/keersluis/keersluis/filter/content"
)

// maxStreamStart is the number of bytes in which a stream must have begun as its type says.
const maxStreamStart = 64

// errStopped ends a stream that turned out to be what the client may not have.
var errStopped = errors.New("stream stopped by policy")

// stream is a body without a length that is made while it is read, by what its type says. The client has its header before
// there is anything to judge, so what is wrong breaks it off. If it begins as its type does, its bytes pass as they come and
// are judged on the way and at the end; if not, they are withheld like any other's.
//
// BUG(proxy): of a multipart body the parts are not looked at one by one.
type stream struct {
	exchange *exchange
	judge    *content.Judge // nil once settled
	header   http.Header    // of the response
	rest     io.ReadCloser  // of the origin
	body     io.Reader      // what the client gets; nil before the first read
}

// Read reads what may pass.
func (s *stream) Read(p []byte) (int, error) {
	if s.body == nil {
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	n, err := s.body.Read(p)
	if s.judge == nil || !s.judge.Write(p[:n]) && err != io.EOF {
		return n, err
	}
	if stopped := s.settle(); stopped != nil {
		return 0, stopped
	}
	return n, err
}

// Close closes the origin's body.
func (s *stream) Close() error { return s.rest.Close() }

// begin reads the start, and withholds what does not begin as its type does.
func (s *stream) begin() error {
	first := make([]byte, 0, maxStreamStart)
	var err error
	looks := unsure
	for looks == unsure && err == nil && len(first) < cap(first) {
		var n int
		n, err = s.rest.Read(first[len(first):cap(first)])
		first = first[:len(first)+n]
		looks = begins(s.header, first)
	}
	s.body = &resumed{exchange: s.exchange, kept: first, rest: s.rest, err: err}
	if looks == right {
		return nil
	}
	kept, settled, err := s.exchange.readUntil(s.judge, s.body)
	if !settled {
		s.exchange.body.failed = true
		return err
	}
	s.body = s.exchange.putBack(kept, s.rest, err)
	return s.settle()
}

// settle ends the judging, and returns an error when the client may not have the stream.
func (s *stream) settle() error {
	x := s.exchange
	v := x.answer.Content(kindOf(s.judge))
	s.judge = nil
	if !v.Blocked() {
		return nil
	}
	x.answer.Stop(v)
	x.proxy.stats.blocked.Add(1)
	x.body.failed = true
	return errStopped
}

// looks is what the start of a stream looks like.
type looks uint8

const (
	wrong  looks = iota // not as its type says
	unsure              // too short to tell
	right
)

// begins says whether b is how a stream of the type in h begins. What is coded can't be told: it is withheld.
func begins(h http.Header, b []byte) looks {
	for _, v := range h.Values("Content-Encoding") {
		if v != "" && !strings.EqualFold(v, "identity") {
			return wrong
		}
	}
	kind := strings.ToLower(h.Get("Content-Type"))
	switch {
	case strings.HasPrefix(kind, "text/event-stream"):
		b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
		return oneOf(b, "\n", "\r", ":", "data:", "data\n", "event:", "id:", "id\n", "retry:", "\xef\xbb\xbf")
	case strings.HasPrefix(kind, "application/grpc-web-text"):
		return oneOf(b, "AAAA", "gAAA") // a frame in base64
	case strings.HasPrefix(kind, "multipart/"):
		return oneOf(b, "--", "\r\n--")
	}
	// gRPC, gRPC-Web and Connect: flags, and the length of a message, below 16 MiB.
	return oneOf(b, "\x00\x00", "\x01\x00", "\x02\x00", "\x80\x00")
}

// oneOf says whether b begins with one of starts.
func oneOf(b []byte, starts ...string) looks {
	found := wrong
	for _, s := range starts {
		n := min(len(b), len(s))
		if string(b[:n]) != s[:n] {
			continue
		}
		if n == len(s) {
			return right
		}
		found = unsure
	}
	return found
}
