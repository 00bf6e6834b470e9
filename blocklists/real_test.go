package blocklists_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

// big returns the lists of the bar: 1.35 million names.
func big(t testing.TB) []blocklists.Source {
	t.Helper()
	var sources []blocklists.Source
	for file, category := range map[string]filter.Category{
		"adult": "porn", "gambling": "gambling", "hate": "hate", "download": "software",
	} {
		sources = append(sources, blocklists.Source{
			File: dataFile(t, "lists/scale/"+file+".txt"), Category: category, Format: blocklists.Domains,
		})
	}
	return sources
}

func TestRealLists(t *testing.T) {
	list := func(file string, f blocklists.Format) blocklists.Source {
		return blocklists.Source{Name: file, File: dataFile(t, "lists/raw/"+file), Category: "test", Format: f}
	}
	tests := []struct {
		source     blocklists.Source
		entries    int // in force, at least
		complained int // at most
	}{
		{list("ut1/gambling", blocklists.Auto), 31_000, 2},
		{list("ut1/agressif", blocklists.UT1), 300, 2},
		{list("ut1/redirector", blocklists.UT1), 100_000, 20},
		{list("ut1/adult", blocklists.UT1), 1_080, 10}, // no file domains; some rules with a query
		{list("4skin/HOSTS.txt", blocklists.Hosts), 90_000, 20},
		{list("clefspeare13/hosts", blocklists.Auto), 16_900, 5},
		{list("kadhosts/KADhosts.txt", blocklists.Auto), 23_600, 5},
		{list("sinfonietta/pornography-hosts", blocklists.Auto), 61_000, 30},
		{list("marktron/fakenews", blocklists.Auto), 2_190, 5},
		{list("ndpi/lists/107_gambling.list", blocklists.Auto), 46_600, 5},
		{list("shadowwhisperer/RAW/Tunnels", blocklists.Auto), 1_000, 5},
		{list("hategroup-dnsbl/blocklist.txt", blocklists.Auto), 480, 5},
		{list("oisd/small/domains", blocklists.Auto), 57_000, 5},
	}
	var sources []blocklists.Source
	for _, test := range tests {
		sources = append(sources, test.source)
	}
	_, report := load(t, newKeeper(t, t.TempDir(), sources...))
	for _, test := range tests {
		s := status(t, report, test.source.Name)
		if s.State != blocklists.OK || s.Entries < test.entries || s.Complained > test.complained {
			t.Errorf("%s: %v, %d entries, %d complaints, %v; want ok, at least %d, at most %d",
				s.Name, s.State, s.Entries, s.Complained, s.Err, test.entries, test.complained)
			for _, c := range s.Complaints[:min(5, len(s.Complaints))] {
				t.Logf("%s", c)
			}
		}
	}
}

func TestRealUT1RulesSpareTheHost(t *testing.T) {
	var sources []blocklists.Source
	folders, err := filepath.Glob(dataFile(t, "lists/raw/ut1/*/urls"))
	if err != nil || len(folders) < 30 {
		t.Fatalf("%d UT1 folders with urls, %v", len(folders), err)
	}
	for _, f := range folders {
		sources = append(sources, blocklists.Source{File: f, Category: "test", Format: blocklists.UT1})
	}
	snap, _ := load(t, newKeeper(t, t.TempDir(), sources...))
	for _, host := range []string{"google.com", "github.com", "nytimes.com", "sites.google.com"} {
		if holds(t, snap, "test", host, "") {
			t.Errorf("a rule for a path closes all of %s", host)
		}
	}
}

func TestBigLists(t *testing.T) {
	if testing.Short() {
		t.Skip("1.35 million names")
	}
	snap, report := load(t, newKeeper(t, t.TempDir(), big(t)...))
	if n := report.Entries(); n < 1_340_000 || len(report.Errors()) != 0 {
		t.Errorf("%d entries, %v; want 1.35 million and no error", n, report.Errors())
	}
	if n := snap.Len(); n < 1_340_000 {
		t.Errorf("the snapshot has %d names, want 1.35 million", n)
	}
}

// BenchmarkParse is per million names.
func BenchmarkParse(b *testing.B) {
	domains, err := os.ReadFile(dataFile(b, "lists/scale/adult.txt"))
	if err != nil {
		b.Fatal(err)
	}
	hosts := append([]byte("0.0.0.0 "), bytes.ReplaceAll(bytes.TrimSpace(domains), []byte("\n"), []byte("\n0.0.0.0 "))...)
	for name, text := range map[string][]byte{"domains": domains, "hosts": hosts, "ut1": domains} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			names := 0
			for b.Loop() {
				err := blocklists.Parse(bytes.NewReader(text), blocklists.Format(name), func(filter.Entry) bool { names++; return true }, func(filter.Complaint) {})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(names)*1e6, "ms/Mname")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkLoad is a start with 1.35 million names: the first, and one where the copies are there. Budget: 1.5 s each.
func BenchmarkLoad(b *testing.B) {
	sources := big(b)
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			load(b, newKeeper(b, b.TempDir(), sources...))
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		dir := b.TempDir()
		load(b, newKeeper(b, dir, sources...))
		for b.Loop() {
			load(b, newKeeper(b, dir, sources...))
		}
	})
}

// BenchmarkChange is from saving a short list to having it in force beside 1.35 million names. Budget: 1 s.
func BenchmarkChange(b *testing.B) {
	own := b.TempDir() + "/own.txt"
	write(b, own, "a.example\n")
	k := newKeeper(b, b.TempDir(), append(big(b), blocklists.Source{File: own, Category: "gambling"})...)
	updates := keep(b, k)
	k.Reload()
	await(b, updates, "reload", func(update) bool { return true })
	n := 0
	for b.Loop() {
		n++
		host := fmt.Sprintf("new%d.example", n)
		write(b, own, host+"\n")
		await(b, updates, host, func(u update) bool { return holds(b, u.snap, "gambling", host, "/") })
	}
}
