package proxy_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy"
)

// listen returns the port of a listener that gives each connection to serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// answering returns the port of an origin that reads a request header and writes s.
func answering(t *testing.T, s string) string {
	return listen(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, s)
		}
	})
}

func TestUpstreamFailures(t *testing.T) {
	l := newLab(t, setup{limits: proxy.Limits{
		Dial: time.Second, Response: 300 * time.Millisecond, TLS: 300 * time.Millisecond, OriginStall: time.Second,
	}, lookup: found(func(ctx context.Context, h filter.Host) ([]netip.Addr, error) {
		switch h.String() {
		case "empty.test":
			return nil, nil
		case "broken.test":
			return nil, errors.New("server failure at 10.1.2.3")
		case "slow.test":
			<-ctx.Done()
			return nil, ctx.Err()
		case "inside.test":
			return []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("::ffff:192.168.1.1")}, nil
		case "metadata.test":
			return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
		}
		return loopback(ctx, h)
	})})
	closed := listen(t, func(net.Conn) {})
	refused := func() string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		_ = ln.Close()
		return port
	}()
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	for _, tt := range []struct {
		name, url string
		status    int
		problem   string // the type of the problem document
		proxy     string // Proxy-Status
	}{
		{"no such name", "http://nowhere.example/", 502, "dns-failure", "dns_error"},
		{"no address", "http://empty.test/", 502, "dns-failure", "dns_error"},
		{"name server fails", "http://broken.test/", 502, "dns-failure", "dns_error"},
		{"name server is silent", "http://slow.test/", 502, "dns-failure", "dns_timeout"},
		{"refused", "http://site.test:" + refused + "/", 502, "connection-refused", "connection_refused"},
		{"refused over TLS", "https://site.test:" + refused + "/", 502, "connection-refused", "connection_refused"},
		{"closed", "http://site.test:" + closed + "/", 502, "connection-refused", "connection_terminated"},
		{"silent", "http://site.test:" + silent + "/", 504, "timeout", "http_response_timeout"},
		{"silent TLS", "https://site.test:" + silent + "/", 504, "timeout", "http_response_timeout"},
		{"private address", "http://inside.test/", 403, "internal-address", "destination_ip_prohibited"},
		{"private address over TLS", "https://inside.test/", 403, "internal-address", "destination_ip_prohibited"},
		{"metadata service", "http://metadata.test/", 403, "internal-address", "destination_ip_prohibited"},
		{"private literal", "http://10.0.0.7/", 403, "internal-address", "destination_ip_prohibited"},
		{"mapped literal", "http://[::ffff:10.0.0.7]/", 403, "internal-address", "destination_ip_prohibited"},
		{"NAT64 literal", "http://[64:ff9b::a00:7]/", 403, "internal-address", "destination_ip_prohibited"},
		{"ourselves", "http://site.test:" + strings.Split(l.addr, ":")[1] + "/", 403, "internal-address", "destination_ip_prohibited"},
		{"no HTTP", "http://site.test:" + answering(t, "SSH-2.0-x\r\n\r\n") + "/", 502, "connection-refused", "http_protocol_error"},
		{"endless header", "http://site.test:" + answering(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("a", 1<<20)) + "/", 502, "connection-refused", ""},
		{"two lengths", "http://site.test:" + answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12") + "/", 502, "connection-refused", "http_protocol_error"},
		{"no TLS", "https://site.test:" + listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad\r\n\r\n") }) + "/", 502, "certificate-problem", "tls_protocol_error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkProblem(t, l, tt.url, tt.status, tt.problem, tt.proxy)
		})
	}
	l.stop()
	for _, e := range l.records.all() {
		if blocked := strings.Contains(e.Host, "inside") || strings.Contains(e.Host, "metadata"); blocked &&
			(e.Outcome != logging.Blocked || e.Rule != "internal-address") {
			t.Errorf("event = %+v, want it blocked as an internal address", e)
		}
	}
	if n := l.logs.Len(); n != 0 {
		t.Errorf("%d log entries for faults of others", n)
	}
}

// checkProblem asks for a URL and checks the problem document that comes back.
func checkProblem(t *testing.T, l *lab, url string, status int, problem, proxyError string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/problem+json")
	resp, err := l.client(false).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body := text(t, resp)
	if resp.StatusCode != status || !strings.Contains(body, ":keersluis/"+problem+`"`) {
		t.Errorf("= %d %s, want %d %s", resp.StatusCode, body, status, problem)
	}
	if got := resp.Header.Get("Proxy-Status"); !strings.Contains(got, proxyError) {
		t.Errorf("Proxy-Status = %q, want %s", got, proxyError)
	}
	for _, secret := range []string{"10.0.0.7", "10.1.2.3", "127.0.0.1:", "dial tcp", "192.168"} {
		if strings.Contains(body, secret) && !strings.Contains(url, secret) {
			t.Errorf("page tells %q", secret)
		}
	}
}

