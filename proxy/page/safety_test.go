package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/proxy/page"
)

// TestEscaping puts what could break out of a page everywhere that comes from outside.
func TestEscaping(t *testing.T) {
	const attack = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`
	o := page.Organisation{
		Name:          attack,
		ServiceDesk:   page.Contact{Name: attack, Phone: attack, Mail: attack, URL: "javascript:alert(1)"},
		Regulation:    attack,
		RegulationURL: "javascript:alert(1)",
	}
	pg := page.Page{
		Problem: page.DownloadBlocked,
		Host:    attack,
		Kind:    attack,
		Verdict: filter.Verdict{Reason: filter.Content, Category: attack, Article: attack},
	}
	w := httptest.NewRecorder()
	page.New(o).Write(w, ask(http.MethodGet, "text/html", "en"), pg)
	for node := range parse(t, w.Body.Bytes()).Descendants() {
		if node.Data == "script" || node.Data == "img" {
			t.Errorf("<%s> got into the page", node.Data)
		}
		for _, a := range node.Attr {
			if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
				t.Errorf("%s=%q got into the page", a.Key, a.Val)
			}
		}
	}
}

func parse(t *testing.T, body []byte) *html.Node {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestHostOnly shows that a page, in any form, names the host and nothing of what was done there.
func TestHostOnly(t *testing.T) {
	tests := []struct{ name, host, want string }{
		{"name", "example.org", "example.org"},
		{"port", "example.org:8443", "example.org"},
		{"URL", "https://jan:secret@example.org:443/secret?secret#secret", "example.org"},
		{"path", "example.org/secret", "example.org"},
		{"query", "example.org?secret", "example.org"},
		{"backslash", `example.org\secret`, "example.org"},
		{"IPv6", "[2001:db8::1]:443", "2001:db8::1"},
		{"bare IPv6", "2001:db8::1", "2001:db8::1"},
		{"direction", "gro.\u202eexample.org", "gro.\uFFFDexample.org"},
		{"control", "example.org\r\n\x1b[2J", "example.org\uFFFD\uFFFD\uFFFD[2J"},
		{"long", strings.Repeat("a", 300), strings.Repeat("a", 253) + "…"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pg := example(page.Blocked)
			pg.Host = test.host
			w := write(pg, ask(http.MethodGet, "application/json", ""))
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the page says more than the host:\n%s", w.Body)
			}
			var document struct{ Host string }
			if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
				t.Fatal(err)
			}
			if document.Host != test.want {
				t.Errorf("host = %q, want %q", document.Host, test.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	w := write(example(page.Blocked), ask(http.MethodGet, "text/html", ""))
	want := map[string]string{
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy":        "no-referrer",
		"Content-Length":         strconv.Itoa(w.Body.Len()),
		"Retry-After":            "",
	}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	for node := range parse(t, w.Body.Bytes()).Descendants() {
		if node.Data != "style" {
			continue
		}
		sum := sha256.Sum256([]byte(node.FirstChild.Data))
		allowed := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, allowed) {
			t.Errorf("Content-Security-Policy = %q, want %q in it", csp, allowed)
		}
		return
	}
	t.Error("the page has no style")
}

func TestRetryAfter(t *testing.T) {
	if got := write(example(page.ShuttingDown), ask(http.MethodGet, "", "")).Header().Get("Retry-After"); got != "10" {
		t.Errorf("Retry-After = %q, want 10", got)
	}
}

// TestWriteKeepsHeaders shows that the challenge of a 407, which only the caller knows, survives.
func TestWriteKeepsHeaders(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Proxy-Authenticate", `Basic realm="x"`)
	page.New(organisation()).Write(w, ask(http.MethodGet, "", ""), example(page.AuthenticationRequired))
	if got := w.Header().Get("Proxy-Authenticate"); got != `Basic realm="x"` {
		t.Errorf("Proxy-Authenticate = %q", got)
	}
}

// TestResponse compares what a RoundTripper gives with what a handler writes, over a real connection.
func TestResponse(t *testing.T) {
	pages := page.New(organisation())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.Write(w, r, example(page.Blocked))
	}))
	defer server.Close()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			written, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			given := pages.Response(r, example(page.Blocked))
			if written.ContentLength != given.ContentLength || written.Status != given.Status {
				t.Errorf("%s, %d bytes; want %s, %d", given.Status, given.ContentLength, written.Status, written.ContentLength)
			}
			if got, want := body(t, given), body(t, written); got != want {
				t.Errorf("bodies differ: %d and %d bytes", len(got), len(want))
			}
			for name := range given.Header {
				if got, want := given.Header.Get(name), written.Header.Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
		})
	}
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
