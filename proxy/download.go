package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/proxy/page"
)

// maxWithheld bounds the bytes of one response that are kept back. The judge settles before it.
const maxWithheld = 256 << 10

// errStopped ends a stream that turned out to be what the client may not have.
var errStopped = errors.New("stream stopped by policy")

// inspect judges a response and returns the page that goes in its place, nil when it may pass. Until it is judged nothing
// of it goes to the client.
func (x *exchange) inspect(r *http.Request, resp *http.Response) *http.Response {
	if !x.restricted() || !isDownload(resp) {
		return nil
	}
	kind, err := x.judge(r, resp)
	if err != nil {
		return x.failure(r, x.faultOf(r, err))
	}
	v := x.answer.Content(kind)
	if !v.Blocked() {
		return nil
	}
	x.answer.Stop(v)
	x.proxy.stats.blocked.Add(1)
	return x.proxy.pages.Response(r, page.Page{
		Problem: page.Of(v), Verdict: v, Host: x.target.host.String(), Kind: string(kind),
	})
}

// restricted reports whether there is any kind that this client may not have: only those clients pay for the judging.
func (x *exchange) restricted() bool {
	for _, k := range x.proxy.kinds {
		if x.answer.Content(k).Blocked() {
			return true
		}
	}
	return false
}

// isDownload reports whether a response has a body that a client would keep, or is the head of one.
func isDownload(resp *http.Response) bool {
	return resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusNotModified // net/http sends no body with these
}

// judge says what a response is.
func (x *exchange) judge(r *http.Request, resp *http.Response) (filter.Kind, error) {
	if resp.StatusCode == http.StatusPartialContent && r.Method != http.MethodHead {
		return x.judgePart(r, resp)
	}
	if isByteranges(resp) {
		return filter.Kind(content.Undecodable), nil // parts of a file where a file should be: RFC 9110 section 14.6 is for 206 only
	}
	j := content.NewJudge(evidence(r, resp))
	if r.Method == http.MethodHead {
		return kindOf(j), nil
	}
	settled := x.withhold(j, resp)
	kind := kindOf(j)
	if settled && resp.StatusCode == http.StatusOK && r.Method == http.MethodGet {
		x.proxy.starts.remember(r, versionOf(resp), kind)
	}
	return kind, nil
}

// kindOf returns the verdict of j.
func kindOf(j *content.Judge) filter.Kind { return filter.Kind(j.Finish().Kind) }

// evidence returns what r and resp say about the body. The names in a URL say what is there, so they count only where it
// is what comes: not for an error or a redirect.
func evidence(r *http.Request, resp *http.Response) content.Evidence {
	e := content.Evidence{
		Disposition: resp.Header.Values("Content-Disposition"),
		Type:        resp.Header.Values("Content-Type"),
		Encoding:    resp.Header.Values("Content-Encoding"),
		Dest:        r.Header.Get("Sec-Fetch-Dest"),
	}
	if resp.StatusCode < 300 {
		e.URLPath, e.Query = r.URL.EscapedPath(), r.URL.RawQuery
	}
	return e
}

// withhold reads from the body of resp until j has seen enough, and puts what it read back in front. It reports whether
// the verdict can't change any more: settled, or the body is at its end.
func (x *exchange) withhold(j *content.Judge, resp *http.Response) (settled bool) {
	if !j.Need() {
		resp.Body = &watchedBody{ReadCloser: resp.Body, exchange: x, judge: j}
		return false
	}
	kept, settled, err := readUntil(j, resp.Body)
	resp.Body = putBack(kept, resp.Body, err)
	x.out.ready = len(kept) > 0
	return settled
}

// putBack returns a body that begins with what was already read of it, and err, when it is not nil, came after that.
func putBack(kept []byte, body io.ReadCloser, err error) io.ReadCloser {
	front := io.Reader(bytes.NewReader(kept))
	switch {
	case err == nil:
		front = io.MultiReader(front, body)
	case err != io.EOF:
		front = io.MultiReader(front, failing{err})
	}
	return &replacedBody{Reader: front, Closer: body}
}

// readUntil reads from body until j is settled. settled is true too when the body ended.
func readUntil(j *content.Judge, body io.Reader) (kept []byte, settled bool, err error) {
	buf := buffers.get()
	defer buffers.put(buf)
	for len(kept) < maxWithheld {
		n, err := body.Read(*buf)
		kept = append(kept, (*buf)[:n]...)
		settled = j.Write((*buf)[:n])
		if settled || err != nil {
			return kept, settled || err == io.EOF, err
		}
	}
	return kept, true, nil
}

// replacedBody reads from one place and closes another.
type replacedBody struct {
	io.Reader
	io.Closer
}

// failing is a reader of nothing but an error.
type failing struct{ err error }

// Read fails.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// watchedBody is a stream: its bytes pass as they come, and are judged on the way.
type watchedBody struct {
	io.ReadCloser
	exchange *exchange
	judge    *content.Judge // nil once settled
}

// Read reads from the origin until the stream turns out to be what the client may not have.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.judge == nil || n == 0 || !b.judge.Write(p[:n]) {
		return n, err
	}
	v := b.exchange.answer.Content(kindOf(b.judge))
	b.judge = nil
	if v.Blocked() {
		b.exchange.answer.Stop(v)
		b.exchange.proxy.stats.blocked.Add(1)
		b.exchange.body.failed = true
		return 0, errStopped
	}
	return n, err
}
