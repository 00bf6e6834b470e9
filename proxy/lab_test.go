package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"iter"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/identity"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy"
	"github.com/keersluis/keersluis/proxy/ca"
	"github.com/keersluis/keersluis/proxy/page"
)

const administrator filter.Role = "application-administrator"

// The names of the lab. All lead to loopback; site.test is on no list.
const (
	site    = "site.test"
	casino  = "casino.test"
	bank    = "bank.test"    // never inspected
	badBank = "badbank.test" // never inspected and blocked
)

// lab is a proxy on loopback with origins behind it.
type lab struct {
	tb        testing.TB
	proxy     *proxy.Proxy
	addr      string
	gate      *gate.Gate
	records   *recorder
	logs      *observer.ObservedLogs
	authority *ca.Authority // of the proxy
	origins   *ca.Authority // of the origins
	plain     *httptest.Server
	secure    *httptest.Server
	clients   []*http.Client
	stop      func()
}

// setup is what a test may want different.
type setup struct {
	handler http.Handler
	limits  proxy.Limits
	clients proxy.Authenticator
	roles   []filter.Role
	local   http.Handler
	lookup  proxy.Lookup
	h1Only  bool // the secure origin
	now     func() time.Time
	config  func(*proxy.Config)
	policy  func(*filter.Rules)
}

func newLab(tb testing.TB, s setup) *lab {
	tb.Helper()
	l := &lab{tb: tb, records: &recorder{}}
	l.authority, l.origins = openCA(tb), openCA(tb)
	if s.handler == nil {
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	}
	l.plain = httptest.NewUnstartedServer(s.handler)
	l.secure = httptest.NewUnstartedServer(s.handler)
	l.secure.EnableHTTP2 = !s.h1Only
	own := &tls.Config{GetCertificate: l.originCertificate, NextProtos: []string{"h2", "http/1.1"}}
	if s.h1Only {
		own.NextProtos = own.NextProtos[1:]
	}
	// Not as the configuration itself: httptest would add a certificate, which goes first when no name is asked for.
	l.secure.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return own, nil }}
	for _, o := range []*httptest.Server{l.plain, l.secure} {
		o.Config.ErrorLog = log.New(io.Discard, "", 0)
		tb.Cleanup(o.Close)
		tb.Cleanup(o.CloseClientConnections)
	}
	l.plain.Start()
	l.secure.StartTLS()
	if s.now == nil {
		s.now = time.Now
	}
	l.gate = gate.New(l.records, s.now)
	l.gate.Use(testPolicy(tb, s.policy))
	l.serve(s)
	return l
}

func (l *lab) originCertificate(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := h.ServerName
	if name == "" {
		name = "127.0.0.1"
	}
	host, err := filter.ParseHost(name)
	if err != nil {
		return nil, err
	}
	return l.origins.Certificate(h.Context(), host)
}

func (l *lab) serve(s setup) {
	l.tb.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	l.logs = logs
	if s.clients == nil {
		s.clients = everybody(append(s.roles, filter.Employee))
	}
	if s.lookup == nil {
		s.lookup = found(loopback)
	}
	if s.limits.Grace == 0 {
		s.limits.Grace = 2 * time.Second
	}
	c := proxy.Config{
		Gate: l.gate, Clients: s.clients, Certificate: l.authority.Certificate,
		Pages: page.New(page.Organisation{Name: "Gemeente Test"}), Lookup: s.lookup, Log: zap.New(core),
		Roots: pool(l.tb, l.origins), Local: s.local, Limits: s.limits,
	}
	if s.config != nil {
		s.config(&c)
	}
	p, err := proxy.New(c)
	if err != nil {
		l.tb.Fatal(err)
	}
	l.proxy = p
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.tb.Fatal(err)
	}
	l.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, ln) }()
	l.stop = sync.OnceFunc(func() {
		for _, c := range l.clients {
			c.CloseIdleConnections() // else the server waits a second after its GOAWAY
		}
		cancel()
		if err := <-served; err != nil {
			l.tb.Errorf("Serve = %v", err)
		}
		if left := goroutines(); left != "" {
			l.tb.Errorf("goroutines left after Serve:\n%s", left)
		}
		if n := p.Live(); n != 0 {
			l.tb.Errorf("Live() = %d after Serve, want 0", n)
		}
	})
	l.tb.Cleanup(l.stop)
}

