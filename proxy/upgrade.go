package proxy

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"

	"github.com/keersluis/keersluis/proxy/page"
)

// switching takes over the connection that the origin switched to WebSocket. The engine gets a response without a body,
// and writes nothing ([responder.WriteHeader]); the bytes are carried by [exchange.upgrade] afterwards.
func (x *exchange) switching(r *http.Request, resp *http.Response) *http.Response {
	both, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || !isWebSocket(x.client) || !hasToken(resp.Header["Upgrade"], "websocket") {
		_ = resp.Body.Close() // a switch that nobody asked for
		return x.failure(r, &fault{problem: page.ConnectionRefused, detail: page.ResponseMalformed})
	}
	x.proxy.cleanResponse(resp)
	delete(resp.Header, "Content-Type")
	x.upgraded = both
	resp.Body = http.NoBody
	return resp
}

// upgrade sends the 101 and carries bytes both ways until one side has ended, or nothing moves any more.
func (x *exchange) upgrade() {
	defer func() { _ = x.upgraded.Close() }() // its end was seen by the relay
	client, buffered, err := http.NewResponseController(x.out.ResponseWriter).Hijack()
	if err != nil {
		return // the client's connection is not one that can be upgraded: HTTP/2
	}
	defer func() { _ = client.Close() }()
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())

	h := x.out.Header()
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	out := buffered.Writer
	_, _ = out.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = h.Write(out)
	_, _ = out.WriteString("\r\n")
	if out.Flush() != nil { // a bufio.Writer keeps its first error
		return
	}
	if x.origin != nil {
		x.origin.release() // it may be silent for as long as the client isn't
	}
	x.proxy.stats.upgraded.Add(1)
	d := &duplex{client: client, origin: x.upgraded, watch: underlying(client), idle: x.proxy.limits.TunnelIdle, early: early}
	up, down := d.run()
	x.up.Add(up)
	x.out.down.Add(down)
}

// underlying returns the connection of ours that c is, or is TLS over.
func underlying(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}
