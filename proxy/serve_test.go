package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy"
	"github.com/keersluis/keersluis/proxy/page"
)

func TestPanicCostsOneRequest(t *testing.T) {
	// Each panics once, where our code calls out.
	var mu sync.Mutex
	fail := ""
	once := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		if fail == what {
			fail = ""
			panic("secret.example " + what)
		}
	}
	var l *lab
	l = newLab(t, setup{
		lookup: found(func(ctx context.Context, h filter.Host) ([]netip.Addr, error) {
			once("lookup")
			return loopback(ctx, h)
		}),
		clients: authenticator(func() (filter.Client, error) {
			once("client")
			return filter.Client{Roles: []filter.Role{filter.Employee}}, nil
		}),
		local: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { once("local") }),
		config: func(c *proxy.Config) {
			c.Certificate = func(ctx context.Context, h filter.Host) (*tls.Certificate, error) {
				once("certificate")
				return l.authority.Certificate(ctx, h)
			}
		},
	})
	panics := uint64(0)
	for _, what := range []string{"client", "lookup", "certificate"} {
		for _, w := range l.ways() {
			if what == "certificate" && w.name == "plain" {
				continue
			}
			mu.Lock()
			fail = what
			mu.Unlock()
			l.proxy.PolicyChanged() // so that the origin is dialled
			if resp, err := w.client.Get(w.base(site) + "/"); err == nil {
				if _ = resp.Body.Close(); resp.StatusCode != 500 {
					t.Errorf("%s: GET with a panic at %s = %d, want 500", w.name, what, resp.StatusCode)
				}
			} else if w.name == "plain" {
				t.Errorf("%s: GET with a panic at %s: %v", w.name, what, err)
			}
			if resp := w.get(t, w.base(site)+"/"); resp.StatusCode != 200 {
				t.Errorf("%s: GET after a panic at %s = %d, want 200", w.name, what, resp.StatusCode)
			}
			if what != "certificate" { // net/http contains that one
				panics++
			}
		}
	}
	if n := l.proxy.Stats().Panics; n != panics {
		t.Errorf("Panics = %d, want %d", n, panics)
	}
	for _, e := range l.logs.All() {
		for name, value := range e.ContextMap() {
			if s, ok := value.(string); ok && strings.Contains(s, "secret.example") {
				t.Errorf("log field %s tells the value of the panic", name)
			}
		}
	}
}

type authenticator func() (filter.Client, error)

func (f authenticator) Authenticate(context.Context, netip.Addr, string) (filter.Client, error) {
	return f()
}

func TestDrain(t *testing.T) {
	release := make(chan struct{})
	started := make(chan struct{}, 3)
	l := newLab(t, setup{
		handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			started <- struct{}{}
			<-release
			_, _ = io.WriteString(w, "in time")
		}),
		limits: proxy.Limits{Grace: 10 * time.Second},
	})
	results := make(chan string, 3)
	for _, w := range l.ways() {
		go func() {
			resp, err := w.client.Get(w.base(site) + "/")
			if err != nil {
				results <- err.Error()
				return
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			results <- string(b)
		}()
		<-started
	}
	idle := l.raw() // a connection without a request must not hold it up
	stopped := make(chan struct{})
	go func() { l.stop(); close(stopped) }()
	for {
		c, err := net.DialTimeout("tcp", l.addr, time.Second)
		if err != nil {
			break // no longer accepting
		}
		_ = c.Close()
	}
	_ = idle.Close()
	close(release)
	for range 3 {
		if got := <-results; got != "in time" {
			t.Errorf("request under way = %q, want its answer", got)
		}
	}
	<-stopped
}

func TestGraceEnds(t *testing.T) {
	block := make(chan struct{})
	defer close(block)
	entered := make(chan struct{}, 4)
	l := newLab(t, setup{
		handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			entered <- struct{}{}
			select {
			case <-block:
			case <-r.Context().Done():
			}
		}),
		limits: proxy.Limits{Grace: 200 * time.Millisecond},
	})
	for _, w := range l.ways() {
		go func() {
			if resp, err := w.client.Get(w.base(site) + "/"); err == nil {
				_ = resp.Body.Close()
			}
		}()
		<-entered
	}
	spliced := l.secureTunnel(bank+":"+l.port(l.secure), bank)
	begin := time.Now()
	l.stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Serve took %v to end with a grace of 200 ms", took)
	}
	if !spliced.ended() {
		t.Error("the tunnel is still open")
	}
}

