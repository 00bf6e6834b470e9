package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy"
)

func TestTargets(t *testing.T) {
	l := newLab(t, setup{})
	port := l.port(l.plain)
	for _, tt := range []struct {
		name, first string
		want        int
	}{
		{"canonical", "GET http://" + site + ":" + port + "/ HTTP/1.1", 200},
		{"upper case, root dot", "GET HTTP://SITE.Test.:" + port + "/ HTTP/1.1", 200},
		{"full-width", "GET http://ｓｉｔｅ.test:" + port + "/ HTTP/1.1", 200},
		{"no path", "GET http://" + site + ":" + port + " HTTP/1.1", 200},
		{"query without path", "GET http://" + site + ":" + port + "?q HTTP/1.1", 200},
		{"options for all", "OPTIONS http://" + site + ":" + port + " HTTP/1.1", 200},
		{"address", "GET http://127.0.0.1:" + port + "/ HTTP/1.1", 200},
		{"userinfo", "GET http://user@" + site + ":" + port + "/ HTTP/1.1", 400},
		{"userinfo as front", "GET http://" + site + "@" + casino + ":" + port + "/ HTTP/1.1", 400},
		{"port zero", "GET http://" + site + ":0/ HTTP/1.1", 400},
		{"port too high", "GET http://" + site + ":65536/ HTTP/1.1", 400},
		{"port with a leading zero", "GET http://" + site + ":080/ HTTP/1.1", 400},
		{"port empty", "GET http://" + site + ":/ HTTP/1.1", 400},
		{"port no number", "GET http://" + site + ":http/ HTTP/1.1", 400},
		{"two ports", "GET http://" + site + ":80:80/ HTTP/1.1", 400},
		{"decimal address", "GET http://2130706433:" + port + "/ HTTP/1.1", 400},
		{"octal address", "GET http://0177.0.0.1:" + port + "/ HTTP/1.1", 400},
		{"hexadecimal address", "GET http://0x7f.1:" + port + "/ HTTP/1.1", 400},
		{"percent in host", "GET http://s%69te.test:" + port + "/ HTTP/1.1", 400},
		{"brackets round a name", "GET http://[" + site + "]:" + port + "/ HTTP/1.1", 400},
		{"zone", "GET http://[fe80::1%25eth0]/ HTTP/1.1", 400},
		{"IPv6 without brackets", "GET http://::1/ HTTP/1.1", 400},
		{"two dots", "GET http://" + site + "..:" + port + "/ HTTP/1.1", 400},
		{"no host", "GET http:///path HTTP/1.1", 400},
		{"opaque", "GET http:" + site + " HTTP/1.1", 400},
		{"fragment", "GET http://" + site + ":" + port + "/#x HTTP/1.1", 400},
		{"backslash", "GET http://" + site + ":" + port + "\\@" + casino + "/ HTTP/1.1", 400},
		{"https in clear text", "GET https://" + site + "/ HTTP/1.1", 400},
		{"ftp", "GET ftp://" + site + "/ HTTP/1.1", 400},
		{"origin form", "GET / HTTP/1.1", 404},
		{"asterisk", "OPTIONS * HTTP/1.1", 404},
		{"connect without port", "CONNECT " + site + " HTTP/1.1", 400},
		{"connect with userinfo", "CONNECT user@" + site + ":443 HTTP/1.1", 400},
		{"connect with path", "CONNECT " + site + ":443/x HTTP/1.1", 400},
		{"connect to a path", "CONNECT /x HTTP/1.1", 400},
		{"connect to a URL", "CONNECT http://" + site + ":443 HTTP/1.1", 400},
		{"connect to a bracketed name", "CONNECT [" + site + "]:443 HTTP/1.1", 400},
		{"connect to a bare IPv6 address", "CONNECT ::1:443 HTTP/1.1", 400},
		{"connect to port zero", "CONNECT " + site + ":0 HTTP/1.1", 400},
		{"two Host headers", "GET http://" + site + "/ HTTP/1.1\r\nHost: a", 400},
		{"content length twice", "GET http://" + site + "/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", 400},
		{"unknown transfer coding", "POST http://" + site + "/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked", 501},
		{"http/2 preface", "PRI * HTTP/2.0", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := l.raw()
			c.send(tt.first + "\r\nHost: other.test\r\n\r\n")
			if got := c.response(http.MethodGet).StatusCode; got != tt.want {
				t.Errorf("%q = %d, want %d", tt.first, got, tt.want)
			}
		})
	}
}

