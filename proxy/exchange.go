package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"

	"github.com/elazarl/goproxy"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/proxy/page"
)

// exchange is one request that the gate admitted, until its response has gone to the client.
type exchange struct {
	proxy  *Proxy
	answer *gate.Answer
	target target
	user   string        // "" when unknown
	client *http.Request // as the client sent it
	out    *responder

	up       atomic.Int64            // bytes of the request body
	upload   *clientBody             // nil for a request without a body
	private  bool                    // the connection to the origin is for the client's connection only
	cancel   context.CancelCauseFunc // ends what is under way upstream; a fault as the cause is what the client is told
	dialled  atomic.Pointer[conn]    // that this exchange asked the gate about; set by the transport's goroutine
	origin   *conn                   // that the request went over
	upgraded io.ReadWriteCloser      // the origin's side after a 101; nil otherwise
	held     int64                   // bytes of withheld ones that are counted for this exchange; owned by the handler's goroutine
	body     *originBody             // of the response; nil where the page is ours
}

type exchangeKey struct{}

// exchangeFrom returns the exchange that a context belongs to, nil when none does.
func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// exchange decides on one request and answers it. tunnel is nil for a request in clear text to the proxy itself.
func (p *Proxy) exchange(w http.ResponseWriter, r *http.Request, t target, client filter.Client, tun *tunnel) {
	x := &exchange{proxy: p, answer: p.admit(t.request(filter.HTTP, r, client)), target: t, user: client.User, client: r}
	x.out = &responder{ResponseWriter: w, exchange: x}
	defer x.end()
	v := x.answer.Verdict()
	if tun != nil {
		v = tun.stricter(x)
	}
	switch {
	case v.Blocked():
		p.stats.blocked.Add(1)
		p.pages.Write(x.out, r, page.Page{Problem: page.Of(v), Verdict: v, Host: t.host.String()})
		return
	case tun != nil && v.Splice:
		// Decrypted for another host, or before the lists changed: the client must come back in a tunnel of its own.
		x.answer.Stop(filter.Verdict{Reason: filter.Malformed})
		w.Header().Set("Connection", "close")
		p.pages.Write(x.out, r, page.Page{Problem: page.BadRequest, Status: http.StatusMisdirectedRequest})
		return
	}
	p.stats.requests.Add(1)
	p.engine.ServeHTTP(x.out, x.outgoing())
	x.finish()
}

// end lets go of the client and tells the gate what went up and down.
func (x *exchange) end() {
	x.out.settle()
	if x.upload != nil {
		x.upload.detach()
	}
	if x.cancel != nil {
		x.cancel(nil)
	}
	x.release(x.held)
	x.answer.Done(x.up.Load(), x.out.down.Load())
}

// finish carries an upgraded connection to its end, and cuts one whose response the origin did not complete: the client
// must not take half a body for the whole.
func (x *exchange) finish() {
	if x.upgraded != nil {
		x.upgrade()
		return
	}
	if x.body != nil && x.body.failed {
		panic(http.ErrAbortHandler)
	}
}

// outgoing returns the request as it goes to the engine: everything in it was read once by request.go.
func (x *exchange) outgoing() *http.Request {
	r := x.client
	ctx, cancel := context.WithCancelCause(context.WithValue(r.Context(), exchangeKey{}, x))
	x.cancel = cancel
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:        x.gotConn,
		Got1xxResponse: x.informational,
	})
	out := r.WithContext(ctx)
	u := *r.URL
	u.Scheme, u.Host = x.target.scheme, x.target.authority()
	if r.Method == http.MethodOptions && u.Path == "" && u.RawQuery == "" {
		u.Opaque = "*" // RFC 9112 section 3.2.4
	}
	out.URL, out.Host = &u, u.Host
	out.Header = x.proxy.requestHeader(r, isWebSocket(r))
	out.Close = false // the client's connection is not the origin's
	out.TransferEncoding = nil
	out.Trailer = requestTrailer(r)
	if r.Body != nil && r.Body != http.NoBody {
		x.upload = &clientBody{ReadCloser: r.Body, exchange: x, trailer: out.Trailer, control: http.NewResponseController(x.out.ResponseWriter)}
		out.Body = x.upload
	}
	return out
}

// onRequest is the engine's request hook. A request that no exchange stands behind goes nowhere.
func (p *Proxy) onRequest(r *http.Request, ctx *goproxy.ProxyCtx) (_ *http.Request, resp *http.Response) {
	defer p.rescue(r, &resp)
	x := exchangeFrom(r.Context())
	if x == nil {
		return r, p.pages.Response(r, page.Page{Problem: page.ProxyError})
	}
	ctx.RoundTripper = x
	return r, nil
}

