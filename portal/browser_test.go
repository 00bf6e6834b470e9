package portal_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/portal"
	"github.com/keersluis/keersluis/proxy/page/pagetest"
)

// TestPACInBrowser has a real Chromium follow the configuration: which pages come through the proxy, which come direct, and
// that a dead proxy is passed over.
func TestPACInBrowser(t *testing.T) {
	direct := httptest.NewServer(answer("direct"))
	defer direct.Close()
	proxy := httptest.NewServer(answer("proxy"))
	defer proxy.Close()
	c := config(t)
	c.PAC = portal.PAC{
		Proxies:  []portal.Endpoint{endpoint(t, deadAddress(t)), endpoint(t, proxy.Listener.Addr().String())},
		Internal: []filter.Host{host(t, "intern.voorbeeld.nl")},
	}
	browse := browserBehind(t, c, direct)
	tests := []struct{ host, want string }{
		{"www.example.org", "proxy"},
		{"hr.intern.voorbeeld.nl", "direct"},
		{"evilintern.voorbeeld.nl", "proxy"},
		{"intranet", "direct"},
		{"10.1.2.3", "direct"},
		{"203.0.113.1", "proxy"},
		{"[fd00::1]", "direct"},
		{"[2001:db8::1]", "proxy"},
	}
	for _, test := range tests {
		got, err := browse("http://" + test.host + "/")
		if err != nil {
			t.Errorf("open %s: %v", test.host, err)
		} else if want := test.want + " for " + test.host; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestPACFailsClosed shows that nothing goes round proxies that are all dead.
func TestPACFailsClosed(t *testing.T) {
	direct := httptest.NewServer(answer("direct"))
	defer direct.Close()
	c := config(t)
	c.PAC = portal.PAC{Proxies: []portal.Endpoint{endpoint(t, deadAddress(t))}}
	got, err := browserBehind(t, c, direct)("http://www.example.org/")
	if err == nil || !strings.Contains(err.Error(), "ERR_PROXY_CONNECTION_FAILED") {
		t.Errorf("got %q, %v; want ERR_PROXY_CONNECTION_FAILED", got, err)
	}
}

// browserBehind starts a Chromium that is configured by the portal of c and for which every name and address leads to
// direct. It returns a function that opens a page and returns its text.
func browserBehind(t *testing.T, c portal.Config, direct *httptest.Server) func(url string) (string, error) {
	t.Helper()
	server := httptest.NewServer(portal.New(c))
	t.Cleanup(server.Close)
	browser := pagetest.Browser(t,
		chromedp.Flag("proxy-pac-url", server.URL+"/proxy.pac"),
		chromedp.Flag("host-resolver-rules", fmt.Sprintf("MAP * %s, EXCLUDE 127.0.0.1", direct.Listener.Addr())),
	)
	return func(url string) (string, error) {
		if err := chromedp.Do(browser, chromedp.Navigate(url)); err != nil {
			return "", err
		}
		return chromedp.Run(browser, chromedp.Evaluate[string](`document.body.innerText.trim()`))
	}
}

// answer says who was asked for which host.
func answer(who string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s for %s", who, r.Host)
	})
}

// deadAddress returns an address where nothing listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}