// goroutines returns the stacks in which our code runs. One that is just ending gets time to.
func goroutines() string {
	var left string
	for range 200 {
		buf := make([]byte, 1<<20)
		all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
		left = ""
		for _, g := range all[1:] {
			if strings.Contains(g, "keersluis/proxy.") || strings.Contains(g, "net/http.(*Server).Serve(") &&
				!strings.Contains(g, "httptest") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			return ""
		}
		runtime.Gosched()
		<-time.After(5 * time.Millisecond)
	}
	return left
}

func openCA(tb testing.TB) *ca.Authority {
	tb.Helper()
	a, err := ca.Open(tb.TempDir(), ca.Options{Organisation: "Test", Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func pool(tb testing.TB, authorities ...*ca.Authority) *x509.CertPool {
	tb.Helper()
	roots := x509.NewCertPool()
	for _, a := range authorities {
		if !roots.AppendCertsFromPEM(a.RootPEM()) {
			tb.Fatal("no certificate in RootPEM")
		}
	}
	return roots
}

func list(name string, c filter.Category, hosts ...string) filter.List {
	var entries iter.Seq[filter.Entry] = func(yield func(filter.Entry) bool) {
		for i, h := range hosts {
			if !yield(filter.Entry{Line: i + 1, Host: []byte(h)}) {
				return
			}
		}
	}
	return filter.List{Name: name, Category: c, Entries: entries}
}

func testPolicy(tb testing.TB, change func(*filter.Rules)) *filter.Policy {
	tb.Helper()
	snapshot, complaints, err := filter.Compile(
		list("gambling", "gambling", casino, badBank),
		list("never", filter.NeverInspect, bank, badBank),
	)
	if err != nil || len(complaints) > 0 {
		tb.Fatal(err, complaints)
	}
	rules := filter.Rules{
		Categories: []filter.CategoryRule{
			{Category: "gambling", Action: filter.Block, Article: "5.8"},
			{Category: filter.NeverInspect, Action: filter.Allow, Splice: true},
			{Category: filter.Software, Action: filter.Block, Roles: map[filter.Role]filter.Action{administrator: filter.Allow}},
		},
		Kinds:    map[filter.Kind]filter.Category{},
		Internal: filter.Internal{Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	}
	for _, k := range content.Kinds() {
		if k.Software() {
			rules.Kinds[filter.Kind(k)] = filter.Software
		}
	}
	if change != nil {
		change(&rules)
	}
	return filter.NewPolicy(rules, snapshot)
}

// everybody is an authenticator for which all have the same roles.
type everybody []filter.Role

func (e everybody) Authenticate(_ context.Context, a netip.Addr, _ string) (filter.Client, error) {
	return filter.Client{Addr: a, Roles: e}, nil
}

// withPassword is an authenticator that wants one authorization.
type withPassword string

func (w withPassword) Authenticate(_ context.Context, a netip.Addr, authorization string) (filter.Client, error) {
	switch authorization {
	case "":
		return filter.Client{}, identity.ErrCredentialsRequired
	case "busy":
		return filter.Client{}, identity.ErrBusy
	case string(w):
		return filter.Client{Addr: a, User: "jansen", Roles: []filter.Role{filter.Employee}}, nil
	}
	return filter.Client{}, identity.ErrBadCredentials
}

// found makes a Lookup of a function that knows no aliases.
func found(f func(context.Context, filter.Host) ([]netip.Addr, error)) proxy.Lookup {
	return func(ctx context.Context, h filter.Host) ([]netip.Addr, []filter.Host, error) {
		addrs, err := f(ctx, h)
		return addrs, nil, err
	}
}

// loopback finds every name below .test on 127.0.0.1, and no other.
func loopback(_ context.Context, h filter.Host) ([]netip.Addr, error) {
	if !strings.HasSuffix(h.String(), ".test") {
		return nil, &net.DNSError{Err: "no such host", Name: h.String(), IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// recorder keeps the events that the gate records.
type recorder struct {
	mu     sync.Mutex
	events []logging.Event
	next   chan logging.Event // nil: nobody waits
}

func (r *recorder) Record(e logging.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	if r.next != nil {
		r.next <- e
	}
}

func (r *recorder) all() []logging.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]logging.Event(nil), r.events...)
}

// way is one path from a client through the proxy: in clear text, or inspected over HTTP/1.1 or HTTP/2.
type way struct {
	name   string
	base   func(host string) string // of a URL
	client *http.Client
}

func (l *lab) port(s *httptest.Server) string {
	u, err := url.Parse(s.URL)
	if err != nil {
		l.tb.Fatal(err)
	}
	return u.Port()
}

func (l *lab) client(h2 bool) *http.Client {
	tr := &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: l.addr}),
		TLSClientConfig:   &tls.Config{RootCAs: pool(l.tb, l.authority, l.origins)},
		ForceAttemptHTTP2: h2, DisableCompression: true, ExpectContinueTimeout: 5 * time.Second,
	}
	l.tb.Cleanup(tr.CloseIdleConnections)
	c := &http.Client{
		Transport:     tr,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
	l.clients = append(l.clients, c)
	return c
}

func (l *lab) ways() []way {
	plain := func(h string) string { return "http://" + h + ":" + l.port(l.plain) }
	secure := func(h string) string { return "https://" + h + ":" + l.port(l.secure) }
	return []way{
		{"plain", plain, l.client(false)},
		{"inspected h1", secure, l.client(false)},
		{"inspected h2", secure, l.client(true)},
	}
}

// each runs f for each way.
func (l *lab) each(f func(t *testing.T, w way)) {
	t := l.tb.(*testing.T)
	t.Helper()
	for _, w := range l.ways() {
		t.Run(w.name, func(t *testing.T) { f(t, w) })
	}
}

func (w way) get(t *testing.T, target string) *http.Response {
	t.Helper()
	return w.do(t, http.MethodGet, target, nil, nil)
}

func (w way) do(t *testing.T, method, target string, header http.Header, body io.Reader) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := w.client.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read body: %v", err)
	}
	_ = resp.Body.Close() // read to its end
	return string(b)
}

