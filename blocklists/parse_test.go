package blocklists_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

var exactly = map[bool]string{true: "exact"}

// read returns the entries as "line host path", "exact" where that is so, and the complaints as "line reason".
func read(t testing.TB, text io.Reader, f blocklists.Format) (entries, complaints []string) {
	t.Helper()
	err := blocklists.Parse(text, f, func(e filter.Entry) bool {
		entries = append(entries, strings.TrimSpace(fmt.Sprintf("%d %s %s%s", e.Line, e.Host, e.Path, exactly[e.Exact])))
		return true
	}, func(c filter.Complaint) {
		complaints = append(complaints, fmt.Sprintf("%d %s", c.Line, c.Reason))
	})
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return entries, complaints
}

// times returns n entries of a name, a line each.
func times(n int, name string) (entries []string) {
	for i := range n {
		entries = append(entries, fmt.Sprint(i+1, " ", name))
	}
	return entries
}

func TestParse(t *testing.T) {
	long := strings.Repeat("a", 5000)
	endless := strings.Repeat("b", 200_000)
	tests := []struct {
		name       string
		format     blocklists.Format
		text       string
		want       []string
		complaints []string
	}{
		{"empty", blocklists.Domains, "", nil, nil},
		{"only comments", blocklists.Domains, "# a\n! b\n\n  # c\n", nil, nil},
		{"domains", blocklists.Domains, "a.example\nb.example", []string{"1 a.example", "2 b.example"}, nil},
		{
			"domains, as people write them", blocklists.Domains, "\ufeffA.Example.\r\n\r\n\t*.b.example # why\r\n.c.example#why\r\n",
			[]string{"1 A.Example.", "3 b.example", "4 c.example"},
			nil,
		},
		{
			"domains, bad lines", blocklists.Domains, "a.example b.example\nc.example/x\nd.example\n",
			[]string{"3 d.example"},
			[]string{"1 more than one word; the domains format has one name a line", "2 a path; only the ut1 format has rules for URLs"},
		},
		{"line of 5 kB", blocklists.Domains, "a.example\n" + long + "\nb.example\n", []string{"1 a.example", "3 b.example"}, []string{"2 line is too long"}},
		{"line of 200 kB", blocklists.Domains, "a.example\n" + endless + "\nb.example\n", []string{"1 a.example", "3 b.example"}, []string{"2 line is too long"}},
		{"last line of 200 kB", blocklists.Hosts, endless, nil, []string{"1 line is too long"}},
		{
			"hosts", blocklists.Hosts, "0.0.0.0 a.example b.example\n127.0.0.1\tc.example # why\n:: d.example\n::1 e.example\n0 f.example#why\n",
			[]string{"1 a.example", "1 b.example", "2 c.example", "3 d.example", "4 e.example", "5 f.example"},
			nil,
		},
		{
			"hosts, names of the machine", blocklists.Hosts,
			"127.0.0.1 localhost localhost.localdomain a.example\n::1 ip6-localhost ip6-loopback\nfe00::0 ip6-localnet\nff02::1 ip6-allnodes\n255.255.255.255 broadcasthost\nfe80::1%lo0 localhost\n0.0.0.0 0.0.0.0\n",
			[]string{"1 a.example"},
			nil,
		},
		{"hosts, bad lines", blocklists.Hosts, "a.example\n192.0.2.1 b.example\n0.0.0.0\n0.0.0.0 c.example\n", []string{"4 c.example"}, []string{
			"1 no address before the name",
			"2 the address leads somewhere; only 0.0.0.0, 127.0.0.1, :: and ::1 mean that a name is unwanted",
			"3 no name after the address",
		}},
		{
			"ut1", blocklists.UT1, "a.example\nb.example/x/y\n192.0.2.1/~z\nhttp://c.example/\nd.example/caf\u00e9 # why\n/e\nf.example/?q=1\ng.example/h#\ni.example/#j\n",
			[]string{"1 a.example", "2 b.example /x/y", "3 192.0.2.1 /~z", "4 c.example /", "5 d.example /caf%C3%A9", "8 g.example /h"},
			[]string{
				"6 a path without a host",
				"7 a rule with a query or a fragment; without it the rule would block more than it says",
				"9 a rule with a query or a fragment; without it the rule would block more than it says",
			},
		},
		{
			"wildcards", blocklists.Domains, "*.a.example\n.b.example\nc*.example\n*.*.d.example\n*.\n.\n",
			[]string{"1 a.example", "2 b.example"},
			[]string{
				"3 a wildcard inside a name; it may only stand before the first dot",
				"4 a wildcard inside a name; it may only stand before the first dot",
				"5 a wildcard for every name", "6 a wildcard for every name",
			},
		},
		{
			"patterns of uBlacklist", blocklists.Auto, "*://*.a.example/*\n*://b.example/x*\nc.example/*\n",
			[]string{"1 a.example", "3 c.example /*"},
			[]string{"2 a wildcard inside a path"},
		},
		{"auto: a path after many names", blocklists.Auto, strings.Repeat("a.example\n", 300) + "b.example/x # /\n", append(times(300, "a.example"), "301 b.example /x"), nil},
		{"auto: hosts", blocklists.Auto, "# x\n0.0.0.0 a.example\n0.0.0.0 b.example\n", []string{"2 a.example", "3 b.example"}, nil},
		{"auto: domains", blocklists.Auto, "a.example\n192.0.2.1\n", []string{"1 a.example", "2 192.0.2.1"}, nil},
		{"auto: urls", blocklists.Auto, "a.example\nb.example/x\n", []string{"1 a.example", "2 b.example /x"}, nil},
		{"auto: empty", blocklists.Auto, "", nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			entries, complaints := read(t, strings.NewReader(test.text), test.format)
			if diff := cmp.Diff(test.want, entries); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.complaints, complaints); diff != "" {
				t.Errorf("complaints (-want +got):\n%s", diff)
			}
		})
	}
}