func TestHostsInTunnel(t *testing.T) {
	l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+" "+r.RequestURI)
	})})
	port := l.port(l.secure)
	for _, tt := range []struct {
		name, tunnel, sni, request string
		want                       int
	}{
		{"same", site, site, "GET /a HTTP/1.1\r\nHost: " + site + ":" + port, 200},
		{"without the port", site, site, "GET /a HTTP/1.1\r\nHost: " + site, 200},
		{"other spelling", site, site, "GET /a HTTP/1.1\r\nHost: SITE.test.:" + port, 200},
		{"front: Host is blocked", site, site, "GET /a HTTP/1.1\r\nHost: " + casino + ":" + port, 403},
		{"front: tunnel is blocked", casino, casino, "GET /a HTTP/1.1\r\nHost: " + site + ":" + port, 403},
		{"front: all but the tunnel are blocked", site, casino, "GET /a HTTP/1.1\r\nHost: " + casino, 403},
		{"other host, allowed", site, site, "GET /a HTTP/1.1\r\nHost: www." + site + ":" + port, 200},
		{"a host that is never inspected", site, site, "GET /a HTTP/1.1\r\nHost: " + bank + ":" + port, 421},
		{"other port", site, site, "GET /a HTTP/1.1\r\nHost: " + site + ":22", 421},
		{"userinfo", site, site, "GET /a HTTP/1.1\r\nHost: " + site + "@" + casino, 400},
		{"path in Host", site, site, "GET /a HTTP/1.1\r\nHost: " + casino + "/x?", 400},
		{"absolute form", site, site, "GET http://" + casino + "/ HTTP/1.1\r\nHost: " + site, 400},
		{"another scheme", site, site, "GET ftp://" + site + "/ HTTP/1.1\r\nHost: " + site, 400},
		{"tunnel in a tunnel", site, site, "CONNECT " + casino + ":443 HTTP/1.1\r\nHost: " + casino + ":443", 400},
		{"asterisk", site, site, "GET * HTTP/1.1\r\nHost: " + site, 400},
		{"asterisk for options", site, site, "OPTIONS * HTTP/1.1\r\nHost: " + site, 400},
		{"empty Host", site, site, "GET /a HTTP/1.1\r\nHost:", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := l.secureTunnel(tt.tunnel+":"+port, tt.sni)
			c.send(tt.request + "\r\n\r\n")
			resp := c.response(http.MethodGet)
			if resp.StatusCode != tt.want {
				t.Fatalf("%q in a tunnel to %s = %d, want %d", tt.request, tt.tunnel, resp.StatusCode, tt.want)
			}
			if tt.want == 200 && !strings.HasSuffix(text(t, resp), ":"+port+" /a") {
				t.Error("origin did not see the canonical host with the port of the tunnel")
			}
		})
	}
}

func TestMisdirectedHTTP2(t *testing.T) {
	l := newLab(t, setup{})
	w := l.ways()[2]
	// Go's client takes :authority from Host and the connection from the URL.
	for host, want := range map[string]int{site: 200, "www.site.test": 421, "other.test": 421} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.base(site)+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host + ":" + l.port(l.secure)
		resp, err := w.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf(":authority %s on a connection for %s = %d, want %d", host, site, resp.StatusCode, want)
		}
	}
}

func TestTunnelToAddress(t *testing.T) {
	l := newLab(t, setup{})
	port := l.port(l.secure)
	c := l.connect("127.0.0.1:" + port)
	var names []string
	tc := tls.Client(c.Conn, &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			leaf := cs.PeerCertificates[0]
			names = leaf.DNSNames
			return leaf.VerifyHostname("127.0.0.1")
		},
	})
	if err := tc.Handshake(); err != nil {
		t.Fatalf("no certificate for the address of the CONNECT: %v %v", err, names)
	}
	inner := rawOver(t, tc)
	inner.send("GET / HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n\r\n")
	if resp := inner.response(http.MethodGet); resp.StatusCode != 200 {
		t.Errorf("GET = %d, want 200", resp.StatusCode)
	}
}

