package page_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/proxy/page"
)

var style = regexp.MustCompile(`(?s)<style>.*</style>`)

var update = flag.Bool("update", false, "write the golden files anew")

func organisation() page.Organisation {
	return page.Organisation{
		Name: "Gemeente Voorbeeld",
		ServiceDesk: page.Contact{
			Name:  "Servicedesk ICT",
			Phone: "+31 (0)10 123 45 67",
			Mail:  "servicedesk@voorbeeld.nl",
			URL:   "https://intranet.voorbeeld.nl/servicedesk",
		},
		Regulation:    "Gedragscode internet",
		RegulationURL: "https://intranet.voorbeeld.nl/gedragscode",
	}
}

// example returns a page of each problem as the proxy would ask for it.
func example(p page.Problem) page.Page {
	pg := page.Page{Problem: p, Host: "www.kansspel.example"}
	switch p {
	case page.Blocked:
		pg.Verdict = filter.Verdict{Reason: filter.Listed, Category: "gambling", Article: "4.2 c", Rule: filter.Ref{List: "gambling", Line: 12}}
	case page.DownloadBlocked:
		pg.Verdict = filter.Verdict{Reason: filter.Content, Category: "software", Article: "4.3"}
		pg.Kind = "installer"
	case page.InternalAddress:
		pg.Verdict = filter.Verdict{Reason: filter.InternalAddress}
	case page.CertificateProblem:
		pg.Detail = page.CertificateExpired
	case page.DNSFailure:
		pg.Detail = page.NameUnknown
	case page.Timeout:
		pg.Detail = page.ResponseTimeout
	case page.ProxyError, page.AuthenticationRequired, page.BadRequest, page.ConnectionRefused, page.ShuttingDown:
	}
	return pg
}

