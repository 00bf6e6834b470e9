package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/elazarl/goproxy"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/proxy/page"
)

const established = "HTTP/1.1 200 Connection established\r\n\r\n"

var (
	errServerName = errors.New("server name is not the host of the tunnel")
	errNotCarried = errors.New("protocol that a tunnel does not carry")
)

// tunnel is one CONNECT that was answered with 200.
type tunnel struct {
	proxy  *Proxy
	answer *gate.Answer
	target target

	addr        netip.Addr // of the client
	credentials string     // the Proxy-Authorization of the CONNECT: who asks is found anew for each request
	origin      *conn      // of a tunnel that is not inspected, from its start; nil otherwise
	taken       bool       // the client's connection is ours; set by the goroutine of the CONNECT
}

type tunnelKey struct{}

func tunnelFrom(ctx context.Context) *tunnel {
	t, _ := ctx.Value(tunnelKey{}).(*tunnel)
	return t
}

// connect decides on a CONNECT and opens its tunnel. A blocked tunnel is opened as well, to show the page inside it: no
// browser shows the body of a refused CONNECT.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request, to target, client filter.Client) {
	t := &tunnel{
		proxy: p, answer: p.admit(to.request(filter.Connect, r, client)), target: to,
		addr: remoteOf(r), credentials: r.Header.Get("Proxy-Authorization"),
	}
	v := t.answer.Verdict()
	switch {
	case v.Blocked() && v.Splice:
		p.stats.blocked.Add(1)
		p.pages.Write(w, r, page.Page{Problem: page.Of(v), Verdict: v, Host: to.host.String()})
		t.answer.Done(0, 0)
		return
	case v.Splice:
		origin, err := p.dialTarget(r.Context(), t.answer, to.host, to.port)
		if err != nil {
			t.refuse(w, r, upstreamFault(err))
			return
		}
		t.origin = origin
		t.credentials = "" // nobody will ask
	}
	p.engine.ServeHTTP(replayer{w}, r.WithContext(context.WithValue(r.Context(), tunnelKey{}, t)))
	if !t.taken {
		t.end(0, 0) // the client's connection could not be taken over
	}
}

// refuse answers a CONNECT to an origin that can't be reached.
func (t *tunnel) refuse(w http.ResponseWriter, r *http.Request, f *fault) {
	if f.problem.ByPolicy() {
		t.answer.Stop(f.verdict)
		t.proxy.stats.blocked.Add(1)
	} else {
		t.proxy.stats.failed.Add(1)
	}
	t.answer.Done(0, 0)
	t.proxy.pages.Write(w, r, page.Page{
		Problem: f.problem, Detail: f.detail, Verdict: f.verdict, Host: t.target.host.String(),
	})
}

// replayer is a ResponseWriter whose hijacked connection begins with the bytes that the server has already read. The
// engine drops them otherwise, and a client that doesn't wait for the 200 loses its ClientHello.
type replayer struct{ http.ResponseWriter }

// Hijack takes the connection over.
func (w replayer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	own, ok := c.(*conn)
	if !ok {
		_ = c.Close() // not from our listener
		return nil, nil, http.ErrNotSupported
	}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	own.early = bytes.Clone(early)
	return own, buffered, nil
}

// onConnect is the engine's hook for CONNECT. Our own action, never one of the engine's: those carry its public key.
func (p *Proxy) onConnect(host string, ctx *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
	t := tunnelFrom(ctx.Req.Context())
	if t == nil {
		return &goproxy.ConnectAction{Action: goproxy.ConnectReject}, host
	}
	return &goproxy.ConnectAction{Action: goproxy.ConnectHijack, Hijack: t.hijacked}, host
}

// hijacked takes the client's connection from the engine. The work goes on in a goroutine of its own, so that the
// buffers and the stack of the server's can go.
func (t *tunnel) hijacked(_ *http.Request, c net.Conn, _ *goproxy.ProxyCtx) {
	client, ok := c.(*conn)
	if !ok {
		_ = c.Close() // not from our listener
		return
	}
	t.taken = true
	t.proxy.crew.join()
	go func() {
		defer t.proxy.crew.leave()
		t.open(client)
	}()
}

