package filter_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"

	"github.com/keersluis/keersluis/filter"
)

// million returns a list of n names such as real lists hold: mostly two labels, 15-20 bytes.
func million(n int) filter.List {
	return filter.List{Name: "bench.txt", Category: "porn", Entries: func(yield func(filter.Entry) bool) {
		rng := rand.New(rand.NewPCG(1, 1))
		buf := make([]byte, 0, 64)
		for i := range n {
			buf = append(buf[:0], "site-"...)
			buf = strconv.AppendUint(buf, rng.Uint64()>>24, 36)
			buf = append(buf, []byte([]string{".com", ".nl", ".example.net", ".co.uk"}[i%4])...)
			if !yield(filter.Entry{Line: i + 1, Host: buf}) {
				return
			}
		}
	}}
}

// BenchmarkDecide asks a million names; the budget is 500 ns and no allocation.
func BenchmarkDecide(b *testing.B) {
	const n = 1_000_000
	p := filter.NewPolicy(rules(b), compile(b, million(n)))
	var listed, unlisted []filter.Host
	for e := range million(n).Entries {
		if e.Line%997 == 0 {
			listed = append(listed, host(b, "www."+string(bytes.Clone(e.Host))))
			unlisted = append(unlisted, host(b, fmt.Sprintf("www.other%d.example.org", e.Line)))
		}
	}
	client := filter.Client{Roles: []filter.Role{filter.Employee}}
	for _, bb := range []struct {
		name  string
		hosts []filter.Host
	}{{"listed", listed}, {"unlisted", unlisted}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r := filter.Request{Host: bb.hosts[i%len(bb.hosts)], Client: client, At: noon}
				if v := p.Decide(r); v.Blocked() != (bb.name == "listed") {
					b.Fatalf("Decide(%s) = %s", r.Host, v.Action)
				}
				i++
			}
		})
	}
}

// BenchmarkCompile compiles a million names and reports what the snapshot keeps.
func BenchmarkCompile(b *testing.B) {
	var s *filter.Snapshot
	for b.Loop() {
		s = compile(b, million(1_000_000))
	}
	b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "B/name")
	runtime.KeepAlive(s)
}
