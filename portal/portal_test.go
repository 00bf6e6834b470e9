package portal_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the program embeds it too

	"github.com/google/go-cmp/cmp"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/portal"
	"github.com/keersluis/keersluis/proxy/page"
	"github.com/keersluis/keersluis/proxy/page/pagetest"
)

var style = regexp.MustCompile(`(?s)<style>.*</style>`)

var update = flag.Bool("update", false, "write the golden files anew")

func host(t testing.TB, s string) filter.Host {
	t.Helper()
	h, err := filter.ParseHost(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func endpoint(t testing.TB, s string) portal.Endpoint {
	t.Helper()
	e, err := portal.ParseEndpoint(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func config(t testing.TB) portal.Config {
	t.Helper()
	started := time.Date(2026, 11, 21, 7, 30, 0, 0, time.UTC) // half past eight on the clock in Amsterdam
	bytes := func(s string) func() []byte { return func() []byte { return []byte(s) } }
	return portal.Config{
		Organisation: page.Organisation{Name: "Gemeente Voorbeeld"},
		Names:        []filter.Host{host(t, "wpad.voorbeeld.nl")},
		PAC: portal.PAC{
			Proxies:  []portal.Endpoint{endpoint(t, "0.0.0.0:3128"), endpoint(t, "proxy2.voorbeeld.nl:3128")},
			Internal: []filter.Host{host(t, "intern.voorbeeld.nl"), host(t, "203.0.113.9")},
		},
		Status: func() portal.Status {
			return portal.Status{
				Version: "v0.1.0",
				Started: started,
				Listeners: []portal.Listener{
					{Name: "proxy", Address: "127.0.0.1:3128"},
					{Name: "resolver", Address: "127.0.0.1:5300"},
					{Name: "portal", Address: "127.0.0.1:8480"},
				},
				Policy: portal.Policy{Name: "Gedragscode internet", Digest: "0123456789abcdef", Loaded: started},
				Lists: []portal.List{
					{Name: "starter/proxy-avoidance.txt", Category: "proxy-avoidance", State: blocklists.OK, Entries: 96},
					{Name: "gambling", Category: "gambling", State: blocklists.OK, Entries: 1, Loaded: started},
					{Name: "<" + strings.Repeat("porn", 20) + ">", Category: "porn", State: blocklists.OK, Entries: 1350000, Loaded: started.AddDate(0, -5, 0)},
				},
				Log: portal.Log{Mode: "pseudonymous", Recorded: 1234567, Lost: 3, Oldest: "2026-05-21"},
			}
		},
		Health:  func() []portal.Problem { return nil },
		RootPEM: bytes("pem"),
		RootDER: bytes("der"),
		CRL:     bytes("crl"),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metric 1\n") }),
	}
}

func ask(c portal.Config, method, host, path, lang string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	portal.New(c).ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		mediaType    string
		body         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "Gemeente Voorbeeld"},
		{"GET", "/proxy.pac", 200, "application/x-ns-proxy-autoconfig", "FindProxyForURL"},
		{"GET", "/wpad.dat", 200, "application/x-ns-proxy-autoconfig", "FindProxyForURL"},
		{"GET", "/ca.pem", 200, "application/x-x509-ca-cert", "pem"},
		{"GET", "/ca.der", 200, "application/x-x509-ca-cert", "der"},
		{"GET", "/crl", 200, "application/pkix-crl", "crl"},
		{"HEAD", "/crl", 200, "application/pkix-crl", ""},
		{"GET", "/healthz", 200, "text/plain; charset=utf-8", "ok\n"},
		{"GET", "/metrics", 200, "text/plain; charset=utf-8", "metric 1\n"},
		{"GET", "/elsewhere", 404, "text/plain; charset=utf-8", "not found"},
		{"POST", "/", 405, "text/plain; charset=utf-8", "only be read"},
		{"CONNECT", "/", 405, "text/plain; charset=utf-8", "only be read"},
		{"OPTIONS", "/metrics", 405, "text/plain; charset=utf-8", "only be read"},
	}
	for _, test := range tests {
		t.Run(test.method+test.path, func(t *testing.T) {
			w := ask(config(t), test.method, "127.0.0.1:8480", test.path, "")
			if w.Code != test.status {
				t.Errorf("status = %d, want %d", w.Code, test.status)
			}
			if got := w.Header().Get("Content-Type"); got != test.mediaType {
				t.Errorf("Content-Type = %q, want %q", got, test.mediaType)
			}
			if !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("body = %q, want %q in it", w.Body, test.body)
			}
			if got := w.Header().Values("Set-Cookie"); got != nil {
				t.Errorf("Set-Cookie = %q", got)
			}
			for _, name := range []string{"Content-Security-Policy", "Cache-Control", "Referrer-Policy", "X-Content-Type-Options"} {
				if w.Header().Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
		})
	}
}

func TestNothingConfigured(t *testing.T) {
	for path, want := range map[string]int{
		"/": 404, "/proxy.pac": 404, "/ca.pem": 404, "/crl": 404, "/metrics": 404, "/healthz": 200,
	} {
		if got := ask(portal.Config{}, "GET", "localhost", path, "").Code; got != want {
			t.Errorf("%s: status = %d, want %d", path, got, want)
		}
	}
}

// TestRebinding shows that a name which only resolves to us gets nothing.
func TestRebinding(t *testing.T) {
	tests := []struct {
		host string
		want int
	}{
		{"127.0.0.1:8480", 200},
		{"[::1]:8480", 200},
		{"[::1]", 200},
		{"10.0.0.5", 200},
		{"localhost:8480", 200},
		{"LOCALHOST.:8480", 200},
		{"keersluis.localhost", 200},
		{"wpad.voorbeeld.nl", 200},
		{"WPAD.voorbeeld.nl.:80", 200},
		{"voorbeeld.nl", 421},
		{"x.wpad.voorbeeld.nl", 421},
		{"evil.example:8480", 421},
		{"127.0.0.1.evil.example", 421},
		{"evillocalhost", 421},
		{"2130706433", 421},
		{"::1", 421},
		{"", 421},
		{":8480", 421},
		{"a b", 421},
	}
	for _, test := range tests {
		if got := ask(config(t), "GET", test.host, "/", "").Code; got != test.want {
			t.Errorf("Host %q: status = %d, want %d", test.host, got, test.want)
		}
	}
}

// withTrouble returns c with all that can be wrong, of which the lists are the last.
func withTrouble(c portal.Config) portal.Config {
	c = withLists(c, blocklists.Missing, blocklists.LastGood)
	c.Health = func() []portal.Problem {
		return []portal.Problem{
			{Kind: portal.LogUnwritable, Detail: "append:\nno space <left>"},
			{Kind: portal.LogLost, Count: 1234},
			{Kind: portal.LogDamaged, Count: 1},
			{Kind: portal.ClockJumped},
			{Kind: portal.CAEnding, Count: 12},
			{Kind: portal.CAEnded},
		}
	}
	return c
}

// withLists returns c with a list of each of states besides its own.
func withLists(c portal.Config, states ...blocklists.State) portal.Config {
	fine := c.Status
	c.Status = func() portal.Status {
		s := fine()
		for _, state := range states {
			l := portal.List{Name: "/srv/secret/" + state.String() + ".txt", Category: "hate", State: state}
			if state != blocklists.Missing {
				l.Entries, l.Loaded = 500, s.Started
			}
			s.Lists = append(s.Lists, l)
		}
		return s
	}
	return c
}

func TestHealth(t *testing.T) {
	w := ask(withTrouble(config(t)), "GET", "localhost", "/healthz", "nl")
	const want = `The traffic log can't be written now. (append: no space <left>)
The traffic log lost 1,234 exchanges since the start.
1 file of the traffic log was damaged and is set aside.
The clock of the server jumped. Nothing of the traffic log is deleted until the clock is right again. Is it right already? Then the administrator can confirm that with keersluis log confirm-clock.
The CA certificate ends within 12 days. Make a new certificate and put it on all devices.
The CA certificate has ended. Make a new certificate and put it on all devices.
The list missing.txt is not loaded. The web filter does not recognise what is only on this list.
`
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status = %d, want 503", w.Code)
	}
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if w := ask(withLists(config(t), blocklists.LastGood), "GET", "localhost", "/healthz", ""); w.Code != http.StatusOK {
		t.Errorf("with a last good copy in force: status = %d, want 200", w.Code)
	}
}

// TestHeading shows that the page does not call the filter fine while a list is not.
func TestHeading(t *testing.T) {
	missing, old := blocklists.Missing, blocklists.LastGood
	broken := withLists(config(t), missing)
	broken.Health = func() []portal.Problem { return []portal.Problem{{Kind: portal.LogLost, Count: 2}} }
	tests := []struct {
		name   string
		config portal.Config
		nl, en string
	}{
		{"fine", config(t), "Het webfilter werkt", "The web filter is working"},
		{"missing", withLists(config(t), missing), "Het webfilter werkt, maar 1 lijst heeft aandacht nodig", "The web filter is working, but 1 list needs attention"},
		{"old", withLists(config(t), old), "Het webfilter werkt, maar 1 lijst heeft aandacht nodig", "The web filter is working, but 1 list needs attention"},
		{"both", withLists(config(t), missing, old), "Het webfilter werkt, maar 2 lijsten hebben aandacht nodig", "The web filter is working, but 2 lists need attention"},
		{"more", broken, "Het webfilter heeft aandacht nodig", "The web filter needs attention"},
	}
	for _, test := range tests {
		for lang, want := range map[string]string{"nl": test.nl, "en": test.en} {
			got := ask(test.config, "GET", "localhost", "/", lang).Body.String()
			if want := "<h1>" + want + "</h1>"; !strings.Contains(got, want) {
				t.Errorf("%s, %s: no %s in %s", test.name, lang, want, style.ReplaceAllString(got, ""))
			}
		}
	}
}

// TestListNames shows that no path of the machine gets out, and that a name which somebody gave stays whole.
func TestListNames(t *testing.T) {
	tests := []struct{ name, want string }{
		{"starter/porn.txt", "starter/porn.txt"},
		{"Gokken: UT1/gambling", "Gokken: UT1/gambling"},
		{"/srv/lists/porn.txt", "porn.txt"},
		{"/srv/lists/porn/", "porn"},
		{"/srv/lists/porn.txt (2)", "porn.txt (2)"},
		{"../lists/porn.txt", "porn.txt"},
		{"https://lists.example/porn.txt", "https://lists.example/porn.txt"},
	}
	for _, test := range tests {
		if got := (portal.List{Name: test.name}).Shown(); got != test.want {
			t.Errorf("Shown of %q = %q, want %q", test.name, got, test.want)
		}
	}
	for _, path := range []string{"/", "/healthz"} {
		if got := ask(withTrouble(config(t)), "GET", "localhost", path, "").Body.String(); strings.Contains(got, "secret") {
			t.Errorf("%s tells where a list lies:\n%s", path, style.ReplaceAllString(got, ""))
		}
	}
}

// TestMisdirected shows that who reaches the portal under a name it does not have reads what to set.
func TestMisdirected(t *testing.T) {
	got := ask(config(t), "GET", "keersluis.example", "/", "").Body.String()
	if lines := strings.Count(got, "\n"); lines != 2 || strings.Count(got, "portal.url in keersluis.yaml") != 2 {
		t.Errorf("got %q, want a line in English and one in Dutch that name the setting", got)
	}
}

func TestGolden(t *testing.T) {
	tests := []struct {
		name, path, lang string
		config           portal.Config
	}{
		{"status.nl.html", "/", "nl", config(t)},
		{"status.en.html", "/", "en", config(t)},
		{"ill.nl.html", "/", "nl", withTrouble(config(t))},
		{"ill.en.html", "/", "en", withTrouble(config(t))},
		{"proxy.pac", "/proxy.pac", "", config(t)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ask(test.config, "GET", "127.0.0.1:8480", test.path, test.lang).Body.Bytes()
			got = style.ReplaceAll(got, []byte("<style></style>")) // is looked at in a browser
			path := filepath.Join("testdata", test.name)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("differs from %s (-want +got), see -update:\n%s", path, diff)
			}
		})
	}
}

func TestStatusInBrowser(t *testing.T) {
	axe := pagetest.Axe(t)
	browser := pagetest.Browser(t)
	for name, c := range map[string]portal.Config{"fine": config(t), "ill": withTrouble(config(t))} {
		server := httptest.NewServer(portal.New(c))
		defer server.Close()
		for _, lang := range []string{"nl", "en"} {
			t.Run(name+"-"+lang, func(t *testing.T) {
				pagetest.Inspect(t, browser, axe, "status-"+name+"-"+lang, server.URL, lang)
			})
		}
	}
}

// TestServe ends the context in the middle of a request: the request is answered, and Serve returns.
func TestServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	inside := make(chan struct{})
	c := config(t)
	c.Health = func() []portal.Problem {
		close(inside)
		<-ctx.Done()
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- portal.Serve(ctx, ln, portal.New(c)) }()
	go func() {
		<-inside
		cancel()
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ln.Addr().String()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatalf("a request under way was cut off: %v", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status = %d, want 200", answer.StatusCode)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
}

func TestServeFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if err := portal.Serve(t.Context(), ln, http.NotFoundHandler()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve = %v, want %v", err, net.ErrClosed)
	}
}