// onResponse is the engine's response hook: the last net. Without it the engine would show its error text.
func (p *Proxy) onResponse(resp *http.Response, ctx *goproxy.ProxyCtx) *http.Response {
	if resp == nil || resp.Body == nil {
		return p.pages.Response(ctx.Req, page.Page{Problem: page.ProxyError})
	}
	return resp
}

// rescue makes a panic in a hook an error page: it costs one request.
func (p *Proxy) rescue(r *http.Request, resp **http.Response) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint // a sentinel panic is compared, not unwrapped
		panic(cause)
	}
	p.reportPanic()
	*resp = p.pages.Response(r, page.Page{Problem: page.ProxyError})
}

// RoundTrip sends the request and returns the response that the client gets; what goes wrong is a page.
func (x *exchange) RoundTrip(r *http.Request, _ *goproxy.ProxyCtx) (resp *http.Response, _ error) {
	defer x.proxy.rescue(r, &resp)
	resp, err := x.way(r).RoundTrip(r)
	x.out.settle() // a cancelled round trip can still be reading in a goroutine of its own
	if err != nil {
		return x.failure(r, x.faultOf(r, err)), nil
	}
	switch resp.StatusCode {
	case http.StatusSwitchingProtocols:
		return x.switching(r, resp), nil
	case http.StatusProxyAuthRequired: // RFC 9110 section 15.5.8: only a proxy says so, and a client would give it what is for us
		_ = resp.Body.Close() // not wanted
		return x.failure(r, &fault{problem: page.ConnectionRefused, detail: page.ResponseMalformed}), nil
	}
	x.proxy.cleanResponse(resp)
	x.body = &originBody{ReadCloser: resp.Body}
	resp.Body = x.body
	if blocked := x.inspect(r, resp); blocked != nil {
		_ = x.body.Close() // what it held does not matter any more
		x.body = nil
		return blocked, nil
	}
	if len(resp.Trailer) > 0 {
		delete(resp.Header, "Content-Length") // HTTP/1.1 has trailers after chunks only
		resp.ContentLength = -1
	}
	x.out.streaming = resp.ContentLength < 0
	return resp, nil
}

// failure returns the page for a fault. One by policy becomes the verdict of the exchange.
func (x *exchange) failure(r *http.Request, f *fault) *http.Response {
	p := x.proxy
	if f.problem.ByPolicy() {
		x.answer.Stop(f.verdict)
		p.stats.blocked.Add(1)
	} else {
		p.stats.failed.Add(1)
	}
	return p.pages.Response(r, page.Page{
		Problem: f.problem, Detail: f.detail, Status: f.status, Verdict: f.verdict, Host: x.target.host.String(),
	})
}

// faultOf says what a failed round trip of r is: why we ended it, where it was us.
func (x *exchange) faultOf(r *http.Request, err error) *fault {
	if f, ok := errors.AsType[*fault](context.Cause(r.Context())); ok {
		return f
	}
	return upstreamFault(err)
}

// gotConn notes the connection, and asks the gate about one that another exchange dialled: its client may have more
// rights, or have come under another policy. (Reused doesn't say so: over HTTP/2 it is false for the first stream, whoever
// dialled.) A refusal ends this exchange only: others may have streams on the connection.
func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	x.origin = underlying(info.Conn)
	if x.origin != nil && x.origin == x.dialled.Load() {
		return
	}
	v := x.answer.Addr(addrOf(info.Conn.RemoteAddr()))
	if x.origin != nil && !v.Blocked() {
		v = aliased(x.answer, x.origin.aliases)
	}
	if !v.Blocked() {
		return
	}
	x.cancel(&fault{problem: page.Of(v), verdict: v})
	if !isHTTP2(info.Conn) {
		_ = info.Conn.Close() // nobody else's: HTTP/1 is written before the transport looks whether it was cancelled
	}
}

func isHTTP2(c net.Conn) bool {
	t, ok := c.(*tls.Conn)
	return ok && t.ConnectionState().NegotiatedProtocol == "h2"
}

// informational passes a 1xx response on. 100 is not passed: net/http sends it when the body is first read.
func (x *exchange) informational(code int, h textproto.MIMEHeader) error {
	if code == http.StatusContinue || !x.client.ProtoAtLeast(1, 1) {
		return nil
	}
	return x.out.informational(code, http.Header(h))
}
