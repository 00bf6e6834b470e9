package proxy

import (
	"net/http"
	"strings"
	"sync"
)

// clientKey is the key in a context of the client's connection.
type clientKey struct{}

// connectionSchemes are the authentication schemes that say who is behind a connection, and not behind a request: they break
// with RFC 9110 section 11.1, and the origin takes what comes after the login for the same person's.
var connectionSchemes = map[string]bool{"ntlm": true, "negotiate": true, "nego2": true, "kerberos": true}

// logsIn reports whether r would authenticate the connection that it goes over.
func logsIn(r *http.Request) bool {
	for _, v := range r.Header["Authorization"] {
		scheme, _, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(v, "\t", " ")), " ")
		if connectionSchemes[strings.ToLower(scheme)] {
			return true
		}
	}
	return false
}

// login is the way to origins of a client's connection over which somebody logged in to one: connections that no other
// client's requests ever go over. The zero login is of nobody.
type login struct {
	mu   sync.Mutex
	user string          // guarded by mu; of the proxy: a connection may carry the requests of several
	way  *http.Transport // guarded by mu; nil: nobody logged in
}

// way returns what r goes over: the connections that all share, or, from the first login on, those of the client's own. Of
// these there is one for each origin, as for a client that has no proxy: the legs of a login must meet there.
func (x *exchange) way(r *http.Request) *http.Transport {
	l := &r.Context().Value(clientKey{}).(*conn).login
	own := l.transport(x.user, logsIn(r), x.proxy.newOwnTransport)
	if own == nil {
		return x.proxy.transport
	}
	x.private = true
	if x.restricted() {
		r.Header.Del("Range") // the whole file can be judged without asking for its start over a second connection
		r.Header.Del("If-Range")
	}
	return own
}

// transport returns the transport of user, nil when nobody logged in; starts makes one of a request that logs in.
func (l *login) transport(user string, starts bool, make func() *http.Transport) *http.Transport {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.way != nil && l.user != user {
		l.way.CloseIdleConnections() // a busy one goes when its exchange ends
		l.way = nil
	}
	if l.way == nil && starts {
		l.user, l.way = user, make()
	}
	return l.way
}

// end closes the connections. What is under way on them ends with the client's connection by itself.
func (l *login) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.way != nil {
		l.way.CloseIdleConnections()
	}
}

// newOwnTransport returns a way to origins over HTTP/1.1 only, the one version in which a connection is one client's, and
// over one connection to each.
func (p *Proxy) newOwnTransport() *http.Transport {
	t := p.newTransport(p.transport.TLSClientConfig.RootCAs)
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.MaxConnsPerHost = 1
	return t
}
