package blocklists_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

// blockFloor is how many names each starter list that closes something must have, and nothing else may be a starter.
var blockFloor = map[filter.Category]int{
	"porn": 60, "gambling": 60, "hate": 60, "software": 60, "proxy-avoidance": 60, "malware": 60,
}

const spliceFloor = 80

func starterHosts(t *testing.T) map[filter.Category][]string {
	t.Helper()
	hosts := map[filter.Category][]string{}
	for _, l := range blocklists.Starters() {
		for e := range l.Entries {
			hosts[l.Category] = append(hosts[l.Category], string(e.Host))
		}
	}
	return hosts
}

func TestStartersAreComplete(t *testing.T) {
	hosts := starterHosts(t)
	if got := len(hosts[filter.NeverInspect]); got < spliceFloor {
		t.Errorf("never-inspect has %d names, want at least %d", got, spliceFloor)
	}
	for category, floor := range blockFloor {
		if got := len(hosts[category]); got < floor {
			t.Errorf("%s has %d names, want at least %d", category, got, floor)
		}
	}
	if got, want := len(hosts), len(blockFloor)+1; got != want {
		t.Errorf("%d starter lists, want %d", got, want)
	}
}

func TestStartersHaveNoComplaint(t *testing.T) {
	_, complaints, err := filter.Compile(blocklists.Starters()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range complaints {
		t.Errorf("%s", c)
	}
}

// A starter list is read by people: names are canonical as written, stand once, and in one block category.
func TestStartersAreTidy(t *testing.T) {
	seen := map[string]filter.Category{}
	for category, hosts := range starterHosts(t) {
		for _, name := range hosts {
			h, err := filter.ParseHost(name)
			if err != nil || h.String() != name {
				t.Errorf("%s: %s is not canonical: %v, %v", category, name, h, err)
			}
			if other, ok := seen[name]; ok {
				t.Errorf("%s is in %s and in %s", name, category, other)
			}
			seen[name] = category
		}
	}
}

func TestStarterHeaders(t *testing.T) {
	files, err := filepath.Glob("starter/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no starter lists: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"# Purpose: ", "# Licence: EUPL-1.2", "# Date: 2026-", "# To correct: "} {
			if !strings.Contains(string(text), "\n"+want) {
				t.Errorf("%s: the header has no line %q", file, want)
			}
		}
	}
}

// Every entry of the hate list stands below a comment with the ground on which it can be defended.
func TestHateEntriesHaveAGround(t *testing.T) {
	text, err := os.ReadFile("starter/hate.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range strings.Split(string(text), "\n\n")[1:] {
		if !strings.HasPrefix(group, "# Ground: ") {
			t.Errorf("a group without a ground:\n%s", group)
		}
	}
}

// inCategory are the well-known names that a starter list closes on purpose, with the reason.
var inCategory = map[string]string{
	"4tube.com":             "pornography is all there is",
	"cam4.com":              "pornography is all there is",
	"chaturbate.com":        "pornography is all there is",
	"empflix.com":           "pornography is all there is",
	"imagefap.com":          "pornography is all there is",
	"keezmovies.com":        "pornography is all there is",
	"livejasmin.com":        "pornography is all there is",
	"pornhub.com":           "pornography is all there is",
	"redtube.com":           "pornography is all there is",
	"slutload.com":          "pornography is all there is",
	"streamate.com":         "pornography is all there is",
	"tnaflix.com":           "pornography is all there is",
	"tube8.com":             "pornography is all there is",
	"xhamster.com":          "pornography is all there is",
	"xnxx.com":              "pornography is all there is",
	"xtube.com":             "pornography is all there is",
	"xvideos.com":           "pornography is all there is",
	"youjizz.com":           "pornography is all there is",
	"youporn.com":           "pornography is all there is",
	"apkcombo.com":          "hands out programs, nothing else",
	"apkpure.com":           "hands out programs, nothing else",
	"brothersoft.com":       "hands out programs, nothing else",
	"download.com":          "hands out programs, nothing else",
	"filehippo.com":         "hands out programs, nothing else",
	"softpedia.com":         "hands out programs, nothing else",
	"software.informer.com": "hands out programs, nothing else",
	"uptodown.com":          "hands out programs, nothing else",
	"utorrent.com":          "hands out a program for file sharing, nothing else",
	"bittorrent.com":        "hands out a program for file sharing, nothing else",
	"partypoker.com":        "gambling is all there is",
	"softonic.com":          "hands out programs, nothing else",
	"thepiratebay.org":      "closed in the Netherlands by court order (Amsterdam court of appeal, 2 June 2020)",
	"adultfriendfinder.com": "dates for sex, nothing else",
	"hola.org":              "a VPN, nothing else",
}

// The starter lists close none of the best-known sites, but for those that are what the category is about.
func TestStartersSpareWellKnownSites(t *testing.T) {
	closed := map[string]filter.Category{}
	for category, hosts := range starterHosts(t) {
		for _, name := range hosts {
			if category != filter.NeverInspect {
				closed[name] = category
			}
		}
	}
	hits := map[string]bool{}
	for _, name := range wellKnown(t) {
		for rest, ok := name, true; ok; _, rest, ok = strings.Cut(rest, ".") {
			if category, hit := closed[rest]; hit && inCategory[rest] == "" {
				t.Errorf("%s closes %s, as %s", category, name, rest)
			}
			hits[rest] = true
		}
	}
	for name := range inCategory {
		if !hits[name] {
			t.Errorf("%s is excused and closes no well-known site", name)
		}
	}
}

// wellKnown returns the first thousand names of each ranking among the data.
func wellKnown(t *testing.T) []string {
	t.Helper()
	top := dataFile(t, "lists/raw/top")
	var names []string
	for _, file := range []string{
		"bonappetit-dataforseo-com-top-1000-websites.txt", "bonappetit-moz-com-top500.txt", "dnspyre-1000-domains.txt",
		"opendns-top-10k-2014.txt",
	} {
		f, err := os.Open(filepath.Join(top, file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines, n := bufio.NewScanner(f), 0; n < 1000 && lines.Scan(); {
			if line := lines.Text(); line != "" && line[0] != '#' {
				names = append(names, strings.ToLower(strings.TrimSuffix(line, ".")))
				n++
			}
		}
	}
	var moz []struct {
		RootDomain string `json:"rootDomain"`
	}
	text, err := os.ReadFile(filepath.Join(top, "npm-top-sites-moz500.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &moz); err != nil {
		t.Fatal(err)
	}
	for _, m := range moz {
		names = append(names, m.RootDomain)
	}
	if len(names) < 3000 {
		t.Fatalf("only %d well-known names", len(names))
	}
	return names
}
