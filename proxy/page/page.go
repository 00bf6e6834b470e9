package page

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/keersluis/keersluis/filter"
)

// Organisation is whose policy it is, as the pages name it.
type Organisation struct {
	Name          string
	ServiceDesk   Contact
	Regulation    string // its name, as the works council knows it
	RegulationURL string // where an employee can read it; "" shows the name alone
}

// Contact is where to turn to. What is empty is left out.
type Contact struct{ Name, Phone, Mail, URL string }

// Page is one answer of our own.
type Page struct {
	Problem Problem
	Status  int            // 0: the problem's own
	Verdict filter.Verdict // of a problem by policy; shown are its category, its article and its reference
	Host    string         // as asked; anything beyond the host name is cut off
	Detail  Detail
	Kind    string // of a download: what it is, in the words of filter/content
}

// retrySeconds is how long a client that met a stopping proxy should wait: about a restart.
const retrySeconds = 10

// Pages writes answers for one organisation. It is safe for concurrent use.
type Pages struct{ organisation atomic.Pointer[Organisation] }

// New returns the pages of o.
func New(o Organisation) *Pages {
	p := new(Pages)
	p.Use(o)
	return p
}

// Use makes the answers from now on those of o.
func (p *Pages) Use(o Organisation) { p.organisation.Store(&o) }

// Write answers r with pg. Headers that the caller has set stay, unless the answer has its own.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, pg Page) {
	h, status, body := p.answer(r, pg)
	for name, values := range h {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone: nobody is left to tell
	}
}

// Response returns the answer to r as a response that a RoundTripper can give. Its body holds no resource and need not
// be closed.
func (p *Pages) Response(r *http.Request, pg Page) *http.Response {
	h, status, body := p.answer(r, pg)
	resp := &http.Response{
		Status:        strconv.Itoa(status) + " " + http.StatusText(status),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        h,
		Body:          http.NoBody,
		ContentLength: int64(len(body)),
		Request:       r,
	}
	if r.Method != http.MethodHead {
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	return resp
}

// answer returns header, status and body of pg in the form that r asks for.
func (p *Pages) answer(r *http.Request, pg Page) (http.Header, int, []byte) {
	if pg.Problem >= problemCount {
		pg.Problem = ProxyError
	}
	if pg.Status == 0 {
		pg.Status = pg.Problem.Status()
	}
	lang := Language(r)
	v := newView(*p.organisation.Load(), lang, pg)
	media, body := render(preferred(r), v)

	h := make(http.Header, 12)
	Harden(h)
	h.Set("Content-Type", media)
	h.Set("Content-Language", string(lang))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Vary", "Accept, Accept-Language")
	h.Set("Proxy-Status", "keersluis; error="+proxyError(pg.Problem, pg.Detail))
	if pg.Problem == ShuttingDown {
		h.Set("Retry-After", strconv.Itoa(retrySeconds))
	}
	return h, pg.Status, body
}