// raw is a connection to the proxy without a client library.
type raw struct {
	net.Conn
	r  *bufio.Reader
	tb testing.TB
}

func (l *lab) raw() *raw {
	l.tb.Helper()
	return rawTo(l.tb, l.addr)
}

func rawTo(tb testing.TB, addr string) *raw {
	tb.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		tb.Fatal(err)
	}
	return &raw{Conn: c, r: bufio.NewReader(c), tb: tb}
}

func (c *raw) send(s string) {
	c.tb.Helper()
	if _, err := io.WriteString(c.Conn, s); err != nil {
		c.tb.Fatal(err)
	}
}

func (c *raw) response(method string) *http.Response {
	c.tb.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.tb.Fatalf("read response: %v", err)
	}
	return resp
}

// connect opens a tunnel and returns what is inside it.
func (l *lab) connect(authority string) *raw {
	l.tb.Helper()
	c := l.raw()
	c.send("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n")
	if resp := c.response(http.MethodConnect); resp.StatusCode != http.StatusOK {
		l.tb.Fatalf("CONNECT = %d, want 200", resp.StatusCode)
	}
	return c
}

// secureTunnel opens a tunnel with TLS for name inside it.
func (l *lab) secureTunnel(authority, name string, protocols ...string) *raw {
	l.tb.Helper()
	c := l.connect(authority)
	t := tls.Client(c.Conn, &tls.Config{ServerName: name, RootCAs: pool(l.tb, l.authority, l.origins), NextProtos: protocols})
	if err := t.Handshake(); err != nil {
		l.tb.Fatalf("handshake in tunnel: %v", err)
	}
	return &raw{Conn: t, r: bufio.NewReader(t), tb: l.tb}
}

// ended reports whether the peer closes without sending anything.
func (c *raw) ended() bool {
	n, err := c.r.Read(make([]byte, 1))
	if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // as it comes from the connection
		return false
	}
	return n == 0 && err != nil
}
