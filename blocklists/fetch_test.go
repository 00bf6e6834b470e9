package blocklists_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keersluis/keersluis/blocklists"
)

// feed is a server whose answer a test can change.
type feed struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  chan http.Header // what each request carried
}

func newFeed(t *testing.T, answer http.HandlerFunc) *feed {
	t.Helper()
	f := &feed{answer: answer, asked: make(chan http.Header, 100)}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		answer := f.answer
		f.mu.Unlock()
		answer(w, r)
		f.asked <- r.Header
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *feed) set(answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT")
		if r.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, body)
	}
}

func plain(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func source(f *feed) blocklists.Source {
	return blocklists.Source{Name: "feed", URL: f.URL + "/list.txt", Category: "gambling"}
}

func state(t *testing.T, updates <-chan update, want blocklists.State) update {
	t.Helper()
	return await(t, updates, want.String(), func(u update) bool { return status(t, u.report, "feed").State == want })
}

func TestFetch(t *testing.T) {
	f := newFeed(t, text("a.example\n"))
	dir := t.TempDir()
	k := newKeeper(t, dir, source(f))
	updates := keep(t, k)
	u := state(t, updates, blocklists.OK)
	if !holds(t, u.snap, "gambling", "a.example", "/") {
		t.Error("what was fetched is not in force")
	}
	if h := <-f.asked; h.Get("If-None-Match") != "" || h.Get("User-Agent") != "keersluis" {
		t.Errorf("the first request carried %v", h)
	}

	k.Reload()
	h := <-f.asked
	if h.Get("If-None-Match") != `"one"` || h.Get("If-Modified-Since") != "Sat, 21 Nov 2026 10:00:00 GMT" {
		t.Errorf("the second request carried %v, want the validators", h)
	}
	again := await(t, updates, "not modified", func(update) bool { return true })
	if again.snap != u.snap {
		t.Error("lists that did not change were compiled anew")
	}

	// After a restart the copy is in force at once, and not asked for again before a day has passed.
	snap, report := load(t, newKeeper(t, dir, source(f)))
	if s := status(t, report, "feed"); s.State != blocklists.OK || s.Checked.IsZero() || !holds(t, snap, "gambling", "a.example", "/") {
		t.Errorf("after a restart: %+v", s)
	}
}

// A feed that breaks leaves what it gave in force, is asked again, and says what is wrong.
func TestFeedBreaks(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"500", plain(500, "a.example\n"), "500"},
		{"404", plain(404, "a.example\n"), "404"},
		{"304 without being asked", plain(304, ""), ""},
		{"empty", plain(200, ""), "is empty"},
		{"a web page", plain(200, "<!doctype html>\n<p>login</p>"), "a web page"},
		{"cut short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "b.example\n")
		}, "unexpected EOF"},
		{"torn gzip", plain(200, "\x1f\x8b\x08\x00\x00"), "decompress"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t, plain(200, "a.example\n"))
			k := newKeeper(t, t.TempDir(), source(f))
			updates := keep(t, k)
			state(t, updates, blocklists.OK)
			f.set(test.answer)
			k.Reload()
			if test.want == "" {
				<-f.asked
				await(t, updates, "reload", func(update) bool { return true })
			} else {
				u := state(t, updates, blocklists.LastGood)
				if s := status(t, u.report, "feed"); !strings.Contains(s.Err.Error(), test.want) || !strings.Contains(s.Err.Error(), f.URL) {
					t.Errorf("error is %v, want it to name the URL and %q", s.Err, test.want)
				}
				if !holds(t, u.snap, "gambling", "a.example", "/") {
					t.Error("the last good copy is not in force")
				}
			}
			f.set(plain(200, "c.example\n"))
			k.Reload()
			awaitHost(t, updates, "c.example")
		})
	}
}

// A feed that can't be reached at the first start holds nothing up, and is tried until it can.
func TestFeedComesLater(t *testing.T) {
	f := newFeed(t, plain(503, ""))
	dir := t.TempDir()
	write(t, dir+"/own.txt", "b.example\n")
	k := newKeeper(t, dir+"/copies", source(f), blocklists.Source{File: dir + "/own.txt", Category: "gambling"})
	snap, report := load(t, k)
	if s := status(t, report, "feed"); s.State != blocklists.Missing || !strings.Contains(s.Err.Error(), "has not been fetched yet") {
		t.Errorf("before the first fetch: %v, %v", s.State, s.Err)
	}
	if !holds(t, snap, "gambling", "b.example", "/") {
		t.Error("the other list is not in force")
	}
	updates := keep(t, k)
	await(t, updates, "503", func(u update) bool {
		return strings.Contains(status(t, u.report, "feed").Err.Error(), "503")
	})
	f.set(plain(200, "a.example\n"))
	awaitHost(t, updates, "a.example") // nobody asked for a reload: it was tried again by itself
}

func TestFetchGzip(t *testing.T) {
	zip := func(w http.ResponseWriter) {
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "a.example\n")
		_ = z.Close()
	}
	for name, answer := range map[string]http.HandlerFunc{
		"encoding": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "gzip"); zip(w) },
		"file": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/gzip")
			zip(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			updates := keep(t, newKeeper(t, t.TempDir(), source(newFeed(t, answer))))
			awaitHost(t, updates, "a.example")
		})
	}
}

// From https nobody is sent on to where anybody could change the list.
func TestFetchStaysEncrypted(t *testing.T) {
	f := newFeed(t, plain(200, "a.example\n"))
	secure := httptest.NewTLSServer(http.RedirectHandler(f.URL, http.StatusFound))
	defer secure.Close()
	k, err := blocklists.New(t.TempDir(), []blocklists.Source{{Name: "feed", URL: secure.URL, Category: "gambling"}},
		blocklists.Options{Client: secure.Client(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	updates := keep(t, k)
	await(t, updates, "refusal", func(u update) bool {
		return strings.Contains(status(t, u.report, "feed").Err.Error(), "plain http")
	})
}

// Run leaves nothing behind, also in the middle of a fetch.
func TestRunEndsDuringFetch(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	f := newFeed(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a.example\n")
		_ = http.NewResponseController(w).Flush()
		close(begun)
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	defer close(release)
	dir := t.TempDir()
	k := newKeeper(t, dir, source(f))
	load(t, k)
	ctx, cancel := contextOf(t)
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx, nil) }()
	<-begun
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if left := copies(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