func TestLive(t *testing.T) {
	l := newLab(t, setup{limits: proxy.Limits{Clients: 2}})
	a, b := l.secureTunnel(bank+":"+l.port(l.secure), bank), l.secureTunnel(site+":"+l.port(l.secure), site)
	if n := l.proxy.Live(); n != 2 {
		t.Errorf("Live = %d with two tunnels, want 2", n)
	}
	if c := l.raw(); !c.ended() {
		t.Error("a connection over the limit was served")
	}
	if n := l.proxy.Stats().Refused; n != 1 {
		t.Errorf("Refused = %d, want 1", n)
	}
	_ = a.Close()
	_ = b.Close()
}

func TestSilentClientsAreClosed(t *testing.T) {
	l := newLab(t, setup{limits: proxy.Limits{
		Header: 150 * time.Millisecond, Peek: 150 * time.Millisecond, Idle: 150 * time.Millisecond, TunnelIdle: 150 * time.Millisecond,
	}})
	for name, open := range map[string]func() *raw{
		"no request":   l.raw,
		"half request": func() *raw { c := l.raw(); c.send("GET http://" + site + "/ HT"); return c },
		"tunnel":       func() *raw { return l.connect(site + ":443") },
		"spliced":      func() *raw { return l.secureTunnel(bank+":"+l.port(l.secure), bank) },
		"half hello":   func() *raw { c := l.connect(site + ":443"); c.send("\x16\x03\x01"); return c },
		"idle inside":  func() *raw { return l.secureTunnel(site+":"+l.port(l.secure), site) },
		"after a request": func() *raw {
			c := l.raw()
			c.send("GET http://" + site + ":" + l.port(l.plain) + "/ HTTP/1.1\r\nHost: x\r\n\r\n")
			text(t, c.response(http.MethodGet))
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := open()
			if _, err := io.ReadAll(c.r); err != nil && !errors.Is(err, net.ErrClosed) && isTimeout(err) {
				t.Error("still open")
			}
		})
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error) //nolint:errorlint // as it comes from the connection
	return ok && ne.Timeout()
}

func TestStalledUploadEnds(t *testing.T) {
	l := newLab(t, setup{
		handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }),
		limits:  proxy.Limits{Stall: 200 * time.Millisecond},
	})
	port := l.port(l.plain)
	c := l.raw()
	c.send("POST http://" + site + ":" + port + "/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	if _, err := io.ReadAll(c.r); err != nil && isTimeout(err) {
		t.Error("a stalled upload holds its connection")
	}
}

func TestClientThatDoesNotRead(t *testing.T) {
	gone := make(chan struct{}, 1)
	l := newLab(t, setup{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(zeros{}, 1<<30))
			gone <- struct{}{}
		}),
		limits: proxy.Limits{Stall: 200 * time.Millisecond},
	})
	l.each(func(t *testing.T, w way) {
		w.get(t, w.base(site)+"/")
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Error("a client that does not read holds its origin")
		}
	})
}

func TestOriginThatStops(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	l := newLab(t, setup{
		handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10000")
			w.Header().Set("Content-Type", "text/plain") // which is judged by then
			_, _ = io.WriteString(w, strings.Repeat("text ", 1000))
			_ = http.NewResponseController(w).Flush()
			<-release
		}),
		limits: proxy.Limits{OriginStall: 300 * time.Millisecond},
	})
	l.each(func(t *testing.T, w way) {
		resp, err := w.client.Get(w.base(site) + "/")
		if err != nil {
			return // cut before the header was passed on
		}
		defer resp.Body.Close()
		if n, err := io.Copy(io.Discard, resp.Body); err == nil || isTimeout(err) {
			t.Errorf("%d bytes and then %v, want the end", n, err)
		}
	})
}