// lineTest is one line of a format with what it comes to.
type lineTest struct {
	line   string
	want   []string // entries, as read returns them without the line
	reason string   // of the complaint
}

func testLines(t *testing.T, f blocklists.Format, tests []lineTest) {
	t.Helper()
	for _, test := range tests {
		entries, complaints := read(t, strings.NewReader(test.line), f)
		for i := range entries {
			entries[i] = strings.TrimPrefix(entries[i], "1 ")
		}
		var want []string
		if test.reason != "" {
			want = []string{"1 " + test.reason}
		}
		if diff := cmp.Diff(test.want, entries) + cmp.Diff(want, complaints); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.line, diff)
		}
	}
}

// Each format is told from a text that has a few lines of others too.
func TestParseTellsTheFormat(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"dnsmasq", "# x\naddress=/a.example/#\nlocal=/b.example/\nno-resolv\n", []string{"2 a.example", "3 b.example"}},
		{"unbound", "server:\n# x\nlocal-zone: \"a.example.\" always_null\n", []string{"3 a.example."}},
		{"rpz, without its head", "; x\na.example CNAME .\n*.a.example CNAME .\nb.example 60 IN CNAME .", []string{"2 a.example", "4 b.example"}},
		{"adblock", "[Adblock Plus]\nb.example##x\n||a.example^\n", []string{"3 a.example"}},
		{"adblock, without its head", "! x\n||a.example^\n@@||b.example^\nb.example##.x\n", []string{"2 a.example"}},
		{"ip", "# x\n192.0.2.1\n192.0.2.0/24\n", []string{"2 192.0.2.1"}},
		{"ip, with comments", "192.0.2.1 # a.example\n192.0.2.2 # b.example\n", []string{"1 192.0.2.1", "2 192.0.2.2"}},
		{"domains, mostly addresses", "192.0.2.1\n192.0.2.2\na.example\n", []string{"1 192.0.2.1", "2 192.0.2.2", "3 a.example"}},
		{"v2fly, mostly bare names", "a.example\nb.example\nfull:c.example\n", []string{"1 a.example", "2 b.example", "3 c.example exact"}},
		{"v2fly, by its attributes", "a.example\nb.example @ads\n", []string{"1 a.example", "2 b.example"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries, _ := read(t, strings.NewReader(test.text), blocklists.Auto)
			if diff := cmp.Diff(test.want, entries); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseSaysWhatAForeignListIs(t *testing.T) {
	for text, want := range map[string]string{
		"DOMAIN-SUFFIX,a.example\nDOMAIN,b.example\n": "a list of Surge or Clash",
		"<!doctype html>\n<html>\n</html>\n":          "a web page",
	} {
		err := blocklists.Parse(strings.NewReader(text), blocklists.Auto, func(filter.Entry) bool { return true }, func(filter.Complaint) {})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want it to name %s", text, err, want)
		}
	}
}

func TestParseStops(t *testing.T) {
	n := 0
	err := blocklists.Parse(strings.NewReader("0.0.0.0 a b c\n0.0.0.0 d\n"), blocklists.Hosts, func(filter.Entry) bool { n++; return n < 2 }, func(filter.Complaint) {})
	if n != 2 || err != nil {
		t.Errorf("got %d entries and %v, want 2 and no error", n, err)
	}
}

func TestParseReadError(t *testing.T) {
	r := io.MultiReader(strings.NewReader("a.example\n"), iotest.ErrReader(os.ErrDeadlineExceeded))
	err := blocklists.Parse(r, blocklists.Domains, func(filter.Entry) bool { return true }, func(filter.Complaint) {})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the error of the reader", err)
	}
}

