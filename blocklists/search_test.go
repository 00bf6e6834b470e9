package blocklists_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keersluis/keersluis/blocklists"
)

func TestSearch(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.txt"), "# a\nexample.org\nWWW.example.org\nother.example\n")
	write(t, filepath.Join(dir, "b.txt"), "0.0.0.0 x.example www.example.org\n")
	write(t, filepath.Join(dir, "c", "domains"), "example.net\n")
	write(t, filepath.Join(dir, "c", "urls"), "example.org/casino\n")
	keeper, err := blocklists.New(filepath.Join(dir, "shelf"), []blocklists.Source{
		{File: filepath.Join(dir, "a.txt"), Category: "gambling"},
		{File: filepath.Join(dir, "b.txt"), Category: "malware"},
		{File: filepath.Join(dir, "c"), Category: "porn"},
		{File: filepath.Join(dir, "gone.txt"), Category: "hate"},
		{URL: "https://feed.example/x.txt", Category: "hate"},
	}, blocklists.Options{Client: new(http.Client), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		host string
		want []string
	}{
		{"www.example.org", []string{
			"a.txt:2 gambling example.org", "a.txt:3 gambling www.example.org", "b.txt:1 malware www.example.org",
			"c/urls:1 porn example.org/casino",
		}},
		{"example.org", []string{"a.txt:2 gambling example.org", "c/urls:1 porn example.org/casino"}},
		{"nothing.example", nil},
		{"unibet.nl", []string{"starter/gambling.txt gambling unibet.nl"}},
	} {
		found, err := keeper.Search(t.Context(), hostOf(t, test.host))
		var got []string
		for _, h := range found.Hits {
			place := fmt.Sprintf("%s:%d", h.List, h.Line)
			if strings.HasPrefix(h.List, "starter/") {
				place = h.List // its lines move
			}
			got = append(got, fmt.Sprintf("%s %s %s%s", place, h.Category, h.Entry, h.Path))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("Search(%s) = %q, want %q", test.host, got, test.want)
		}
		for _, want := range []string{"gone.txt is not there", "has not been fetched yet"} {
			if unread := fmt.Sprint(found.Unread); err != nil || !strings.Contains(unread, want) {
				t.Errorf("Search(%s) does not say what is missing: %v, %s, want %q", test.host, err, unread, want)
			}
		}
	}
	found, err := keeper.Search(t.Context(), hostOf(t, "www.other.example"), hostOf(t, "sub.example.net"))
	hits := found.Hits
	if err != nil || len(hits) != 2 || hits[0].Host.String() != "www.other.example" || hits[1].Host.String() != "sub.example.net" {
		t.Errorf("Search of two hosts = %v", hits)
	}
}