func TestIdleTunnelHoldsTwoDescriptors(t *testing.T) {
	const tunnels = 20
	l := newLab(t, setup{})
	port := listen(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
	before := descriptors(t)
	hello := string(clientHello(t, bank))
	block := strings.Repeat("k", 1<<20)
	for range tunnels {
		c := l.connect(bank + ":" + port)
		c.send(hello)
		go func() { _, _ = io.WriteString(c.Conn, block) }() // enough for pipes
		if _, err := io.CopyN(io.Discard, c.r, int64(len(hello)+len(block))); err != nil {
			t.Fatal(err)
		}
	}
	// The origin holds a pipe and a connection for each, the client a connection, and we should hold two. Pipes are given
	// back after a while of silence.
	const want = 3 + 1 + 2
	deadline := time.After(10 * time.Second)
	for {
		runtime.GC() // closes the pipes that were given back
		if got := float64(descriptors(t)-before) / tunnels; got <= want+0.5 {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%.1f descriptors a tunnel, want %d", float64(descriptors(t)-before)/tunnels, want)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc: descriptors can't be counted")
	}
	return len(all)
}

func TestIncompleteConfig(t *testing.T) {
	if _, err := proxy.New(proxy.Config{Pages: page.New(page.Organisation{})}); err == nil {
		t.Error("New accepted a configuration without a gate")
	}
}

func TestListenerFails(t *testing.T) {
	l := newLab(t, setup{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	p, err := proxy.New(proxy.Config{
		Gate: l.gate, Clients: everybody{}, Certificate: l.authority.Certificate, Pages: page.New(page.Organisation{}),
		Lookup: found(loopback), Log: zap.NewNop(), Limits: proxy.Limits{Grace: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(t.Context(), ln); err == nil || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("Serve on a closed listener = %v, want an error without its address", err)
	}
}

func TestCertificateFails(t *testing.T) {
	l := newLab(t, setup{config: func(c *proxy.Config) {
		c.Certificate = func(context.Context, filter.Host) (*tls.Certificate, error) { return nil, errors.New("no key") }
	}})
	c := l.connect(site + ":443")
	if err := tls.Client(c.Conn, &tls.Config{ServerName: site, InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("handshake without a certificate")
	}
}

func TestEachRequestIsCountedOnce(t *testing.T) {
	const workers, each = 24, 40
	l := newLab(t, setup{handler: small})
	hosts := []string{site, casino, "www." + site}
	var group sync.WaitGroup
	for i := range workers {
		w := l.ways()[i%3]
		group.Go(func() {
			for n := range each {
				ctx, cancel := context.WithCancel(t.Context())
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base(hosts[n%3])+"/", nil)
				if err != nil {
					t.Error(err)
				} else if resp, err := w.client.Do(r); err != nil {
					t.Errorf("%s: %v", w.name, err)
				} else {
					if n%7 != 0 { // some leave before the body has come
						_, _ = io.Copy(io.Discard, resp.Body)
					}
					_ = resp.Body.Close()
				}
				cancel()
			}
		})
	}
	reloaded := make(chan struct{})
	go func() {
		defer close(reloaded)
		for range 50 {
			l.gate.Use(testPolicy(t, nil))
			l.proxy.PolicyChanged()
		}
	}()
	group.Wait()
	<-reloaded
	l.stop()
	requests, blocked := 0, 0
	for _, e := range l.records.all() {
		if e.Door != "http" {
			t.Errorf("event %+v, want requests only", e)
		}
		requests++
		if e.Outcome == logging.Blocked {
			blocked++
		}
	}
	// 40 is not a multiple of 3: hosts[1], the casino, is asked 13 times by each.
	if requests != workers*each || blocked != workers*(each/3) {
		t.Errorf("%d requests recorded, %d blocked; want %d and %d", requests, blocked, workers*each, workers*(each/3))
	}
	if s := l.proxy.Stats(); s.Requests+s.Blocked != workers*each || s.Panics != 0 {
		t.Errorf("stats = %+v", s)
	}
}
