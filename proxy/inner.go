package proxy

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/identity"
	"github.com/keersluis/keersluis/proxy/page"
)

// errNoHost is a ClientHello whose name is no host.
var errNoHost = errors.New("server name is not a host")

// newInner returns a server for the requests inside tunnels.
func (p *Proxy) newInner() *http.Server {
	s := p.newServer(http.HandlerFunc(p.serveInner))
	s.IdleTimeout = p.limits.Idle
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true)
	return s
}

// newInnerTLS returns the server of inspected TLS. Its configuration is one for all connections: session tickets, whose
// keys crypto/tls rotates, work across them.
func (p *Proxy) newInnerTLS() *http.Server {
	s := p.newInner()
	s.Protocols.SetHTTP2(true)
	s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.certificateFor}
	s.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams,
		SendPingTimeout:      p.limits.Ping,
		PingTimeout:          p.limits.Ping / 2,
		WriteByteTimeout:     p.limits.Stall,
	}
	return s
}

func tunnelOf(c net.Conn) *tunnel {
	if own := underlying(c); own != nil {
		return own.tunnel
	}
	return nil
}

// certificateFor returns the certificate for the name in the ClientHello, or else for the host of the tunnel. (A client
// that encrypts its real name checks the outer one, which is the one seen here.)
func (p *Proxy) certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	t := tunnelOf(hello.Conn)
	if t == nil {
		return nil, errNoHost
	}
	host := t.target.host
	if hello.ServerName != "" {
		named, err := filter.ParseHost(hello.ServerName)
		if err != nil {
			return nil, errNoHost
		}
		host = named
	}
	if host != t.target.host {
		p.stats.mismatched.Add(1)
	}
	return p.certificate(hello.Context(), host)
}

// serveInner answers a request inside a tunnel.
func (p *Proxy) serveInner(w http.ResponseWriter, r *http.Request) {
	defer p.contain(w, r)()
	t := tunnelFrom(r.Context())
	if t == nil {
		p.pages.Write(w, r, page.Page{Problem: page.ProxyError})
		return
	}
	client, ok := t.identify(w, r)
	if !ok {
		return
	}
	t.answer.Delegate() // from here each request has a record of its own
	to, err := innerTarget(r, t.target.scheme, t.target.port)
	switch {
	case errors.Is(err, errMisdirected), err == nil && r.ProtoMajor == 2 && to.host != t.named(r):
		p.reject(w, r, filter.HTTP, client, http.StatusMisdirectedRequest)
	case err != nil:
		p.malformed(w, r, filter.HTTP, client)
	case p.loops(r):
		p.reject(w, r, filter.HTTP, client, http.StatusLoopDetected)
	default:
		p.exchange(w, r, to, client, t)
	}
}

// identify returns who asks inside the tunnel, or answers that nobody may any more. A tunnel lives for hours: a user who
// was taken away, or given another role, must not keep what the CONNECT had.
func (t *tunnel) identify(w http.ResponseWriter, r *http.Request) (filter.Client, bool) {
	client, err := t.proxy.clientele.Authenticate(r.Context(), t.addr, t.credentials)
	if err == nil {
		return client, true
	}
	w.Header().Set("Connection", "close") // the next CONNECT is asked for credentials
	status := http.StatusForbidden
	if errors.Is(err, identity.ErrBusy) {
		status = http.StatusServiceUnavailable
	}
	t.proxy.pages.Write(w, r, page.Page{Problem: page.AuthenticationRequired, Status: status})
	return filter.Client{}, false
}

// named returns the host of the certificate that the client of r was shown, or remembers from the session it resumed: only
// for that one may it send requests on an HTTP/2 connection (RFC 9110 section 7.4). Our certificates have one name.
func (t *tunnel) named(r *http.Request) filter.Host {
	if r.TLS == nil || r.TLS.ServerName == "" {
		return t.target.host
	}
	host, err := filter.ParseHost(r.TLS.ServerName)
	if err != nil {
		return filter.Host{}
	}
	return host
}

// stricter makes the verdict on the tunnel count for a request inside it to another host, and returns the verdict that
// stands: a blocked host must not become a front for an allowed one.
func (t *tunnel) stricter(x *exchange) filter.Verdict {
	if x.target.host != t.target.host {
		t.proxy.stats.mismatched.Add(1)
		x.answer.Stop(t.answer.Verdict())
	}
	return x.answer.Verdict()
}