func TestEarlyBytes(t *testing.T) {
	l := newLab(t, setup{})
	port := l.port(l.plain)
	c := l.raw()
	c.send("CONNECT " + site + ":" + port + " HTTP/1.1\r\nHost: x\r\n\r\n" +
		"GET /early HTTP/1.1\r\nHost: " + site + ":" + port + "\r\n\r\n")
	if resp := c.response(http.MethodConnect); resp.StatusCode != 200 {
		t.Fatalf("CONNECT = %d", resp.StatusCode)
	}
	if got := text(t, c.response(http.MethodGet)); got != "hello" {
		t.Errorf("request sent with the CONNECT = %q, want hello", got)
	}
}

func TestEarlyBytesOfSplice(t *testing.T) {
	l := newLab(t, setup{})
	authority := bank + ":" + l.port(l.secure)
	c := l.raw()
	early := &earlyConn{Conn: c.Conn, first: "CONNECT " + authority + " HTTP/1.1\r\nHost: x\r\n\r\n"}
	early.r = c
	tc := tls.Client(early, &tls.Config{ServerName: bank, RootCAs: pool(t, l.origins)})
	if err := tc.Handshake(); err != nil {
		t.Fatalf("ClientHello sent with the CONNECT: %v", err)
	}
}

// earlyConn sends the CONNECT and the first bytes in one write, and skips the answer to the CONNECT.
type earlyConn struct {
	net.Conn
	first string
	r     *raw
	begun bool
}

func (c *earlyConn) Write(p []byte) (int, error) {
	if c.first != "" {
		_, err := c.Conn.Write(append([]byte(c.first), p...))
		c.first = ""
		return len(p), err
	}
	return c.Conn.Write(p)
}

func (c *earlyConn) Read(p []byte) (int, error) {
	if !c.begun {
		c.begun = true
		if resp := c.r.response(http.MethodConnect); resp.StatusCode != 200 {
			return 0, errors.New(resp.Status)
		}
	}
	return c.r.r.Read(p)
}

func TestForeignProtocols(t *testing.T) {
	l := newLab(t, setup{limits: proxy.Limits{Peek: 300 * time.Millisecond, Header: time.Second}})
	for name, hello := range map[string]string{
		"ssh":             "SSH-2.0-OpenSSH_9.9\r\n",
		"openvpn":         "\x00\x0e\x38\x00\x00",
		"bittorrent":      "\x13BitTorrent protocol",
		"smtp":            "EHLO\r\n",
		"long method":     strings.Repeat("A", 40),
		"server is first": "",
		"TLS of nonsense": "\x16\x03\x01\xff\xff",
	} {
		for _, host := range []string{site, bank, casino} {
			t.Run(name+" "+host, func(t *testing.T) {
				c := l.connect(host + ":" + l.port(l.secure))
				c.send(hello)
				if got, _ := io.ReadAll(c.r); len(got) > 0 && got[0] != 21 { // an alert of TLS is an end too
					t.Errorf("got %q, want the end", got)
				}
			})
		}
	}
	l.stop()
	for _, e := range l.records.all() {
		if e.Door != "connect" {
			t.Errorf("event %+v, want the tunnels only", e)
		}
	}
	if n := l.proxy.Stats().Foreign; n < 12 {
		t.Errorf("%d foreign tunnels counted", n)
	}
}

func TestSplice(t *testing.T) {
	l := newLab(t, setup{})
	client := l.client(true)
	var issuer string
	client.Transport.(*http.Transport).TLSClientConfig.VerifyConnection = func(cs tls.ConnectionState) error {
		_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool(t, l.origins)})
		issuer = cs.PeerCertificates[0].Issuer.CommonName
		return err
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+bank+":"+l.port(l.secure)+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatalf("never-inspect host has not its own certificate (issuer %q): %v", issuer, err)
	}
	if got := text(t, resp); got != "hello" {
		t.Errorf("GET = %q", got)
	}
	client.CloseIdleConnections()
	l.stop()
	events := l.records.all()
	if len(events) != 1 || events[0].Door != "connect" || events[0].Host != bank || events[0].Up < 200 || events[0].Down < 500 {
		t.Errorf("events = %+v, want one tunnel with its bytes", events)
	}
}

