package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/keersluis/keersluis/proxy/page/pagetest"
)

// An employee's Chromium behind the PAC file: it trusts the organisation's CA as a managed device does, knows no name by
// itself, and everything it shows has gone through the real program.
func TestBrowser(t *testing.T) {
	if _, err := exec.LookPath("certutil"); err != nil {
		t.Skip("certutil is not installed: no way to give Chromium a CA (apt-get install libnss3-tools)")
	}
	office := newOffice(t, "employee")
	browser := office.browser(t)
	secure := "https://www.test:" + office.port

	t.Run("an allowed page renders", func(t *testing.T) {
		if got := text(t, browser, secure+"/page"); got != "A page of the origin." {
			t.Errorf("the page says %q", got)
		}
	})
	t.Run("a gambling site shows the block page over HTTPS", func(t *testing.T) {
		got := text(t, browser, "https://casino.test:"+office.port+"/roulette?inzet=100")
		for _, want := range []string{"casino.test", "art. 1b", "KS-", "servicedesk"} {
			if !strings.Contains(got, want) {
				t.Errorf("the block page does not say %q:\n%s", want, got)
			}
		}
		if strings.Contains(got, "roulette") || strings.Contains(got, "inzet") {
			t.Errorf("the block page repeats the path or the query:\n%s", got)
		}
		screenshot(t, browser, "browser-blocked.png")
		for _, request := range office.origin.take() {
			if strings.Contains(request, "casino.test") {
				t.Errorf("the origin was asked: %s", request)
			}
		}
	})
	t.Run("a WebSocket works", func(t *testing.T) {
		text(t, browser, secure+"/page")
		for _, url := range []string{"wss://www.test:" + office.port + "/ws", "ws://www.test:" + office.plain + "/ws"} {
			if strings.HasPrefix(url, "ws:") {
				text(t, browser, "http://www.test:"+office.plain+"/page") // a secure page may not open one in clear text
			}
			got, err := chromedp.Run(browser, chromedp.Evaluate[string](fmt.Sprintf(`new Promise((done, fail) => {
				const s = new WebSocket(%q);
				s.onopen = () => s.send("hallo sluis");
				s.onmessage = m => { s.close(); done(m.data); };
				s.onerror = () => fail("error");
			})`, url), chromedp.EvalAwaitPromise))
			if err != nil || got != "hallo sluis" {
				t.Errorf("%s echoes %q, %v", url, got, err)
			}
		}
	})
	const program = "/file/setup.exe?bytes=pe&disposition=attachment%3B+filename%3Dsetup.exe"
	t.Run("a program is refused to an employee", func(t *testing.T) {
		got := text(t, browser, secure+program)
		if !strings.Contains(got, "art. 2") || !strings.Contains(got, "KS-") {
			t.Errorf("no block page:\n%s", got)
		}
	})
	t.Run("and saved for an application administrator", func(t *testing.T) {
		office.become(t, "application-administrator")
		saved := download(t, browser, secure+program)
		if string(saved) != string(windowsProgram()) {
			t.Errorf("saved %d bytes, want the %d of the program", len(saved), len(windowsProgram()))
		}
	})
	if err := office.server.stop(patience); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// office is a running keersluis with an origin behind it.
type office struct {
	dir, port, plain, portal string
	origin                   *origin
	server                   *process
	config                   string // with ${ROLE} in it
}

func newOffice(t *testing.T, role string) *office {
	t.Helper()
	web := newWeb(t)
	o := &office{dir: t.TempDir(), origin: newOrigin(t, web.authority)}
	o.port, o.plain = portOf(o.origin.secure.Addr()), portOf(o.origin.plain.Addr())
	proxy, dns := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	o.portal = "127.0.0.1:" + freePort(t)
	o.config = fmt.Sprintf(`data: data
proxy: {listen: %q}
resolver: {listen: %q, upstreams: [%q]}
portal: {listen: %q}
tls: {roots: [%q]}
lists: [{file: gambling.txt, category: gambling}]
networks: [{cidr: 127.0.0.0/8, device: managed-pc, roles: [employee, ${ROLE}]}]
internal: [127.0.0.0/8]
`, proxy, dns, web.resolver.addr, o.portal, web.roots)
	o.write(t, role)
	if err := os.WriteFile(filepath.Join(o.dir, "gambling.txt"), []byte("casino.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := startServe(o.dir, os.Environ(), []string{proxy, dns, o.portal}, "--config", "keersluis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o.server = server
	t.Cleanup(func() {
		if server.cmd.ProcessState == nil {
			server.kill()
		}
	})
	return o
}

func (o *office) write(t *testing.T, role string) {
	t.Helper()
	text := strings.ReplaceAll(o.config, "${ROLE}", role)
	if err := os.WriteFile(filepath.Join(o.dir, "keersluis.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// become gives this machine another role while the server runs.
func (o *office) become(t *testing.T, role string) {
	t.Helper()
	o.write(t, role)
	cmd := exec.Command("keersluis", "reload", "--config", "keersluis.yaml")
	cmd.Dir = o.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("reload: %v\n%s", err, out)
	}
}

// browser starts Chromium as a managed device has it: the CA in its store, the PAC file in its settings.
func (o *office) browser(t *testing.T) context.Context {
	t.Helper()
	home := t.TempDir()
	store := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-N", "--empty-password"},
		{"-A", "-t", "C,,", "-n", "organisation", "-i", filepath.Join(o.dir, "data", "ca", "ca.pem")},
	} {
		if out, err := exec.Command("certutil", append([]string{"-d", "sql:" + store}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v\n%s", args, err, out)
		}
	}
	return pagetest.Browser(t,
		chromedp.Env("HOME="+home),
		chromedp.Flag("proxy-pac-url", "http://"+o.portal+"/proxy.pac"),
		chromedp.Flag("accept-lang", "nl"),
	)
}

// text opens a page and returns what it says.
func text(t *testing.T, browser context.Context, url string) string {
	t.Helper()
	bounded, cancel := context.WithTimeout(browser, patience)
	defer cancel()
	if err := chromedp.Do(bounded, chromedp.Navigate(url)); err != nil {
		t.Fatalf("open the page: %v", err)
	}
	got, err := chromedp.Run(bounded, chromedp.Evaluate[string](`document.body.innerText.trim()`))
	if err != nil {
		t.Fatalf("read the page: %v", err)
	}
	return got
}

// screenshot keeps a picture where KEERSLUIS_SCREENSHOTS says, else in a folder of the test.
func screenshot(t *testing.T, browser context.Context, name string) {
	t.Helper()
	picture, err := chromedp.Run(browser, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatalf("take a picture: %v", err)
	}
	dir := os.Getenv("KEERSLUIS_SCREENSHOTS")
	if dir == "" {
		dir = t.ArtifactDir()
	}
	if err := os.WriteFile(filepath.Join(dir, name), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// download opens a URL that is a download and returns what the browser saved.
func download(t *testing.T, browser context.Context, url string) []byte {
	t.Helper()
	bounded, cancel := context.WithTimeout(browser, patience)
	defer cancel()
	dir := t.TempDir()
	if _, err := chromedp.Call(bounded, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
	}); err != nil {
		t.Fatalf("allow downloads: %v", err)
	}
	_ = chromedp.Do(bounded, chromedp.Navigate(url)) // a navigation that becomes a download is aborted
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if saved, err := os.ReadFile(filepath.Join(dir, "setup.exe")); err == nil && len(saved) > 0 {
			return saved
		}
		select {
		case <-tick.C:
		case <-bounded.Done():
			t.Fatal("nothing was saved")
		}
	}
}
