package blocklists_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/blocklists"
)

// lines returns a list of good names, then what is bad.
func lines(good int, bad string, n int) string {
	var b strings.Builder
	for _, name := range times(good, "a.example") {
		_, name, _ = strings.Cut(name, " ")
		b.WriteString(name + "\n")
	}
	return b.String() + strings.Repeat(bad+"\n", n)
}

func TestQuarantine(t *testing.T) {
	for _, test := range []struct {
		name   string
		format blocklists.Format
		text   string
		want   blocklists.State
		err    string
	}{
		{"5 %", blocklists.Domains, lines(950, "no list", 50), blocklists.OK, ""},
		{"more than 5 %", blocklists.Domains, lines(950, "no list", 51), blocklists.LastGood, "quarantined: 51 of 1001 lines can't be used in the format domains"},
		{"names that are none", blocklists.Domains, lines(950, "a..example", 51), blocklists.LastGood, "quarantined: 51 of 1001"},
		{"a short list of a person", blocklists.Domains, lines(10, "no list", 20), blocklists.OK, ""},
		{"nothing good", blocklists.Domains, lines(0, "no list", 3), blocklists.LastGood, "none of 3 lines"},
		{"regular expressions", blocklists.V2Fly, lines(100, "regexp:.", 30), blocklists.LastGood, "the first, 101: a regular expression"},
		{"rules with a query", blocklists.UT1, lines(100, "a.example/?x", 90), blocklists.OK, ""},
		{"ranges", blocklists.IP, "192.0.2.1\n" + lines(0, "198.51.100.0/24", 30), blocklists.LastGood, "quarantined: 30 of 31"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, shelf := t.TempDir()+"/list", t.TempDir()
			source := blocklists.Source{Name: "list", Category: "test", Format: test.format, File: file}
			before := "before.example"
			if test.format == blocklists.IP {
				before = "9.9.9.9"
			}
			write(t, file, before+"\n")
			load(t, newKeeper(t, shelf, source))
			write(t, file, test.text)
			snap, report := load(t, newKeeper(t, shelf, source))
			s := status(t, report, "list")
			if s.State != test.want || (s.Err != nil) != (test.err != "") || s.Err != nil && !strings.Contains(s.Err.Error(), test.err) {
				t.Errorf("%s, %v; want %s, %q", s.State, s.Err, test.want, test.err)
			}
			if stays := holds(t, snap, "test", before, ""); stays != (test.want == blocklists.LastGood) {
				t.Errorf("the entry of before is in force: %t", stays)
			}
		})
	}
}

// A feed that was never good is missing, and says why.
func TestQuarantineOfANewFeed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(lines(100, "no list", 21)))
	}))
	defer server.Close()
	k := newKeeper(t, t.TempDir(), blocklists.Source{Name: "feed", Category: "test", URL: server.URL})
	updates := keep(t, k)
	await(t, updates, "quarantine", func(u update) bool {
		s := status(t, u.report, "feed")
		return s.State == blocklists.Missing && strings.Contains(s.Err.Error(), "quarantined: 21 of 121")
	})
}