func TestSpliceIsTLSForItsHost(t *testing.T) {
	l := newLab(t, setup{})
	for name, sni := range map[string]string{"another host": casino, "no name": ""} {
		t.Run(name, func(t *testing.T) {
			c := l.connect(bank + ":" + l.port(l.secure))
			tc := tls.Client(c.Conn, &tls.Config{ServerName: sni, InsecureSkipVerify: true})
			if err := tc.Handshake(); err == nil {
				t.Error("a handshake for another host went through a tunnel that is not inspected")
			}
		})
	}
	if n := l.proxy.Stats().Mismatched; n != 2 {
		t.Errorf("Mismatched = %d, want 2", n)
	}
}

func TestSpliceHalfCloseAndBulk(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	const bulk = 3 << 20
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		all, _ := io.ReadAll(c) // until the half-close
		_, _ = c.Write(all)
	}()
	l := newLab(t, setup{})
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	c := l.connect(bank + ":" + port)
	hello := clientHello(t, bank)
	payload := append(bytes.Clone(hello), bytes.Repeat([]byte("keersluis"), bulk/9)...)
	go func() {
		_, _ = c.Conn.Write(payload)
		_ = c.Conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c.r)
	if err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("%d bytes came back of %d: %v", len(got), len(payload), err)
	}
	l.stop()
	events := l.records.all()
	if n := int64(len(payload)); len(events) != 1 || events[0].Up != n || events[0].Down != n {
		t.Errorf("events = %+v, want %d up and down", events, n)
	}
}

func TestBlockedAndNeverInspected(t *testing.T) {
	l := newLab(t, setup{})
	c := l.raw()
	c.send("CONNECT " + badBank + ":443 HTTP/1.1\r\nHost: x\r\n\r\n")
	resp := c.response(http.MethodGet)
	if body := text(t, resp); resp.StatusCode != 403 || !strings.Contains(body, "geblokkeerd") {
		t.Errorf("CONNECT = %d, want 403 with the page", resp.StatusCode)
	}
	if events := l.records.all(); len(events) != 1 || events[0].Outcome != logging.Blocked {
		t.Errorf("events = %+v, want the blocked tunnel", events)
	}
}

func TestClientThatRejectsOurCertificate(t *testing.T) {
	l := newLab(t, setup{})
	for _, host := range []string{site, casino} {
		c := l.connect(host + ":" + l.port(l.secure))
		if err := tls.Client(c.Conn, &tls.Config{ServerName: host, RootCAs: x509.NewCertPool()}).Handshake(); err == nil {
			t.Fatal("handshake without our root succeeded")
		}
		_ = c.Close()
	}
	l.stop()
	events := l.records.all()
	if len(events) != 2 || events[0].Door != "connect" || events[1].Door != "connect" {
		t.Errorf("events = %+v, want both tunnels recorded", events)
	}
}

func TestSessionResumption(t *testing.T) {
	l := newLab(t, setup{})
	cache := tls.NewLRUClientSessionCache(4)
	var resumed []bool
	for range 3 {
		c := l.connect(site + ":" + l.port(l.secure))
		tc := tls.Client(c.Conn, &tls.Config{ServerName: site, RootCAs: pool(t, l.authority), ClientSessionCache: cache})
		inner := rawOver(t, tc)
		inner.send("GET / HTTP/1.1\r\nHost: " + site + "\r\nConnection: close\r\n\r\n")
		text(t, inner.response(http.MethodGet))
		resumed = append(resumed, tc.ConnectionState().DidResume)
	}
	if resumed[0] || !resumed[1] || !resumed[2] {
		t.Errorf("resumed = %v, want false, true, true", resumed)
	}
}

