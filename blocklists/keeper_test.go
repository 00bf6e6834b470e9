package blocklists_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

func newKeeper(t testing.TB, dir string, sources ...blocklists.Source) *blocklists.Keeper {
	t.Helper()
	k, err := blocklists.New(dir, sources, blocklists.Options{Client: http.DefaultClient, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func load(t testing.TB, k *blocklists.Keeper) (*filter.Snapshot, blocklists.Report) {
	t.Helper()
	snap, report, err := k.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap, report
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// must fails the test when the file system doesn't do as asked.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// status returns what the report says of the list called name.
func status(t testing.TB, r blocklists.Report, name string) blocklists.Status {
	t.Helper()
	for _, s := range r.Sources {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no list %q in the report", name)
	return blocklists.Status{}
}

// holds reports whether the snapshot has the host (and path) in the category.
func holds(t testing.TB, snap *filter.Snapshot, category filter.Category, host, path string) bool {
	t.Helper()
	h, err := filter.ParseHost(host)
	if err != nil {
		t.Fatal(err)
	}
	rules := filter.Rules{Categories: []filter.CategoryRule{{Category: category, Action: filter.Block}}}
	return filter.NewPolicy(rules, snap).Decide(filter.Request{Door: filter.HTTP, Host: h, Path: path}).Blocked()
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/own.txt", "a.example\nnot a host\nb..example\nco.uk\nb.example\n")
	write(t, dir+"/ut1/domains", "c.example\n")
	write(t, dir+"/ut1/urls", "d.example/x\n")
	write(t, dir+"/ut1/expressions", ".*\n")
	k := newKeeper(t, dir+"/copies",
		blocklists.Source{File: dir + "/own.txt", Category: "gambling"},
		blocklists.Source{File: dir + "/ut1", Category: "gambling"},
		blocklists.Source{File: dir + "/absent.txt", Category: "gambling"},
	)
	snap, report := load(t, k)
	for _, test := range []struct {
		host, path string
		want       bool
	}{
		{"a.example", "/", true},
		{"below.a.example", "/", true},
		{"b.example", "/", true},
		{"c.example", "/", true},
		{"d.example", "/x/y", true},
		{"d.example", "/", false},
		{"other.co.uk", "/", false},
		{"bet365.com", "/", true}, // the starter list is there too
	} {
		if got := holds(t, snap, "gambling", test.host, test.path); got != test.want {
			t.Errorf("%s%s: listed %t, want %t", test.host, test.path, got, test.want)
		}
	}
	own := status(t, report, "own.txt")
	if own.State != blocklists.OK || own.Entries != 2 || own.Complained != 3 || own.Err != nil {
		t.Errorf("own.txt: %v, %d entries, %d complaints, %v; want ok, 2, 3, nil", own.State, own.Entries, own.Complained, own.Err)
	}
	var lines []int
	for _, c := range own.Complaints {
		lines = append(lines, c.Line)
	}
	if diff := cmp.Diff([]int{2, 3, 4}, lines); diff != "" {
		t.Errorf("complaints are about lines (-want +got):\n%s", diff)
	}
	ut1 := status(t, report, "ut1")
	if ut1.Entries != 2 || ut1.Complained != 1 || ut1.Complaints[0].List != "ut1/expressions" {
		t.Errorf("ut1: %d entries, complaints %v; want 2 and one about expressions", ut1.Entries, ut1.Complaints)
	}
	absent := status(t, report, "absent.txt")
	if absent.State != blocklists.Missing || absent.Err == nil || !strings.Contains(absent.Err.Error(), "put it back") {
		t.Errorf("absent.txt: %v, %v; want missing and what to do", absent.State, absent.Err)
	}
	if len(report.Errors()) != 1 {
		t.Errorf("%d errors in the report, want 1", len(report.Errors()))
	}
}

func TestNewRefusesBadSources(t *testing.T) {
	for name, s := range map[string]blocklists.Source{
		"nowhere":      {Category: "porn"},
		"two places":   {Category: "porn", File: "a", URL: "https://lists.example/"},
		"no category":  {File: "a"},
		"odd format":   {Category: "porn", File: "a", Format: "csv"},
		"odd scheme":   {Category: "porn", URL: "ftp://lists.example/a"},
		"no host":      {Category: "porn", URL: "https:///a"},
		"folder fetch": {Category: "porn", URL: "https://lists.example/a", Format: "ut1", File: "b"},
	} {
		if _, err := blocklists.New(t.TempDir(), []blocklists.Source{s}, blocklists.Options{Now: time.Now, Client: http.DefaultClient}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSourcesOfOneNameAreToldApart(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a/domains", "a.example\n")
	write(t, dir+"/b/domains", "b.example\n")
	_, report := load(t, newKeeper(t, dir+"/copies",
		blocklists.Source{File: dir + "/a/domains", Category: "porn"},
		blocklists.Source{File: dir + "/b/domains", Category: "porn"}))
	if s := status(t, report, "domains (2)"); !strings.HasSuffix(s.Where, "/b/domains") {
		t.Errorf("domains (2) is %s", s.Where)
	}
}

// What breaks a list must not open what it closed: not now, and not after a restart.
func TestLastGoodCopy(t *testing.T) {
	page := "<!doctype html>\n" + strings.Repeat("<p>Service unavailable, sorry</p>\n", 50)
	tests := []struct {
		name   string
		damage func(t *testing.T, file string)
		want   string // in the error
	}{
		{"missing", func(t *testing.T, file string) { must(t, os.Remove(file)) }, "is not there"},
		{"empty", func(t *testing.T, file string) { must(t, os.Truncate(file, 0)) }, "is empty"},
		{"comments only", func(t *testing.T, file string) { write(t, file, "# nothing\n") }, "is empty"},
		{"a web page", func(t *testing.T, file string) { write(t, file, page) }, "is a web page"},
		{"rubbish", func(t *testing.T, file string) { write(t, file, strings.Repeat("\x00\xff??\n", 50)) }, "is not a list"},
		{"torn gzip", func(t *testing.T, file string) { write(t, file, "\x1f\x8b\x08\x00\x00") }, "decompress"},
		{"a pipe", func(t *testing.T, file string) {
			must(t, os.Remove(file))
			must(t, syscall.Mkfifo(file, 0o600))
		}, "neither a file nor a folder"},
		{"a folder without lists", func(t *testing.T, file string) {
			must(t, os.Remove(file))
			must(t, os.Mkdir(file, 0o700))
		}, "no file domains or urls"},
		{"a link to nothing", func(t *testing.T, file string) {
			must(t, os.Remove(file))
			must(t, os.Symlink("nothing", file))
		}, "is not there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := dir + "/own.txt"
			source := blocklists.Source{File: file, Category: "gambling"}
			write(t, file, "a.example\n")
			load(t, newKeeper(t, dir+"/copies", source))

			test.damage(t, file)
			for range 2 { // the copy outlives the second restart as well
				snap, report := load(t, newKeeper(t, dir+"/copies", source))
				if !holds(t, snap, "gambling", "a.example", "/") {
					t.Error("the last good copy is not in force")
				}
				s := status(t, report, "own.txt")
				if s.State != blocklists.LastGood || s.Entries != 1 || s.Taken.IsZero() {
					t.Errorf("got %v, %d entries, taken %v; want last-good, 1, a time", s.State, s.Entries, s.Taken)
				}
				if s.Err == nil || !strings.Contains(s.Err.Error(), test.want) || !strings.Contains(s.Err.Error(), file) {
					t.Errorf("error is %v, want it to name the file and %q", s.Err, test.want)
				}
			}

			must(t, os.RemoveAll(file))
			write(t, file, "b.example\n")
			snap, report := load(t, newKeeper(t, dir+"/copies", source))
			if s := status(t, report, "own.txt"); s.State != blocklists.OK || s.Err != nil || !holds(t, snap, "gambling", "b.example", "/") {
				t.Errorf("mended: %v, %v; want the new list", s.State, s.Err)
			}
			if holds(t, snap, "gambling", "a.example", "/") {
				t.Error("mended: the old list is still in force")
			}
		})
	}
}

// A list never comes back as something it was not read for.
func TestCopyIsOfOneCategory(t *testing.T) {
	dir := t.TempDir()
	source := blocklists.Source{File: dir + "/own.txt", Category: "gambling"}
	write(t, source.File, "a.example\n")
	load(t, newKeeper(t, dir+"/copies", source))
	must(t, os.Remove(source.File))
	source.Category = "porn"
	snap, report := load(t, newKeeper(t, dir+"/copies", source))
	if holds(t, snap, "porn", "a.example", "/") || status(t, report, "own.txt").State != blocklists.Missing {
		t.Error("a copy of a gambling list is in force as porn")
	}
}

func copies(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	files := map[string]time.Time{}
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		files[e.Name()] = info.ModTime()
	}
	return files
}

func TestUnchangedListIsNotCopiedAgain(t *testing.T) {
	dir := t.TempDir()
	source := blocklists.Source{File: dir + "/own.txt", Category: "gambling"}
	write(t, source.File, "a.example\n")
	load(t, newKeeper(t, dir+"/copies", source))
	before := copies(t, dir+"/copies")
	must(t, os.Chtimes(source.File, time.Now(), time.Now().Add(time.Hour)))
	load(t, newKeeper(t, dir+"/copies", source))
	if diff := cmp.Diff(before, copies(t, dir+"/copies")); diff != "" {
		t.Errorf("the folder of copies changed:\n%s", diff)
	}
	if len(before) != 2 {
		t.Errorf("%d files for one copy, want a text and its record", len(before))
	}
	write(t, source.File, "b.example\n")
	load(t, newKeeper(t, dir+"/copies", source))
	if after := copies(t, dir+"/copies"); len(after) != 2 {
		t.Errorf("%d files after a change, want the old text gone: %v", len(after), after)
	}
}

// A copy that rotted on the disk is made anew from the source, and is never in force as it is.
func TestDamagedCopy(t *testing.T) {
	dir := t.TempDir()
	source := blocklists.Source{File: dir + "/own.txt", Category: "gambling"}
	damage := func(glob string) {
		t.Helper()
		files, err := filepath.Glob(dir + "/copies/" + glob)
		if err != nil || len(files) != 1 {
			t.Fatalf("%v files for %s, %v", files, glob, err)
		}
		write(t, files[0], "other.example\n")
	}
	for _, glob := range []string{"*.list", "*.json"} {
		write(t, source.File, "a.example\n")
		load(t, newKeeper(t, dir+"/copies", source))
		damage(glob)
		snap, report := load(t, newKeeper(t, dir+"/copies", source))
		if !holds(t, snap, "gambling", "a.example", "/") || holds(t, snap, "gambling", "other.example", "/") || len(report.Errors()) != 0 {
			t.Errorf("%s: the source was not read again: %v", glob, report.Errors())
		}
		damage(glob)
		must(t, os.Remove(source.File))
		snap, report = load(t, newKeeper(t, dir+"/copies", source))
		if holds(t, snap, "gambling", "other.example", "/") || status(t, report, "own.txt").State != blocklists.Missing {
			t.Errorf("%s: a damaged copy is in force", glob)
		}
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	source := blocklists.Source{File: dir + "/own.txt", Category: "gambling"}
	write(t, source.File, "a.example\n")
	load(t, newKeeper(t, dir+"/copies", source))
	want := copies(t, dir+"/copies")
	long := time.Now().Add(-48 * time.Hour)
	for name := range want {
		must(t, os.Chtimes(dir+"/copies/"+name, long, long))
	}
	for _, name := range []string{"123.tmp", "gambling-000000000000.0123456789abcdef.list"} {
		write(t, dir+"/copies/"+name, "left by a crash")
		must(t, os.Chtimes(dir+"/copies/"+name, long, long))
	}
	write(t, dir+"/copies/456.tmp", "being written by somebody")
	load(t, newKeeper(t, dir+"/copies", source))
	got := copies(t, dir+"/copies")
	if _, ok := got["456.tmp"]; !ok || len(got) != len(want)+1 {
		t.Errorf("left over: %v, want the copy and 456.tmp", got)
	}
}

func TestLoadIsCancelled(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := contextOf(t)
	cancel()
	if _, _, err := newKeeper(t, dir, blocklists.Source{File: dir + "/a", Category: "porn"}).Load(ctx); err == nil {
		t.Error("no error")
	}
}
