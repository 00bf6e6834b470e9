package blocklists_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

// A subscriber's token in the URL of a feed is nobody's business but the feed's: reports are on a public page.
func TestReportsHideTokens(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refusing.Close()
	dead := httptest.NewServer(nil)
	dead.Close()
	for _, base := range []string{refusing.URL, dead.URL} {
		source := blocklists.Source{
			Category: "malware", URL: strings.Replace(base, "http://", "http://user:s3cret@", 1) + "/feed.txt?token=s3cret#s3cret",
		}
		keeper, err := blocklists.New(t.TempDir(), []blocklists.Source{source}, blocklists.Options{Client: new(http.Client), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := keeper.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		reports := make(chan blocklists.Report, 16)
		run := make(chan error, 1)
		go func() {
			run <- keeper.Run(t.Context(), func(_ *filter.Snapshot, r blocklists.Report) {
				select {
				case reports <- r:
				default:
				}
			})
		}()
		for r := range reports {
			last := r.Sources[len(r.Sources)-1]
			if strings.Contains(last.Where+last.Name+last.Err.Error(), "s3cret") {
				t.Errorf("the report tells the token: %s, %s, %v", last.Name, last.Where, last.Err)
			}
			if !strings.Contains(last.Err.Error(), "has not been fetched") {
				break
			}
		}
	}
}
