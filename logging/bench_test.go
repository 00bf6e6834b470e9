package logging_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keersluis/keersluis/logging"
)

// BenchmarkRecord is what a request pays: under 1 µs, 0 allocations. The queue is emptied off the clock, so that every
// event really goes into it.
func BenchmarkRecord(b *testing.B) {
	const queue = 1 << 15
	s, _ := running(b, b.TempDir(), logging.Options{Mode: logging.Pseudonymous, Queue: queue})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%queue == queue-1 {
			b.StopTimer()
			if err := s.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		s.Record(someEvent)
	}
	if lost := s.Stats().Lost; lost > 0 {
		b.Errorf("%d events lost", lost)
	}
}

// BenchmarkRecordOverload is what a request pays while the store cannot keep up.
func BenchmarkRecordOverload(b *testing.B) {
	s, _ := running(b, b.TempDir(), logging.Options{Mode: logging.Pseudonymous})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Record(someEvent)
		}
	})
}

// BenchmarkSustained offers events of 1,000 people, 2,000 sites and 40 categories as fast as the store keeps up, and ends
// when the last is on disk. The store is offered no more than its queue holds, so that none may be lost.
func BenchmarkSustained(b *testing.B) {
	const window = 8192
	s, _ := running(b, b.TempDir(), logging.Options{Mode: logging.Pseudonymous, Now: time.Now})
	events := make([]logging.Event, window)
	for i := range events {
		events[i] = someEvent
		events[i].At = time.Time{}
		events[i].Identity = "person-" + strconv.Itoa(i*7%1000)
		events[i].Host = fmt.Sprintf("www.site%d.nl", i*i%2000)
		events[i].Category = "category-" + strconv.Itoa(i*i%2000%40)
	}
	ctx := context.Background()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s.Record(events[n%window])
		if n++; n%(8*window) == 0 {
			if err := s.Flush(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	st := s.Stats()
	if st.Recorded != uint64(n) {
		b.Errorf("recorded %d of %d, lost %d", st.Recorded, n, st.Lost)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(st.Commits), "commits")
	b.ReportMetric(float64(st.Bytes)/1e6, "MB-on-disk")
}

// BenchmarkCommit is one transaction of the given number of changed records, all in the running quarter, with its fsync.
func BenchmarkCommit(b *testing.B) {
	for _, rows := range []int{1, 100, 1000, 10_000} {
		b.Run(strconv.Itoa(rows), func(b *testing.B) {
			s, _ := running(b, b.TempDir(), logging.Options{Mode: logging.Pseudonymous})
			for b.Loop() {
				for i := range rows {
					e := someEvent
					e.Category = strconv.Itoa(i)
					s.Record(e)
				}
				if err := s.Flush(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead is what a report pays for a record.
func BenchmarkRead(b *testing.B) {
	s, _ := running(b, b.TempDir(), logging.Options{Mode: logging.Pseudonymous})
	const rows = 50_000
	for i := range rows {
		e := someEvent
		e.Category = strconv.Itoa(i)
		s.Record(e)
	}
	d := day(b, "2026-11-21")
	if err := s.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		if err := s.Read(context.Background(), d, d, func(logging.Record) error { n++; return nil }); err != nil || n != rows {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/record")
}

// BenchmarkExpiry is the deletion of one day of a thousand employees: file and folder entry.
func BenchmarkExpiry(b *testing.B) {
	now := noon
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		now = noon
		o := logging.Options{Mode: logging.Pseudonymous, Now: func() time.Time { return now }}
		s, stop := running(b, dir, o)
		for i := range 50_000 {
			e := someEvent
			e.Category = strconv.Itoa(i)
			s.Record(e)
		}
		stop()
		now = amsterdam(b, "2027-05-21 00:00:00")
		b.StartTimer()
		s, err := logging.Open(dir, o)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Run(ctx); err != nil || s.Stats().Days != 0 {
			b.Fatal(s.Stats(), err)
		}
		b.StartTimer()
	}
}

// BenchmarkDay is a working day of 1,000 people with 10,000 requests each: how large it is on disk, how fast it goes in
// and comes out. In a quarter a person makes 277 requests to some 25 sites: four pages with what they embed. Run it once:
// -benchtime 1x.
func BenchmarkDay(b *testing.B) {
	const persons, quarters, each, visited = 1000, 36, 277, 25
	for b.Loop() {
		var now atomic.Int64
		now.Store(noon.Add(-4 * time.Hour).Unix())
		s, stop := running(b, b.TempDir(), logging.Options{Mode: logging.Pseudonymous, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
		random := rand.New(rand.NewPCG(1, 2))
		sites := rand.NewZipf(random, 1.2, 20, 20_000)
		n := 0
		for range quarters {
			var visits [persons][visited]uint64
			for i := range persons * visited {
				visits[i/visited][i%visited] = sites.Uint64()
			}
			for i := range each * persons {
				site := visits[i%persons][random.IntN(visited)]
				e := someEvent
				e.At, e.Identity = time.Time{}, "person-"+strconv.Itoa(i%persons)
				e.Host, e.Category = fmt.Sprintf("www.site%d.nl", site), "category-"+strconv.FormatUint(site%40, 10)
				e.Up, e.Down = 800, random.Int64N(200_000)
				s.Record(e)
				if n++; n%30_000 == 0 { // some ten commits a quarter: fewer than in life, but each changes more
					flush(b, s)
				}
			}
			flush(b, s)
			now.Add(15 * 60)
		}
		st := s.Stats()
		if st.Lost > 0 || st.Recorded != uint64(n) {
			b.Errorf("%+v of %d", st, n)
		}
		b.ReportMetric(float64(st.Bytes)/1e6, "MB/day")
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		begun := time.Now()
		d := logging.DayOf(noon, time.UTC)
		rows := 0
		if err := s.Read(context.Background(), d, d, func(logging.Record) error { rows++; return nil }); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(rows), "records")
		b.ReportMetric(time.Since(begun).Seconds(), "s-to-read")
		stop()
	}
}

func flush(b *testing.B, s *logging.Store) {
	b.Helper()
	if err := s.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}