// open answers 200 and lets what the client says decide how the tunnel goes on. It owns client.
func (t *tunnel) open(client *conn) {
	handed := false
	defer func() {
		if recover() != nil {
			t.proxy.reportPanic()
		}
		if !handed {
			_ = client.Close() // nobody to tell
			t.end(0, 0)
		}
	}()
	client.moved.Store(time.Now().UnixNano())
	if client.SetDeadline(time.Now().Add(t.proxy.limits.Peek)) != nil {
		return
	}
	if _, err := client.Write([]byte(established)); err != nil {
		return
	}
	if t.origin != nil {
		t.splice(client)
		return
	}
	handed = t.hand(client)
}

// end ends the tunnel's exchange, and closes the connection to the origin.
func (t *tunnel) end(up, down int64) {
	t.answer.Done(up, down)
	if t.origin != nil {
		_ = t.origin.Close() // it was only for this
	}
}

// splice carries a tunnel that must not be inspected, provided that it is TLS to the host it was allowed for.
func (t *tunnel) splice(client *conn) {
	p := t.proxy
	first, err := t.peekHello(client)
	if err != nil {
		t.count(err)
		return
	}
	if client.SetDeadline(time.Time{}) != nil {
		return
	}
	p.stats.spliced.Add(1)
	client.early = nil
	t.origin.release() // from here the relay watches both
	d := &duplex{client: client, origin: t.origin, watch: client, idle: p.limits.TunnelIdle, early: first}
	t.answer.Done(d.run())
}

// peekHello returns the bytes up to and with a ClientHello for the host of the tunnel.
func (t *tunnel) peekHello(client *conn) ([]byte, error) {
	var found hello
	first, err := peek(client, maxHello, func(b []byte) (more bool, err error) {
		found, more, err = parseHello(b)
		return more, err
	})
	if err != nil {
		return nil, err
	}
	if !t.isFor(found) {
		return nil, errServerName
	}
	return first, nil
}

// isFor reports whether h asks for the host of the tunnel: by name, or without one where the host is an address.
func (t *tunnel) isFor(h hello) bool {
	if h.serverName == "" {
		_, isAddr := t.target.host.Addr()
		return isAddr
	}
	host, err := filter.ParseHost(h.serverName)
	return err == nil && host == t.target.host
}

// hand gives the tunnel to the inner server of its protocol, and reports whether it did.
func (t *tunnel) hand(client *conn) bool {
	p := t.proxy
	var kind sniff
	first, err := peek(client, maxHello, func(b []byte) (bool, error) {
		if kind = sniffProtocol(b); kind == sniffOther {
			return false, errNotCarried
		}
		return kind == sniffMore, nil
	})
	if err != nil {
		t.count(err)
		return false
	}
	if client.SetDeadline(time.Time{}) != nil {
		return false
	}
	client.early, client.tunnel = first, t
	client.moved.Store(0) // from here the inner server knows whether it is idle
	inner := p.innerPlain
	t.target.scheme = "http"
	if kind == sniffTLS {
		inner = p.innerTLS
		t.target.scheme = "https"
	}
	p.stats.inspected.Add(1)
	inner.push(client)
	return true
}

// count counts a tunnel that was closed before it carried anything.
func (t *tunnel) count(err error) {
	s := &t.proxy.stats
	switch {
	case errors.Is(err, errServerName):
		s.mismatched.Add(1)
	case isAny(err, errNotCarried, errNotTLS, errHello):
		s.foreign.Add(1)
	}
}

// peek reads from c until enough says that no more is needed, and returns a copy of all it read. The deadline is the
// caller's.
func peek(c net.Conn, limit int, enough func([]byte) (more bool, err error)) ([]byte, error) {
	buf := buffers.get()
	defer buffers.put(buf)
	for n := 0; ; {
		k, err := c.Read((*buf)[n:min(limit, len(*buf))])
		n += k
		if k > 0 {
			more, err := enough((*buf)[:n])
			if err != nil {
				return nil, err
			}
			if !more {
				return bytes.Clone((*buf)[:n]), nil
			}
		}
		if err != nil {
			return nil, err
		}
		if n == limit {
			return nil, errHello
		}
	}
}
