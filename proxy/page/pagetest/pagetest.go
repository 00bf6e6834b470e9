// Package pagetest looks at pages as people do: in a real browser, in the light and in the dark, on a small screen, and
// with the rules of WCAG 2.2 AA.
//
// It is for tests only. It needs Debian's chromium and the axe-core that tools/package-lock.json pins; where one of them
// is absent the test is skipped, and says what to install.
package pagetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// limit bounds the whole life of a browser, and visit one page in it.
const (
	limit = 2 * time.Minute
	visit = 20 * time.Second
)

// Browser starts a headless Chromium with extra flags and returns the context that drives it. It ends with the test.
// The browser connects to nothing by itself.
func Browser(t testing.TB, extra ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium: apt-get install chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Headless,
		chromedp.NoSandbox, // CI runs as root
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("force-color-profile", "srgb"),
	}, extra...)
	// The test's context ends before its clean-up, and a browser that is killed leaves its folder in use.
	bounded, cancelLimit := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	allocator, cancelAllocator := chromedp.NewExecAllocator(bounded, options...)
	tab, cancelTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(tab) // waits for the process, so that its folder can be removed
		cancelTab()
		cancelAllocator()
		cancelLimit()
	})
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return tab
}

// Axe returns the source of axe-core.
func Axe(t testing.TB) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	for !exists(filepath.Join(root, "go.mod")) && root != filepath.Dir(root) {
		root = filepath.Dir(root)
	}
	source, err := os.ReadFile(filepath.Join(root, "tools", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Skip("no axe-core: npm ci --prefix tools")
	}
	return string(source)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Inspect opens url in browser and reports what is wrong with the page to t: a violation of WCAG 2.2 AA in the light or
// the dark scheme, anything that the page fetches or refuses to load, and a page that must be scrolled sideways on a
// screen of 320 px. With KEERSLUIS_SCREENSHOTS set to a folder, pictures are kept there under name.
func Inspect(t *testing.T, browser context.Context, axe, name, url, lang string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, visit)
	defer cancel()
	headers := network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}}
	if _, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, headers); err != nil {
		t.Fatalf("ask for %s: %v", lang, err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1000, 900), chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	checkDocument(t, ctx, lang)
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](axe)); err != nil {
		t.Fatalf("load axe-core: %v", err)
	}
	for _, scheme := range []string{"light", "dark"} {
		if err := prefer(ctx, scheme); err != nil {
			t.Fatalf("prefer the %s scheme: %v", scheme, err)
		}
		checkAxe(t, ctx, scheme)
		keep(t, ctx, name+"-"+scheme)
	}
	checkNarrow(t, ctx)
	keep(t, ctx, name+"-320")
}

func prefer(ctx context.Context, scheme string) error {
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return err
}

// checkDocument reports a page in another language and one that needs more than itself.
func checkDocument(t *testing.T, ctx context.Context, lang string) {
	t.Helper()
	type document struct {
		Lang     string
		Scripts  int
		Fetched  int
		Headings int
	}
	const script = `({Lang: document.documentElement.lang, Scripts: document.scripts.length,
		Fetched: performance.getEntriesByType("resource").length, Headings: document.querySelectorAll("h1").length})`
	got, err := chromedp.Run(ctx, chromedp.Evaluate[document](script))
	if err != nil {
		t.Fatalf("read the document: %v", err)
	}
	if got.Lang != lang || got.Scripts != 0 || got.Fetched != 0 || got.Headings != 1 {
		t.Errorf("lang %q, %d scripts, %d resources fetched, %d h1; want %q, 0, 0, 1",
			got.Lang, got.Scripts, got.Fetched, got.Headings, lang)
	}
}

// checkAxe runs axe-core with every rule of WCAG 2.2 AA and the good practices.
func checkAxe(t *testing.T, ctx context.Context, scheme string) {
	t.Helper()
	const script = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => ({Passes: r.passes.length, Violations: r.violations.map(
			v => v.id + ": " + v.help + " " + v.nodes.map(n => n.html + " " + n.failureSummary).join("; "))}))`
	type report struct {
		Passes     int
		Violations []string
	}
	result, err := chromedp.Run(ctx, chromedp.Evaluate[report](script, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	if err != nil {
		t.Fatalf("run axe-core: %v", err)
	}
	if result.Passes < 10 {
		t.Errorf("%s: axe-core passed %d rules; it can't have looked at the page", scheme, result.Passes)
	}
	for _, violation := range result.Violations {
		t.Errorf("%s: %s", scheme, violation)
	}
}

func checkNarrow(t *testing.T, ctx context.Context) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(320, 640)); err != nil {
		t.Fatalf("make the screen small: %v", err)
	}
	width, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
	if err != nil {
		t.Fatalf("measure at 320 px: %v", err)
	}
	if width > 320 {
		t.Errorf("the page is %d px wide on a screen of 320 px", width)
	}
}

// keep writes a picture of the whole page, where the environment asks for it.
func keep(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("KEERSLUIS_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatalf("take a picture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s.png", name)), picture, 0o600); err != nil {
		t.Fatalf("keep a picture: %v", err)
	}
}