func TestCertificateProblems(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no RSA key of 1024 bits; set GODEBUG=rsa1024min=0")
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bad root"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	l := newLab(t, setup{config: func(c *proxy.Config) { c.Roots = roots }})
	for _, tt := range []struct {
		name   string
		change func(*x509.Certificate)
		key    any
		public any
		self   bool
		detail string
	}{
		{name: "good", detail: ""},
		{name: "expired", change: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, detail: "expired"},
		{name: "not yet valid", change: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, detail: "not valid yet"},
		{name: "wrong name", change: func(c *x509.Certificate) { c.DNSNames = []string{"other.test"} }, detail: "another website"},
		{name: "unknown issuer", self: true, detail: "not trusted"},
		{name: "weak key", key: weak, public: &weak.PublicKey, detail: "too weak"},
		{name: "not for servers", change: func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}, detail: "security of this website"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &x509.Certificate{
				SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
				DNSNames: []string{site}, KeyUsage: x509.KeyUsageDigitalSignature,
				ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			}
			if tt.change != nil {
				tt.change(c)
			}
			leafKey, public := any(key), any(&key.PublicKey)
			if tt.key != nil {
				leafKey, public = tt.key, tt.public
			}
			parent := parsed
			if tt.self {
				parent = c
			}
			der, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
			if err != nil {
				t.Fatal(err)
			}
			config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: leafKey}}}
			port := listen(t, func(c net.Conn) {
				tc := tls.Server(c, config)
				if _, err := http.ReadRequest(bufio.NewReader(tc)); err == nil {
					_, _ = io.WriteString(tc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+site+":"+port+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", "text/plain")
			r.Header.Set("Accept-Language", "en")
			resp, err := l.client(false).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := text(t, resp)
			if tt.detail == "" {
				if resp.StatusCode != 200 {
					t.Errorf("good certificate = %d %s", resp.StatusCode, body)
				}
				return
			}
			if resp.StatusCode != 502 || !strings.Contains(body, tt.detail) {
				t.Errorf("= %d %s, want 502 with %q", resp.StatusCode, body, tt.detail)
			}
		})
	}
}

func TestOnlyCheckedAddressesAreDialled(t *testing.T) {
	// A name that changes its address between the check and the dial leads nowhere else: it is looked up once.
	var lookups atomic.Int64
	l := newLab(t, setup{lookup: found(func(context.Context, filter.Host) ([]netip.Addr, error) {
		if lookups.Add(1) == 1 {
			return []netip.Addr{netip.MustParseAddr("10.9.9.9"), netip.MustParseAddr("127.0.0.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("10.9.9.9")}, nil
	})})
	w := l.ways()[0]
	if resp := w.get(t, w.base(site)+"/"); resp.StatusCode != 200 || text(t, resp) != "hello" {
		t.Errorf("GET = %d", resp.StatusCode)
	}
	if n := lookups.Load(); n != 1 {
		t.Errorf("%d look-ups, want 1", n)
	}
}

func TestHappyEyeballs(t *testing.T) {
	l := newLab(t, setup{lookup: found(func(context.Context, filter.Host) ([]netip.Addr, error) {
		// 127.0.0.2-4 refuse at once, ::1 is not ours to dial here; the last answers.
		return []netip.Addr{
			netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.4"),
			netip.MustParseAddr("127.0.0.1"),
		}, nil
	})})
	w := l.ways()[0]
	if resp := w.get(t, w.base(site)+"/"); resp.StatusCode != 200 {
		t.Errorf("GET = %d, want 200 from the address that works", resp.StatusCode)
	}
}

func TestPooledConnectionIsCheckedAgain(t *testing.T) {
	l := newLab(t, setup{})
	w := l.ways()[0]
	if resp := w.get(t, w.base(site)+"/"); resp.StatusCode != 200 || text(t, resp) != "hello" {
		t.Fatal("origin not reached")
	}
	l.gate.Use(testPolicy(t, func(r *filter.Rules) { r.Internal = filter.Internal{} }))
	if resp := w.get(t, w.base(site)+"/"); resp.StatusCode != 403 {
		t.Errorf("GET after loopback was closed = %d, want 403 although a connection is open", resp.StatusCode)
	}
	l.gate.Use(testPolicy(t, nil))
	l.proxy.PolicyChanged()
	if resp := w.get(t, w.base(site)+"/"); resp.StatusCode != 200 {
		t.Errorf("GET after it was opened = %d, want 200", resp.StatusCode)
	}
}

func TestSpliceToUnreachable(t *testing.T) {
	l := newLab(t, setup{lookup: found(func(context.Context, filter.Host) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	})})
	c := l.raw()
	c.send("CONNECT " + bank + ":443 HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := c.response(http.MethodGet).StatusCode; got != 502 {
		t.Errorf("CONNECT = %d, want 502", got)
	}
}

// A name that is an alias of a blocked one is blocked here as it is at the resolver.
func TestAliasOfBlockedHost(t *testing.T) {
	l := newLab(t, setup{lookup: func(_ context.Context, h filter.Host) ([]netip.Addr, []filter.Host, error) {
		alias, err := filter.ParseHost("www." + casino)
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, []filter.Host{alias}, err
	}})
	for _, w := range l.ways() {
		resp := w.get(t, w.base(site)+"/")
		if resp.StatusCode != 403 || !strings.Contains(text(t, resp), "KS-") {
			t.Errorf("%s: GET of an alias = %d, want the block page", w.name, resp.StatusCode)
		}
	}
	l.stop()
	for _, e := range l.records.events {
		if e.Outcome != logging.Blocked || e.Category != "gambling" {
			t.Errorf("recorded %s %q, want blocked gambling", e.Outcome, e.Category)
		}
	}
}
