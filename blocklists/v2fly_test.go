package blocklists_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/blocklists"
)

func TestV2Fly(t *testing.T) {
	const include = "names another list, which is only followed from a file with the format v2fly, and not for some attributes"
	testLines(t, blocklists.V2Fly, []lineTest{
		{"a.example", []string{"a.example"}, ""},
		{"domain:a.example", []string{"a.example"}, ""},
		{"full:a.example", []string{"a.example exact"}, ""},
		{"a.example @ads @!cn &group # why", []string{"a.example"}, ""},
		{"full:a.example@ads", []string{"a.example@ads exact"}, ""}, // the compiler refuses it
		{"# a.example", nil, ""},
		{"keyword:gamble", nil, "a word inside a name, which is not read"},
		{`regexp:^a[0-9]\.example$`, nil, "a regular expression, which is not read"},
		{"include:b", nil, include},
		{"include:b @cn", nil, include},
		{"include:../b", nil, include},
		{"geosite:b", nil, "a kind of rule that v2fly doesn't have"},
		{"full:", nil, "a rule without a name"},
		{"a.example b.example", nil, "more than one word; only @attributes and &groups may stand behind a rule"},
	})
}

func TestV2FlyIncludes(t *testing.T) {
	dir, shelf := t.TempDir(), t.TempDir()
	write(t, dir+"/data/top", "a.example\ninclude:one\ninclude:two @cn\ninclude:../secret\n")
	write(t, dir+"/data/one", "full:b.example\ninclude:top\ninclude:three\n")
	write(t, dir+"/data/two", "two.example\n")
	write(t, dir+"/data/three", "c.example @ads\n")
	write(t, dir+"/secret", "secret.example\n")
	source := blocklists.Source{Name: "top", Category: "test", Format: blocklists.V2Fly, File: dir + "/data/top"}
	load := func() (func(string) bool, blocklists.Status) {
		t.Helper()
		snap, report := load(t, newKeeper(t, shelf, source))
		return func(host string) bool { return holds(t, snap, "test", host, "") }, status(t, report, "top")
	}
	has, s := load()
	for host, want := range map[string]bool{
		"a.example": true, "b.example": true, "below.b.example": false, "c.example": true, "two.example": false, "secret.example": false,
	} {
		if has(host) != want {
			t.Errorf("%s: listed %t, want %t", host, has(host), want)
		}
	}
	if s.State != blocklists.OK || s.Entries != 3 || s.Complained != 2 {
		t.Errorf("%s, %d entries, %d complaints, %v; want ok, 3, 2", s.State, s.Entries, s.Complained, s.Err)
	}

	must(t, os.Remove(dir+"/data/three")) // half of an update: what was good stays
	if has, s = load(); s.State != blocklists.LastGood || !has("c.example") {
		t.Errorf("without an included file: %s, c.example listed %t; want last-good, true", s.State, has("c.example"))
	}
	write(t, dir+"/data/one", "full:b.example\n")
	if has, s = load(); s.State != blocklists.OK || has("c.example") || !has("b.example") {
		t.Errorf("without the include: %s, %v; want ok, and c.example gone", s.State, s.Err)
	}
}

func TestV2FlyIncludesAreBounded(t *testing.T) {
	dir := t.TempDir()
	var top strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&top, "include:%d\n", i)
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600))
	}
	write(t, dir+"/top", top.String())
	_, report := load(t, newKeeper(t, t.TempDir(), blocklists.Source{Name: "top", Category: "test", Format: blocklists.V2Fly, File: dir + "/top"}))
	if s := status(t, report, "top"); s.State != blocklists.Missing || s.Err == nil || !strings.Contains(s.Err.Error(), "more than 1000 files") {
		t.Errorf("%s, %v; want missing, as there are too many files", s.State, s.Err)
	}
}

func FuzzV2Fly(f *testing.F) {
	fuzzParse(f, blocklists.V2Fly, "a\ndomain:b @ads\nfull:c &d\ninclude:e\nkeyword:f\nregexp:g\n", "full:a:b\n:\ninclude:\n")
}
