package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/keersluis/keersluis/logging"
)

// The load: each connection carries its share of the requests, one after the other.
const (
	loadConnections = 200
	loadRequests    = 10_000
)

// lane is one kind of traffic of the load.
type lane struct {
	name     string
	url      string // with ${NAME}s
	status   int
	body     string // "" for any
	h2       bool
	category string
	outcome  logging.Outcome
}

func lanes() []lane {
	const hello = "hello from www.test\n"
	return []lane{
		{name: "plain", url: "http://www.test:${HTTP_PORT}/hello", status: 200, body: hello, outcome: logging.Allowed},
		{name: "inspected", url: "https://www.test:${TLS_PORT}/hello", status: 200, body: hello, outcome: logging.Allowed},
		{name: "inspected h2", url: "https://www.test:${TLS_PORT}/hello", status: 200, body: hello, h2: true, outcome: logging.Allowed},
		{name: "blocked", url: "http://casino.test:${HTTP_PORT}/", status: 403, category: "gambling", outcome: logging.Blocked},
		{name: "blocked TLS", url: "https://casino.test:${TLS_PORT}/", status: 403, category: "gambling", outcome: logging.Blocked},
	}
}

// TestLoad sends ten thousand requests over two hundred connections. None fails, each is in the log exactly once, and
// afterwards the server holds no more goroutines and files than before.
func TestLoad(t *testing.T) {
	web := newWeb(t)
	dir := t.TempDir()
	s, vars := web.newScript(t, dir)
	s.origin.forget()
	if err := s.fillFiles(dir); err != nil {
		t.Fatal(err)
	}
	addrs := []string{vars["PROXY"], "127.0.0.1:" + vars["DNS_PORT"], vars["PORTAL"]}
	server, err := startServe(dir, os.Environ(), addrs, "--config", "keersluis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	t.Cleanup(s.close)

	l := crowd{s: s, proxy: vars["PROXY"], roots: readRootsOf(t, filepath.Join(dir, vars["CA"]))}
	l.run(t, len(lanes()), len(lanes())) // what is made once is made now
	flush(t, dir)
	s.origin.closeConnections()
	before := settled(t, server, vars["PORTAL"], use{})
	l.run(t, loadConnections, loadRequests)
	if got := l.dialled.Load(); got != int64(loadConnections+len(lanes())) {
		t.Errorf("%d connections to the proxy, want %d: some were not kept open", got, loadConnections+len(lanes()))
	}
	s.origin.closeConnections()
	after := settled(t, server, vars["PORTAL"], before)
	t.Logf("goroutines %d, then %d; files %d, then %d", before.goroutines, after.goroutines, len(before.files), len(after.files))

	s.server = nil
	if err := server.stop(patience); err != nil {
		t.Errorf("stop: %v", err)
	}
	checkCounts(t, filepath.Join(dir, "keersluis.yaml"), loadRequests+len(lanes()))
}

// flush makes the server open the file of the day, as it does when the log is read.
func flush(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "keersluis", "log", "totals", "--config", "keersluis.yaml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("keersluis log totals: %v\n%s", err, out)
	}
}

// crowd is the clients.
type crowd struct {
	s       *script
	proxy   string
	roots   *x509.CertPool
	dialled atomic.Int64
}

// run spreads requests over connections that are all open before the first sends its second.
func (l *crowd) run(t *testing.T, connections, requests int) {
	t.Helper()
	kinds := lanes()
	var opened, clients sync.WaitGroup
	opened.Add(connections)
	for i := range connections {
		clients.Go(func() {
			k := kinds[i%len(kinds)]
			share := requests / connections
			client, done := l.client(k)
			defer done()
			url := l.s.fill.Replace(k.url)
			for j := range share {
				if err := get(t.Context(), client, url, k); err != nil {
					t.Errorf("connection %d, request %d (%s): %v", i, j, k.name, err)
				}
				if j == 0 {
					opened.Done()
					opened.Wait()
				}
			}
		})
	}
	clients.Wait()
}

// client returns a client of one connection.
func (l *crowd) client(k lane) (*http.Client, func()) {
	transport := &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: l.proxy}),
		TLSClientConfig:   &tls.Config{RootCAs: l.roots},
		ForceAttemptHTTP2: k.h2,
		MaxConnsPerHost:   1,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			l.dialled.Add(1)
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}
	return &http.Client{Transport: transport, Timeout: 2 * patience}, transport.CloseIdleConnections
}

func get(ctx context.Context, client *http.Client, url string, k lane) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode != k.status:
		return fmt.Errorf("status %d, want %d", response.StatusCode, k.status)
	case k.body != "" && string(body) != k.body:
		return fmt.Errorf("body %q, want %q", body, k.body)
	}
	return nil
}

func readRootsOf(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", file)
	}
	return roots
}

// use is what a server holds.
type use struct {
	goroutines int
	files      []string
}

// settled returns what the server holds once it holds no more than want, or once patience is over, which is an error. For
// the zero use it waits until two readings a while apart agree.
func settled(t *testing.T, p *process, portal string, want use) use {
	t.Helper()
	deadline := time.After(patience)
	var last use
	for {
		now := use{goroutines: metric(t, portal, "go_goroutines")}
		var err error
		if now.files, err = p.files(); err != nil {
			t.Fatal(err)
		}
		if want.files == nil && now.goroutines == last.goroutines && len(now.files) == len(last.files) ||
			want.files != nil && now.goroutines <= want.goroutines && len(now.files) <= len(want.files) {
			return now
		}
		last = now
		select {
		case <-deadline:
			t.Errorf("the server holds %d goroutines and %q, want %d and no more files than %q",
				now.goroutines, now.files, want.goroutines, want.files)
			return now
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// metric reads one number of the server's own, over a connection that is gone afterwards.
func metric(t *testing.T, portal, name string) int {
	t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+portal+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// checkCounts reads the log of a server that has stopped, as audit would.
func checkCounts(t *testing.T, config string, requests int) {
	t.Helper()
	in, err := load(paths{config: config})
	if err != nil {
		t.Fatal(err)
	}
	store, err := logging.Open(filepath.Join(in.Data, "log"), in.logOptions(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running part
	running.start(func() error { return store.Run(ctx) }, nil)
	type cell struct {
		outcome  logging.Outcome
		category string
		door     string
	}
	got := make(map[cell]uint64)
	var down uint64
	today := logging.DayOf(time.Now(), amsterdam())
	err = store.Read(ctx, today-1, today, func(r logging.Record) error {
		got[cell{r.Outcome, r.Category, r.Door}] += r.Requests
		if r.Outcome == logging.Allowed {
			down += r.Down
		}
		return nil
	})
	stop()
	if err != nil || running.wait() != nil {
		t.Fatal(err, running.err)
	}
	want := make(map[cell]uint64)
	var wantDown uint64
	for _, k := range lanes() {
		n := uint64(requests / len(lanes()))
		want[cell{k.outcome, k.category, "http"}] += n
		wantDown += n * uint64(len(k.body))
	}
	for c, n := range want {
		if got[c] != n {
			t.Errorf("the log has %d requests %s %q at door %s, want %d", got[c], c.outcome, c.category, c.door, n)
		}
		delete(got, c)
	}
	for c, n := range got {
		t.Errorf("the log has %d requests %s %q at door %s, want none", n, c.outcome, c.category, c.door)
	}
	if down != wantDown {
		t.Errorf("the log has %d bytes of allowed answers, want %d", down, wantDown)
	}
}
