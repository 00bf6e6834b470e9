package page_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/proxy/page"
)

func TestForm(t *testing.T) {
	const (
		html  = "text/html; charset=utf-8"
		json  = "application/problem+json"
		plain = "text/plain; charset=utf-8"
	)
	tests := []struct{ name, accept, want string }{
		{"absent", "", html},
		{"curl", "*/*", html},
		{"firefox", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", html},
		{"chromium's image", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", html},
		{"axios", "application/json, text/plain, */*", json},
		{"pip", "application/vnd.pypi.simple.v1+json, text/html; q=0.1", html},
		{"problem", "application/problem+json", json},
		{"upper case", "APPLICATION/JSON", json},
		{"plain", "text/plain", plain},
		{"plain before html", "text/html;q=0.5, text/plain", plain},
		{"text of any kind", "text/*", html},
		{"anything but html", "*/*, text/html;q=0", json},
		{"anything but html, in another order", "text/html;q=0, */*", json},
		{"nothing of ours", "image/png", html},
		{"none at all", "*/*;q=0", html},
		{"no number", "application/json;q=much, text/plain;q=0.1", plain},
		{"no number at all", "application/json;q=NaN", html},
		{"endless", strings.Repeat("text/plain;q=0.1,", 1e5), plain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := write(example(page.Blocked), ask(http.MethodGet, test.accept, ""))
			if got := w.Header().Get("Content-Type"); got != test.want {
				t.Errorf("Content-Type = %q, want %q", got, test.want)
			}
			if got := w.Header().Get("Vary"); got != "Accept, Accept-Language" {
				t.Errorf("Vary = %q", got)
			}
		})
	}
}

func TestLanguage(t *testing.T) {
	tests := []struct {
		accept string
		want   page.Lang
	}{
		{"", page.Dutch},
		{"nl-NL,nl;q=0.9,en-US;q=0.8,en;q=0.7", page.Dutch},
		{"en-US,en;q=0.5", page.English},
		{"en-GB, nl;q=0.1", page.English},
		{"nl;q=0.2, en;q=0.9", page.English},
		{"nl-BE", page.Dutch},
		{"de, en;q=0.8", page.English},
		{"ja", page.Dutch},
		{"fr", page.Dutch},
		{"*", page.Dutch},
		{"tlh;;;", page.Dutch},
		{strings.Repeat("en-", 1e5), page.Dutch},
	}
	for _, test := range tests {
		r := ask(http.MethodGet, "", test.accept)
		if got := page.Language(r); got != test.want {
			t.Errorf("Language(%.40q) = %s, want %s", test.accept, got, test.want)
		}
		w := write(example(page.Blocked), r)
		if got := w.Header().Get("Content-Language"); got != string(test.want) {
			t.Errorf("Content-Language for %.40q = %s, want %s", test.accept, got, test.want)
		}
	}
}

// FuzzNegotiate shows that no header of a client can make an answer fail or take a form that isn't ours.
func FuzzNegotiate(f *testing.F) {
	f.Add("text/html;q=0.5, */*", "nl, en;q=0.1", "example.org")
	f.Add(";q=;,/", "-;q=", "http://@:/\x00")
	f.Fuzz(func(t *testing.T, accept, lang, host string) {
		pg := example(page.DownloadBlocked)
		pg.Host = host
		w := write(pg, ask(http.MethodGet, accept, lang))
		if w.Code != http.StatusForbidden || w.Body.Len() == 0 {
			t.Errorf("status %d with %d bytes", w.Code, w.Body.Len())
		}
		switch got := w.Header().Get("Content-Type"); got {
		case "text/html; charset=utf-8", "application/problem+json", "text/plain; charset=utf-8":
		default:
			t.Errorf("Content-Type = %q", got)
		}
	})
}
