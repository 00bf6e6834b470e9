package proxy

import (
	"net/http"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/proxy/page"
)

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
	if !j.Need() && resp.ContentLength < 0 {
		resp.Body = &stream{exchange: x, judge: j, header: resp.Header, rest: resp.Body}
		return kindOf(j), nil // of its names, for now
	}
	kept, settled, err := x.readUntil(j, resp.Body)
	if !settled {
		return "", err
	}
	kind := kindOf(j)
	resp.Body = x.putBack(kept, resp.Body, err)
	x.out.ready = len(kept) > 0
	if resp.StatusCode == http.StatusOK && r.Method == http.MethodGet {
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