func ask(method, accept, lang string) *http.Request {
	r := httptest.NewRequest(method, "http://www.kansspel.example/roulette?user=jan", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	if lang != "" {
		r.Header.Set("Accept-Language", lang)
	}
	return r
}

func write(pg page.Page, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	page.New(organisation()).Write(w, r, pg)
	return w
}

func TestGolden(t *testing.T) {
	forms := []struct{ accept, extension string }{
		{"text/html", "html"},
		{"application/problem+json", "json"},
		{"text/plain", "txt"},
	}
	for _, p := range page.Problems() {
		for _, lang := range []string{"nl", "en"} {
			for _, form := range forms {
				name := p.String() + "." + lang + "." + form.extension
				t.Run(name, func(t *testing.T) {
					got := write(example(p), ask(http.MethodGet, form.accept, lang)).Body.Bytes()
					golden(t, filepath.Join("testdata", name), got)
				})
			}
		}
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	got = style.ReplaceAll(got, []byte("<style></style>")) // is looked at in a browser, and changes all files at once
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
}

func TestStatusAndProxyStatus(t *testing.T) {
	tests := []struct {
		page   page.Page
		status int
		error  string
	}{
		{page.Page{Problem: page.Blocked}, 403, "http_request_denied"},
		{page.Page{Problem: page.DownloadBlocked}, 403, "http_request_denied"},
		{page.Page{Problem: page.InternalAddress}, 403, "destination_ip_prohibited"},
		{page.Page{Problem: page.AuthenticationRequired}, 407, "http_request_denied"},
		{page.Page{Problem: page.BadRequest}, 400, "http_request_error"},
		{page.Page{Problem: page.BadRequest, Status: 431}, 431, "http_request_error"},
		{page.Page{Problem: page.DNSFailure}, 502, "dns_error"},
		{page.Page{Problem: page.DNSFailure, Detail: page.NameTimeout}, 502, "dns_timeout"},
		{page.Page{Problem: page.ConnectionRefused}, 502, "connection_refused"},
		{page.Page{Problem: page.ConnectionRefused, Detail: page.ConnectionBroken}, 502, "connection_terminated"},
		{page.Page{Problem: page.Timeout}, 504, "connection_timeout"},
		{page.Page{Problem: page.CertificateProblem, Detail: page.CertificateWrongHost}, 502, "tls_certificate_error"},
		{page.Page{Problem: page.CertificateProblem, Detail: page.HandshakeFailed}, 502, "tls_protocol_error"},
		{page.Page{}, 500, "proxy_internal_error"},
		{page.Page{Problem: 200, Detail: 200}, 500, "proxy_internal_error"},
		{page.Page{Problem: page.ShuttingDown}, 503, "proxy_internal_response"},
	}
	for _, test := range tests {
		t.Run(test.page.Problem.String()+"/"+test.error, func(t *testing.T) {
			w := write(test.page, ask(http.MethodGet, "", ""))
			if w.Code != test.status {
				t.Errorf("status = %d, want %d", w.Code, test.status)
			}
			if got, want := w.Header().Get("Proxy-Status"), "keersluis; error="+test.error; got != want {
				t.Errorf("Proxy-Status = %q, want %q", got, want)
			}
		})
	}
}

// TestKindsHaveWords shows that a person never reads the name of a constant.
func TestKindsHaveWords(t *testing.T) {
	for _, kind := range content.Kinds() {
		for _, lang := range []string{"nl", "en"} {
			pg := example(page.DownloadBlocked)
			pg.Kind = string(kind)
			body := write(pg, ask(http.MethodGet, "text/plain", lang)).Body.String()
			if strings.Contains(body, ": "+pg.Kind+"\n") {
				t.Errorf("kind %s has no word in %s", kind, lang)
			}
		}
	}
}

func TestCategoriesHaveWords(t *testing.T) {
	for _, l := range blocklists.Starters() {
		for _, lang := range []page.Lang{page.Dutch, page.English} {
			if got := page.CategoryName(lang, l.Category); got == "" || got == string(l.Category) {
				t.Errorf("category %s has no word in %s", l.Category, lang)
			}
		}
	}
	if got := page.CategoryName(page.Dutch, "own"); got != "own" {
		t.Errorf("a category of the organisation's own is called %q, want own", got)
	}
}

// TestServiceDeskInSentences shows that the advice names the desk as the organisation does, with an article where a Dutch or
// English speaker puts one.
func TestServiceDeskInSentences(t *testing.T) {
	tests := []struct{ name, nl, en string }{
		{"", "Vraag de servicedesk om", "Ask the service desk for"},
		{"Servicedesk", "Vraag de servicedesk om", "Ask the service desk for"}, // as the default policy has it
		{"Helpdesk", "Vraag de Helpdesk om", "Ask the Helpdesk for"},
		{"Servicedesk ICT", "Vraag de Servicedesk ICT om", "Ask the Servicedesk ICT for"},
		{"de ICT-helpdesk", "Vraag de ICT-helpdesk om", "Ask de ICT-helpdesk for"},
		{"Team ICT", "Vraag Team ICT om", "Ask Team ICT for"},
		{"{organisation}", "Vraag {organisation} om", "Ask {organisation} for"},
	}
	for _, test := range tests {
		o := organisation()
		o.ServiceDesk.Name = test.name
		for lang, want := range map[string]string{"nl": test.nl, "en": test.en} {
			w := httptest.NewRecorder()
			page.New(o).Write(w, ask(http.MethodGet, "text/plain", lang), example(page.Blocked))
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s, %s: no %q in:\n%s", test.name, lang, want, w.Body)
			}
		}
	}
}

// TestWithoutNames shows that the sentences are whole for an organisation that has set nothing.
func TestWithoutNames(t *testing.T) {
	for _, p := range page.Problems() {
		for _, lang := range []string{"nl", "en"} {
			w := httptest.NewRecorder()
			page.New(page.Organisation{}).Write(w, ask(http.MethodGet, "text/plain", lang), example(p))
			for _, bad := range []string{"{", "}", "%", ". uw organisatie", ". your organisation", "t Uw ", "r Uw ", "y Your "} {
				if strings.Contains(w.Body.String(), bad) {
					t.Errorf("%s, %s: %q in:\n%s", p, lang, bad, w.Body)
				}
			}
		}
	}
}

func TestOf(t *testing.T) {
	tests := map[filter.Reason]page.Problem{
		filter.NotDecided:      page.ProxyError,
		filter.Malformed:       page.BadRequest,
		filter.InternalAddress: page.InternalAddress,
		filter.Listed:          page.Blocked,
		filter.Excepted:        page.Blocked,
		filter.Content:         page.DownloadBlocked,
		filter.Unlisted:        page.Blocked,
		200:                    page.ProxyError,
	}
	for reason, want := range tests {
		if got := page.Of(filter.Verdict{Reason: reason}); got != want {
			t.Errorf("Of(%s) = %s, want %s", reason, got, want)
		}
	}
}