func TestHTTP2OverResumedSession(t *testing.T) {
	l := newLab(t, setup{})
	w := l.ways()[2]
	w.client.Transport.(*http.Transport).TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	for i := range 3 {
		resp := w.get(t, w.base(site)+"/")
		if text(t, resp); resp.StatusCode != 200 || resp.ProtoMajor != 2 || resp.TLS.DidResume != (i > 0) {
			t.Errorf("request %d = %d %s, resumed %v", i, resp.StatusCode, resp.Proto, resp.TLS.DidResume)
		}
		w.client.CloseIdleConnections()
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	l := newLab(t, setup{})
	c := l.connect(site + ":443")
	err := tls.Client(c.Conn, &tls.Config{
		ServerName: site, RootCAs: pool(t, l.authority), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	}).Handshake()
	if err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

func TestAuthentication(t *testing.T) {
	secret := "Basic " + base64.StdEncoding.EncodeToString([]byte("jansen:pw"))
	l := newLab(t, setup{
		clients: withPassword(secret), handler: protocol(t, nil),
		config: func(c *proxy.Config) { c.Realm = `Web "filter"` },
	})
	for _, first := range []string{
		"GET http://" + site + ":" + l.port(l.plain) + "/headers HTTP/1.1", "CONNECT " + site + ":" + l.port(l.plain) + " HTTP/1.1",
	} {
		c := l.raw()
		for _, authorization := range []string{"", "Proxy-Authorization: Basic wrong\r\n"} {
			c.send(first + "\r\nHost: x\r\n" + authorization + "\r\n")
			resp := c.response(http.MethodGet)
			text(t, resp)
			if got, want := resp.Header.Get("Proxy-Authenticate"), `Basic realm="Web filter", charset="UTF-8"`; resp.StatusCode != 407 ||
				got != want || resp.Close {
				t.Fatalf("%s = %d %q close %v, want an open 407 with %q", first, resp.StatusCode, got, resp.Close, want)
			}
		}
		c.send(first + "\r\nHost: x\r\nProxy-Authorization: busy\r\n\r\n")
		if resp := c.response(http.MethodGet); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || text(t, resp) == "" {
			t.Errorf("%s while busy = %d, want 503 with Retry-After", first, resp.StatusCode)
		}
		c.send(first + "\r\nHost: x\r\nProxy-Authorization: " + secret + "\r\n\r\n") // on the same connection
		if strings.HasPrefix(first, "CONNECT") {
			if resp := c.response(http.MethodConnect); resp.StatusCode != 200 {
				t.Fatalf("CONNECT = %d", resp.StatusCode)
			}
			c.send("GET /headers HTTP/1.1\r\nHost: " + site + "\r\n\r\n")
		}
		resp := c.response(http.MethodGet)
		if resp.StatusCode != 200 || resp.Header.Get("Seen-Proxy-Authorization") != "" {
			t.Errorf("%s = %d with %q upstream, want 200 and nothing", first, resp.StatusCode, resp.Header.Get("Seen-Proxy-Authorization"))
		}
	}
	l.stop()
	for _, e := range l.records.all() {
		if e.Identity != "jansen" {
			t.Errorf("event of %q, want jansen", e.Identity)
		}
	}
}

func TestLocal(t *testing.T) {
	l := newLab(t, setup{local: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "local "+r.URL.Path)
	})})
	c := l.raw()
	c.send("GET /proxy.pac HTTP/1.1\r\nHost: " + site + "\r\n\r\n")
	if got := text(t, c.response(http.MethodGet)); got != "local /proxy.pac" {
		t.Errorf("GET /proxy.pac = %q", got)
	}
}

func TestGateWithoutPolicy(t *testing.T) {
	l := newLab(t, setup{})
	l.gate.Use(nil)
	l.each(func(t *testing.T, w way) {
		if resp := w.get(t, w.base(site)+"/"); text(t, resp) == "" || resp.StatusCode != 500 {
			t.Errorf("GET without a policy = %d, want 500", resp.StatusCode)
		}
	})
}

func rawOver(tb testing.TB, c net.Conn) *raw {
	tb.Helper()
	return &raw{Conn: c, r: bufio.NewReader(c), tb: tb}
}

// clientHello returns the first flight of a real client.
func clientHello(tb testing.TB, name string, change ...func(*tls.Config)) []byte {
	tb.Helper()
	a, b := net.Pipe()
	c := &tls.Config{ServerName: name, InsecureSkipVerify: true}
	for _, f := range change {
		f(c)
	}
	go func() {
		_ = tls.Client(a, c).Handshake()
		_ = a.Close()
	}()
	buf := make([]byte, 16<<10)
	n, err := b.Read(buf)
	_ = b.Close()
	if err != nil {
		tb.Fatal(err)
	}
	return buf[:n]
}
