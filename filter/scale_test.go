package filter_test

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/keersluis/keersluis/filter"
)

// unpack lays the shared data out once and returns where, or why not.
var unpack = sync.OnceValues(func() (dir, missing string) {
	shared := os.Getenv("KEERSLUIS_SHARED")
	if shared == "" {
		at, err := os.Getwd()
		if err != nil {
			return "", err.Error()
		}
		for ; shared == "" && at != "/"; at = filepath.Dir(at) {
			if _, err := os.Stat(filepath.Join(at, "shared", "data", "unpack")); err == nil {
				shared = filepath.Join(at, "shared")
			}
		}
	}
	if shared == "" {
		return "", "no shared data: set KEERSLUIS_SHARED"
	}
	out, err := exec.Command(filepath.Join(shared, "data", "unpack")).Output()
	if err != nil {
		return "", "unpack shared data: " + err.Error()
	}
	return strings.TrimSpace(string(out)), ""
})

// dataFile returns the path of a list in the shared data; without them the test is skipped.
func dataFile(t testing.TB, name string) string {
	t.Helper()
	dir, missing := unpack()
	if missing != "" {
		t.Skip(missing)
	}
	return filepath.Join(dir, "lists", name)
}

// scale returns the 5.6 million names of the shared data as lists, one for each of 17 categories.
func scale(t testing.TB) (lists []filter.List) {
	for _, c := range []string{
		"adult", "banking", "bypass", "download", "drugs", "fakenews", "filesharing", "gambling", "games", "hate", "jobs",
		"malware", "shopping", "shortener", "social", "streaming", "webmail",
	} {
		name := dataFile(t, "scale/"+c+".txt")
		lists = append(lists, filter.List{Name: c, Category: filter.Category(c), Entries: func(yield func(filter.Entry) bool) {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			lines := bufio.NewScanner(f)
			for line := 1; lines.Scan(); line++ {
				if !yield(filter.Entry{Line: line, Host: lines.Bytes()}) {
					return
				}
			}
			if err := lines.Err(); err != nil {
				t.Fatal(err)
			}
		}})
	}
	return lists
}

// compileScale compiles lists that have complaints: real ones list public suffixes.
func compileScale(t testing.TB, lists []filter.List) *filter.Snapshot {
	t.Helper()
	s, _, err := filter.Compile(lists...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// popular returns the 20,000 best-known hosts that p does not list, and as many that it does.
func popular(t testing.TB, p *filter.Policy, lists []filter.List) (unlisted, listed []filter.Host) {
	const n = 20_000
	seen := map[filter.Host]bool{}
	add := func(name string) {
		h, err := filter.ParseHost(strings.TrimSuffix(name, "."))
		if err != nil || seen[h] {
			return
		}
		seen[h] = true
		if p.Decide(filter.Request{Host: h, At: noon}).Reason == filter.Listed {
			listed = append(listed, h)
		} else if len(unlisted) < n {
			unlisted = append(unlisted, h)
		}
	}
	for _, file := range []string{"raw/top/dnspyre-10000-domains.txt", "raw/top/opendns-top-10k-2014.txt", "unlisted/sample-2.2M.txt"} {
		text, err := os.ReadFile(dataFile(t, file))
		if err != nil {
			t.Fatal(err)
		}
		line := 0
		for name := range strings.Lines(string(text)) {
			if line++; strings.HasPrefix(file, "raw") || line%97 == 0 && len(unlisted) < n {
				add(strings.TrimSpace(name))
			}
		}
	}
	for _, l := range lists {
		for e := range l.Entries {
			if e.Line%211 == 0 {
				add([]string{"", "www."}[e.Line%2] + string(e.Host))
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, names := range [][]filter.Host{unlisted, listed} {
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	}
	return unlisted, listed[:n]
}

// traffic returns requests as an organisation makes them: the r-th best-known of the hosts in proportion to 1/r, nearly.
func traffic(hosts []filter.Host) []filter.Host {
	rng := rand.New(rand.NewPCG(3, 4))
	zipf := rand.NewZipf(rng, 1.01, 1, uint64(len(hosts)-1))
	trace := make([]filter.Host, 1<<18)
	for i := range trace {
		trace[i] = hosts[zipf.Uint64()]
	}
	return trace
}

// BenchmarkLookup decides on a Zipf trace of 20,000 hosts against 5.6 million names, and on hosts drawn evenly. Budget: 150
// ns unlisted, 250 ns listed, on the trace. The Go map is asked for every suffix and holds a line.
func BenchmarkLookup(b *testing.B) {
	lists := scale(b)
	p := filter.NewPolicy(filter.Rules{}, compileScale(b, lists))
	unlisted, listed := popular(b, p, lists)
	for _, bb := range []struct {
		name  string
		hosts []filter.Host
		want  filter.Reason
	}{
		{"unlisted", traffic(unlisted), filter.Unlisted},
		{"listed", traffic(listed), filter.Listed},
		{"unlisted-even", unlisted, filter.Unlisted},
		{"listed-even", listed, filter.Listed},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if got := p.Lookup(bb.hosts[i%len(bb.hosts)]); got != bb.want {
					b.Fatalf("Lookup(%s) = %s", bb.hosts[i%len(bb.hosts)], got)
				}
				i++
			}
		})
		b.Run("decide-"+bb.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if v := p.Decide(filter.Request{Host: bb.hosts[i%len(bb.hosts)], At: noon}); v.Reason != bb.want {
					b.Fatalf("Decide(%s) = %s", bb.hosts[i%len(bb.hosts)], v.Reason)
				}
				i++
			}
		})
	}
	lines := map[string]uint32{}
	for _, l := range lists {
		for e := range l.Entries {
			lines[string(e.Host)] = uint32(e.Line)
		}
	}
	for name, hosts := range map[string][]filter.Host{"unlisted": traffic(unlisted), "listed": traffic(listed)} {
		b.Run("map-"+name, func(b *testing.B) {
			i, found := 0, 0
			for b.Loop() {
				for s, ok := hosts[i%len(hosts)].String(), true; ok; _, s, ok = strings.Cut(s, ".") {
					if _, ok := lines[s]; ok {
						found++
					}
				}
				i++
			}
			if found == 0 != (name == "unlisted") {
				b.Fatalf("%d found", found)
			}
		})
	}
}

// BenchmarkCompileScale compiles 5.6 million names while the snapshot before is still in force. Budget: 2 s, 12 B/name, and
// at most 1.5 tables over what the process held before.
func BenchmarkCompileScale(b *testing.B) {
	lists := scale(b)
	s := compileScale(b, lists)
	var peak float64
	for b.Loop() {
		b.StopTimer()
		before := resetPeak(b)
		b.StartTimer()
		old := s
		s = compileScale(b, lists)
		b.StopTimer()
		peak = max(peak, float64(memory(b, "VmHWM")-before))
		runtime.KeepAlive(old)
		b.StartTimer()
	}
	b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "B/name")
	b.ReportMetric(peak/float64(s.Bytes()), "peak/table")
}

// resetPeak gives unused memory back, makes the peak of the process what it holds now, and returns that.
func resetPeak(t testing.TB) int {
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skip(err)
	}
	return memory(t, "VmRSS")
}

// memory returns a line of /proc/self/status in bytes.
func memory(t testing.TB, field string) int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kB, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kB << 10
		}
	}
	t.Fatalf("no %s in %s", field, text)
	return 0
}