func TestParseFormat(t *testing.T) {
	for s, want := range map[string]blocklists.Format{
		"": blocklists.Auto, "auto": blocklists.Auto, "hosts": blocklists.Hosts, "domains": blocklists.Domains,
		"ut1": blocklists.UT1, "squidguard": blocklists.UT1,
	} {
		if got, err := blocklists.ParseFormat(s); got != want || err != nil {
			t.Errorf("ParseFormat(%q) = %q, %v, want %q", s, got, err, want)
		}
	}
	if f, err := blocklists.ParseFormat("csv"); err == nil {
		t.Errorf("ParseFormat(csv) = %q, want an error", f)
	}
}

// One list published in several formats has the same names in each that is read.
func TestFormatsAgree(t *testing.T) {
	folder := dataFile(t, "lists/raw/hagezi-2022-formats/3p")
	names := func(file string, f blocklists.Format) map[string]bool {
		r, err := os.Open(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		set := map[string]bool{}
		err = blocklists.Parse(r, f, func(e filter.Entry) bool { set[strings.TrimSuffix(string(e.Host), ".")] = true; return true },
			func(c filter.Complaint) { t.Errorf("%s: %s", file, c) })
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	domains := names("easylist.domains.txt", blocklists.Auto)
	if len(domains) != 86_674 {
		t.Errorf("%d names, want 86674", len(domains))
	}
	if !maps.Equal(domains, names("easylist.hosts.txt", blocklists.Auto)) {
		t.Error("the hosts file has other names than the domains file")
	}
	// The other files leave out what a name above covers.
	wildcards := names("easylist.wildcard.txt", blocklists.Auto)
	for _, file := range []string{"dnsmasq.txt", "unbound.conf", "adblock.txt"} {
		if !maps.Equal(wildcards, names("easylist."+file, blocklists.Auto)) {
			t.Errorf("easylist.%s has other names than the wildcard file", file)
		}
	}
	// They miss eight of the first two's names: www. was cut off before they were made.
	missed := 0
	for name := range domains {
		covered := false
		for rest, ok := name, true; ok && !covered; _, rest, ok = strings.Cut(rest, ".") {
			covered = wildcards[rest]
		}
		if !covered && !strings.HasPrefix(name, "www.") {
			t.Errorf("%s is not covered by the wildcards", name)
		} else if !covered {
			missed++
		}
	}
	if missed != 8 {
		t.Errorf("%d names are not covered by the wildcards, want 8", missed)
	}
}

func FuzzHosts(f *testing.F)   { fuzzParse(f, blocklists.Hosts) }
func FuzzDomains(f *testing.F) { fuzzParse(f, blocklists.Domains) }
func FuzzUT1(f *testing.F)     { fuzzParse(f, blocklists.UT1) }
func FuzzAuto(f *testing.F)    { fuzzParse(f, blocklists.Auto) }

// fuzzParse holds that lines rise and are within the text, that hosts are bounded words and paths begin with a slash, and
// that a second reading gives the same.
func fuzzParse(f *testing.F, format blocklists.Format, seeds ...string) {
	for _, seed := range []string{
		"", "a.example\n", "0.0.0.0 a b # c\r\n::1 d", "*.a.example\n.b\n! c", "a.example/b?c#d", "\ufeff\xff\xfe", "\x1f\x8b\x08", "\xff\xfea\x00",
		"http://a/b\n/c\n//\n", "||a^\n", strings.Repeat("x", 70_000),
	} {
		f.Add([]byte(seed))
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got [2]string
		for i := range got {
			var out strings.Builder
			last := 1
			err := blocklists.Parse(bytes.NewReader(text), format, func(e filter.Entry) bool {
				if e.Line < last {
					t.Errorf("line %d after %d", e.Line, last)
				}
				last = e.Line
				if len(e.Host) > 4096 || bytes.ContainsAny(e.Host, " \t\r\n") || e.Path != "" && e.Path[0] != '/' || e.Exact && format != blocklists.Auto && format != blocklists.V2Fly {
					t.Errorf("entry %q %q", e.Host, e.Path)
				}
				fmt.Fprintf(&out, "%d %q %q\n", e.Line, e.Host, e.Path)
				return out.Len() < 1<<20
			}, func(c filter.Complaint) {
				if c.Reason == "" || c.Line < 1 || len(c.Text) > 3*80 {
					t.Errorf("complaint %+v", c)
				}
				fmt.Fprintf(&out, "%d %s %q\n", c.Line, c.Reason, c.Text)
			})
			got[i] = fmt.Sprint(out.String(), err)
		}
		if got[0] != got[1] {
			t.Errorf("two readings differ:\n%s\n%s", got[0], got[1])
		}
	})
}
