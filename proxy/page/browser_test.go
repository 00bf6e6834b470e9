package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/proxy/page"
	"github.com/keersluis/keersluis/proxy/page/pagetest"
)

// TestInBrowser has a real browser look at every page in both languages.
func TestInBrowser(t *testing.T) {
	axe := pagetest.Axe(t)
	browser := pagetest.Browser(t)
	examples := make(map[string]page.Page)
	for _, p := range page.Problems() {
		examples[p.String()] = example(p)
	}
	signIn := example(page.AuthenticationRequired)
	signIn.Status = http.StatusOK // a browser without a proxy shows no 407
	examples[signIn.Problem.String()] = signIn
	long := example(page.Blocked)
	long.Host = strings.Repeat(strings.Repeat("a", 63)+".", 3) + "example"
	long.Verdict.Category = "malware"
	examples["long"] = long

	pages := page.New(organisation())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.Write(w, r, examples[strings.Trim(r.URL.Path, "/")])
	}))
	defer server.Close()
	for name := range examples {
		for _, lang := range []string{"nl", "en"} {
			t.Run(name+"-"+lang, func(t *testing.T) {
				pagetest.Inspect(t, browser, axe, name+"-"+lang, server.URL+"/"+name, lang)
			})
		}
	}
}
