package proxy

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/elazarl/goproxy"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy/page"
)

// This file looks at what can't be seen from outside: how the engine and the transport are set, and that their hooks fail
// closed.

type nobody struct{}

func (nobody) Authenticate(context.Context, netip.Addr, string) (filter.Client, error) {
	return filter.Client{}, nil
}

func (nobody) Record(logging.Event) {}

func bare(tb testing.TB) *Proxy {
	tb.Helper()
	p, err := New(Config{
		Gate: gate.New(nobody{}, time.Now), Clients: nobody{}, Pages: page.New(page.Organisation{}), Log: zap.NewNop(),
		Certificate: func(context.Context, filter.Host) (*tls.Certificate, error) { return nil, errNoHost },
		Lookup:      func(context.Context, filter.Host) ([]netip.Addr, []filter.Host, error) { return nil, nil, nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.kill)
	return p
}

// TestEngineSettings holds the table of ../../shared/reference/goproxy.md section 1.6.
func TestEngineSettings(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	p := bare(t)
	e, tr := p.engine, p.transport
	for what, ok := range map[string]bool{
		"Tr is ours":                          e.Tr == tr,
		"ConnectDial":                         e.ConnectDial == nil && e.ConnectDialWithReq == nil,
		"CertStore":                           e.CertStore == nil,
		"KeepAcceptEncoding":                  e.KeepAcceptEncoding,
		"KeepDestinationHeaders":              !e.KeepDestinationHeaders,
		"KeepHeader":                          !e.KeepHeader,
		"AllowHTTP2":                          !e.AllowHTTP2,
		"PreventCanonicalization":             !e.PreventCanonicalization,
		"Logger":                              e.Logger == silent{},
		"Verbose":                             !e.Verbose,
		"ConnectionErrHandler":                e.ConnectionErrHandler != nil,
		"no environment proxy":                tr.Proxy == nil,
		"DialContext":                         tr.DialContext != nil && tr.DialTLSContext == nil,
		"TLS 1.2 or later":                    tr.TLSClientConfig.MinVersion == tls.VersionTLS12,
		"certificates are verified":           !tr.TLSClientConfig.InsecureSkipVerify,
		"VerifyConnection":                    tr.TLSClientConfig.VerifyConnection != nil,
		"TLSHandshakeTimeout 10 s":            tr.TLSHandshakeTimeout == 10*time.Second,
		"ResponseHeaderTimeout 60-120 s":      tr.ResponseHeaderTimeout >= time.Minute && tr.ResponseHeaderTimeout <= 2*time.Minute,
		"IdleConnTimeout 90 s":                tr.IdleConnTimeout == 90*time.Second,
		"MaxIdleConns 10k":                    tr.MaxIdleConns == 10_000,
		"MaxIdleConnsPerHost 32-64":           tr.MaxIdleConnsPerHost >= 32 && tr.MaxIdleConnsPerHost <= 64,
		"MaxResponseHeaderBytes 256k":         tr.MaxResponseHeaderBytes == 256<<10,
		"DisableCompression":                  tr.DisableCompression,
		"ForceAttemptHTTP2":                   tr.ForceAttemptHTTP2,
		"ExpectContinueTimeout 1 s":           tr.ExpectContinueTimeout == time.Second,
		"one request hook, ours":              hooks(e, "reqHandlers") == 1,
		"one CONNECT hook, ours":              hooks(e, "httpsHandlers") == 1,
		"one response hook, ours":             hooks(e, "respHandlers") == 1,
		"inner server has one TLS config":     p.newInnerTLS().TLSConfig.GetCertificate != nil,
		"inner server takes TLS 1.2 or later": p.newInnerTLS().TLSConfig.MinVersion == tls.VersionTLS12,
		"inner streams are bounded":           p.newInnerTLS().HTTP2.MaxConcurrentStreams == maxStreams,
	} {
		if !ok {
			t.Errorf("%s: not as it must be", what)
		}
	}
	for _, s := range []*http.Server{p.newServer(nil), p.newInner(), p.newInnerTLS()} {
		if s.ReadHeaderTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes != 64<<10 || !s.DisableGeneralOptionsHandler ||
			s.ErrorLog == nil {
			t.Errorf("server without a bound: %+v", s)
		}
	}
}

// hooks counts the hooks of one sort.
func hooks(e *goproxy.ProxyHttpServer, field string) int {
	return reflect.ValueOf(e).Elem().FieldByName(field).Len()
}

func TestHooksFailClosed(t *testing.T) {
	p := bare(t)
	r := httptest.NewRequest(http.MethodGet, "http://site.test/", nil)
	t.Run("request without an exchange", func(t *testing.T) {
		w := httptest.NewRecorder()
		p.engine.ServeHTTP(w, r)
		if w.Code != 500 {
			t.Errorf("= %d, want 500", w.Code)
		}
	})
	t.Run("response that is none", func(t *testing.T) {
		if resp := p.onResponse(nil, &goproxy.ProxyCtx{Req: r}); resp == nil || resp.StatusCode != 500 {
			t.Errorf("= %v, want a page", resp)
		}
	})
	t.Run("CONNECT without a tunnel", func(t *testing.T) {
		action, _ := p.onConnect("site.test:443", &goproxy.ProxyCtx{Req: r})
		if action == nil || action.Action != goproxy.ConnectReject {
			t.Errorf("= %+v, want a refusal", action)
		}
	})
	t.Run("panic in the round trip", func(t *testing.T) {
		x := &exchange{} // everything in it is nil
		x.proxy = p
		p.transport.RegisterProtocol("broken", panicking{})
		broken := r.Clone(context.WithValue(r.Context(), clientKey{}, &conn{}))
		broken.URL.Scheme = "broken"
		resp, err := x.RoundTrip(broken, nil)
		if err != nil || resp == nil || resp.StatusCode != 500 {
			t.Errorf("= %v %v, want a page", resp, err)
		}
	})
	t.Run("dial without an answer", func(t *testing.T) {
		if c, err := p.dialOrigin(t.Context(), "tcp", "site.test:80"); err == nil || c != nil {
			t.Error("dialled")
		}
	})
	t.Run("dial of another place", func(t *testing.T) {
		host, _ := filter.ParseHost("site.test")
		x := &exchange{proxy: p, target: target{"http", host, 80}, answer: p.gate.Admit(filter.Request{})}
		ctx := context.WithValue(t.Context(), exchangeKey{}, x)
		if c, err := p.dialOrigin(ctx, "tcp", "other.test:80"); err == nil || c != nil {
			t.Error("dialled")
		}
	})
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("in the transport") }

func TestEngineActionsAreOurs(t *testing.T) {
	p := bare(t)
	r := httptest.NewRequest(http.MethodConnect, "http://site.test:443", nil)
	tun := &tunnel{proxy: p}
	action, _ := p.onConnect("", &goproxy.ProxyCtx{Req: r.WithContext(context.WithValue(r.Context(), tunnelKey{}, tun))})
	if action.Action != goproxy.ConnectHijack || action.TLSConfig != nil {
		t.Errorf("action = %+v, want a hijack without the engine's TLS", action)
	}
}

func TestDecisionPath(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "/",
		"/":                "/",
		"/a/b":             "/a/b",
		"/a/b/":            "/a/b/",
		"/a//b":            "/a/b",
		"//a///b//":        "/a/b/",
		"/a/./b":           "/a/b",
		"/a/../b":          "/b",
		"/../../b":         "/b",
		"/a/b/..":          "/a/",
		"/a/.":             "/a/",
		"/%61%2Fb":         "/a%2Fb",
		"/a/%2e%2E/b":      "/b",
		"/%7Euser/%41":     "/~user/A",
		"/100%":            "/100%",
		"/%zz":             "/%zz",
		"/%c3%a9":          "/%c3%a9",
		"/.well-known/x":   "/.well-known/x",
		"/a/...":           "/a/...",
		"/a%252e%252e/b":   "/a%252e%252e/b",
		"/a;x=1/b":         "/a;x=1/b",
		"/a/b/../../../..": "/",
	} {
		if got := decisionPath(in); got != want {
			t.Errorf("decisionPath(%q) = %q, want %q", in, got, want)
		}
		if got := decisionPath(decisionPath(in)); !strings.Contains(in, "%25") && got != want {
			t.Errorf("decisionPath is not settled for %q: %q", in, got)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{
		"site.test", "site.test:443", "[::1]:80", "[site.test]:80", "a@b", "ｓｉｔｅ.test", "1.2.3.4:0", "::1", "%41", "[::1", "[]:1", ":80",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, port, err := parseAuthority(s, 80)
		if err != nil {
			return
		}
		if h.IsZero() || port == 0 {
			t.Fatalf("parseAuthority(%q) is nowhere: %q %d", s, h, port)
		}
		to := target{"http", h, port}
		again, port2, err := parseAuthority(to.authority(), 80)
		if err != nil || again != h || port2 != port {
			t.Fatalf("parseAuthority(%q) = %q %d, but its own form %q is %q %d %v", s, h, port, to.authority(), again, port2, err)
		}
		if strings.ContainsAny(h.String(), "@/\\?#% \t\r\n[]") {
			t.Fatalf("parseAuthority(%q) = %q", s, h)
		}
	})
}

func FuzzDecisionPath(f *testing.F) {
	f.Add("/a/%2e%2e/b")
	f.Add("/%")
	f.Fuzz(func(t *testing.T, s string) {
		got := decisionPath(s)
		if !strings.HasPrefix(got, "/") || strings.Contains(got, "//") || strings.Contains(got+"/", "/../") {
			t.Fatalf("decisionPath(%q) = %q", s, got)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("gzip, br;q=0.5, *", "bytes 0-9/10", "keep-alive, X-A")
	f.Add("", "bytes 5-4/3", ",,")
	f.Fuzz(func(t *testing.T, coding, contentRange, connection string) {
		once := acceptable([]string{coding})
		if again := acceptable([]string{once}); again != once {
			t.Fatalf("acceptable(%q) = %q, and of that %q", coding, once, again)
		}
		resp := &http.Response{StatusCode: http.StatusPartialContent, Header: http.Header{"Content-Range": {contentRange}}}
		if c, ok := parseContentRange(resp); ok && (c.first < 0 || c.last < c.first || c.total >= 0 && c.last >= c.total) {
			t.Fatalf("parseContentRange(%q) = %+v", contentRange, c)
		}
		for name := range connectionOptions(http.Header{"Connection": {connection}}) {
			if endToEnd[name] || hopByHop[name] || name == "" {
				t.Fatalf("connectionOptions(%q) has %q", connection, name)
			}
		}
	})
}
