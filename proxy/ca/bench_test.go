package ca_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/proxy/ca"
)

// BenchmarkMint makes a new certificate each time. Budget: 0.3 ms.
func BenchmarkMint(b *testing.B) {
	a := open(b, b.TempDir(), ca.Options{Now: time.Now, CRLURL: crlURL})
	hosts := make([]filter.Host, 20_000) // twice the cache, in a round: never a hit
	for i := range hosts {
		hosts[i] = host(b, "host"+strconv.Itoa(i)+".example.org")
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := a.Certificate(b.Context(), hosts[i%len(hosts)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCached asks for one that is there. Budget: 200 ns, no allocation.
func BenchmarkCached(b *testing.B) {
	a := open(b, b.TempDir(), ca.Options{Now: time.Now})
	h := host(b, "example.org")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Certificate(b.Context(), h); err != nil {
			b.Fatal(err)
		}
	}
}
