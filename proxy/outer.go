package proxy

import (
	"errors"
	"net/http"
	"net/netip"

	"go.uber.org/zap"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/identity"
	"github.com/keersluis/keersluis/proxy/page"
)

// serveOuter answers what comes in at the listener.
func (p *Proxy) serveOuter(w http.ResponseWriter, r *http.Request) {
	defer p.contain(w, r)()
	if isLocal(r) {
		p.serveLocal(w, r)
		return
	}
	read := absoluteTarget
	door := filter.HTTP
	if r.Method == http.MethodConnect {
		read, door = connectTarget, filter.Connect
	}
	to, err := read(r)
	if err != nil {
		p.malformed(w, r, door, filter.Client{Addr: remoteOf(r)})
		return
	}
	if p.loops(r) {
		p.reject(w, r, door, filter.Client{Addr: remoteOf(r)}, http.StatusLoopDetected)
		return
	}
	client, ok := p.authenticate(w, r)
	if !ok {
		return
	}
	if door == filter.Connect {
		p.connect(w, r, to, client)
		return
	}
	p.exchange(w, r, to, client, nil)
}

// authenticate returns who asks, or answers that it must be told. The connection stays open: a client that knows its
// credentials sends them on the same one.
func (p *Proxy) authenticate(w http.ResponseWriter, r *http.Request) (filter.Client, bool) {
	client, err := p.clientele.Authenticate(r.Context(), remoteOf(r), r.Header.Get("Proxy-Authorization"))
	switch {
	case err == nil:
		return client, true
	case errors.Is(err, identity.ErrCredentialsRequired), errors.Is(err, identity.ErrBadCredentials):
		p.stats.challenged.Add(1)
		w.Header().Set("Proxy-Authenticate", p.challenge)
		p.pages.Write(w, r, page.Page{Problem: page.AuthenticationRequired})
	case errors.Is(err, identity.ErrBusy):
		w.Header().Set("Retry-After", "1")
		p.pages.Write(w, r, page.Page{Problem: page.ProxyError, Status: http.StatusServiceUnavailable})
	default:
		p.pages.Write(w, r, page.Page{Problem: page.ProxyError})
	}
	return filter.Client{}, false
}

// challenge returns the Proxy-Authenticate field for Basic (RFC 7617).
func challenge(realm string) string {
	if realm == "" {
		realm = "Keersluis"
	}
	quoted := make([]byte, 0, len(realm))
	for i := range len(realm) {
		if c := realm[i]; c >= ' ' && c != 0x7f && c != '"' && c != '\\' {
			quoted = append(quoted, c)
		}
	}
	return `Basic realm="` + string(quoted) + `", charset="UTF-8"`
}

// malformed records and refuses a request that could not be read.
func (p *Proxy) malformed(w http.ResponseWriter, r *http.Request, door filter.Door, client filter.Client) {
	p.stats.malformed.Add(1)
	w.Header().Set("Connection", "close")
	p.reject(w, r, door, client, http.StatusBadRequest)
}

// reject records and refuses a request that has no place to go to.
func (p *Proxy) reject(w http.ResponseWriter, r *http.Request, door filter.Door, client filter.Client, status int) {
	p.gate.Admit(filter.Request{Door: door, Client: client, Method: r.Method}).Done(0, 0)
	p.pages.Write(w, r, page.Page{Problem: page.BadRequest, Status: status})
}

// admit asks the gate. If it panics, the request is recorded as one that could not be read.
func (p *Proxy) admit(r filter.Request) (a *gate.Answer) {
	defer func() {
		if recover() != nil {
			p.reportPanic()
			a = p.gate.Admit(filter.Request{Door: r.Door, Client: r.Client, Method: r.Method})
		}
	}()
	return p.gate.Admit(r)
}

// serveLocal answers a request to the proxy itself. It never reaches the network.
func (p *Proxy) serveLocal(w http.ResponseWriter, r *http.Request) {
	if p.local != nil && r.RequestURI != "*" {
		p.local.ServeHTTP(w, r)
		return
	}
	p.serveNothing(w, r)
}

func (p *Proxy) serveNothing(w http.ResponseWriter, r *http.Request) {
	p.pages.Write(w, r, page.Page{Problem: page.BadRequest, Status: http.StatusNotFound})
}

// remoteOf returns the address of the client's connection.
func remoteOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// contain joins the crew, and returns what a handler defers: a panic costs one request.
func (p *Proxy) contain(w http.ResponseWriter, r *http.Request) func() {
	p.crew.join()
	return func() {
		defer p.crew.leave()
		cause := recover()
		if cause == nil {
			return
		}
		if cause == http.ErrAbortHandler { //nolint:errorlint // a sentinel panic is compared, not unwrapped
			panic(cause)
		}
		p.reportPanic()
		defer func() {
			if recover() != nil {
				panic(http.ErrAbortHandler) // the connection was hijacked
			}
		}()
		p.pages.Write(w, r, page.Page{Problem: page.ProxyError})
	}
}

// reportPanic tells the operator. The value of a panic can hold what was asked, so it is not shown.
func (p *Proxy) reportPanic() {
	p.stats.panics.Add(1)
	p.log.Error("panic while serving a request", zap.Stack("stack"))
}
