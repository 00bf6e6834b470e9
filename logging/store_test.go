package logging_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/keersluis/keersluis/logging"
)

var noon = time.Date(2026, 11, 21, 12, 7, 0, 0, time.UTC)

// running opens and runs a store until stop is called or the test ends, and then verifies every file of it.
func running(t testing.TB, dir string, o logging.Options) (s *logging.Store, stop func()) {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	s, err := logging.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
		verify(t, dir)
	}
	t.Cleanup(stop)
	return s, stop
}

// verify runs bbolt's own check over every file, and sees to the modes.
func verify(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: others can get at it", path, info.Mode())
		}
		if filepath.Ext(path) != ".db" {
			return nil
		}
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
		if err != nil {
			t.Errorf("open %s: %v", path, err)
			return nil
		}
		defer db.Close()
		return db.View(func(tx *bbolt.Tx) error {
			for err := range tx.Check() {
				t.Errorf("check %s: %v", path, err)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func records(t testing.TB, s *logging.Store, from, to logging.Day) []logging.Record {
	t.Helper()
	var all []logging.Record
	err := s.Read(context.Background(), from, to, func(r logging.Record) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func day(t testing.TB, s string) logging.Day {
	t.Helper()
	d, err := logging.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func requests(all []logging.Record) (n uint64) {
	for _, r := range all {
		n += r.Requests
	}
	return n
}

var someEvent = logging.Event{
	At: noon, Identity: "j.jansen", Host: "www.example.nl", Category: "news", Outcome: logging.Allowed,
	Door: "http", Device: "managed-pc", Rule: "news.txt:12", Up: 10, Down: 100,
}

func TestRecordCoalesces(t *testing.T) {
	s, stop := running(t, t.TempDir(), logging.Options{Mode: logging.Pseudonymous, Organisation: "test"})
	other := func(change func(*logging.Event)) logging.Event {
		e := someEvent
		change(&e)
		return e
	}
	tests := []struct {
		name  string
		event logging.Event
		rows  int // in all, after it
	}{
		{"first", someEvent, 1},
		{"same", someEvent, 1},
		{"other host of the site", other(func(e *logging.Event) { e.Host = "img.cdn.example.nl" }), 1},
		{"later in the slot", other(func(e *logging.Event) { e.At = noon.Add(6 * time.Minute) }), 1}, // the clock clamps
		{"other device", other(func(e *logging.Event) { e.Device = "byod" }), 1},
		{"other person", other(func(e *logging.Event) { e.Identity = "p.pieters" }), 2},
		{"nobody", other(func(e *logging.Event) { e.Identity = "" }), 3},
		{"other site", other(func(e *logging.Event) { e.Host = "example.com" }), 4},
		{"other category", other(func(e *logging.Event) { e.Category = "gambling" }), 5},
		{"other outcome", other(func(e *logging.Event) { e.Outcome = logging.Blocked }), 6},
		{"other door", other(func(e *logging.Event) { e.Door = "dns" }), 7},
		{"other slot", other(func(e *logging.Event) { e.At = noon.Add(-15 * time.Minute) }), 8},
		{"counted", other(func(e *logging.Event) { e.Counted = true }), 9},
		{"counted, other person", other(func(e *logging.Event) { e.Counted = true; e.Identity = "p.pieters" }), 9},
		{"negative sizes", other(func(e *logging.Event) { e.Up = -5; e.Down = -5 }), 9},
	}
	d := day(t, "2026-11-21")
	for i, test := range tests {
		s.Record(test.event)
		all := records(t, s, d, d)
		if len(all) != test.rows || requests(all) != uint64(i+1) {
			t.Errorf("%s: %d rows of %d requests, want %d of %d", test.name, len(all), requests(all), test.rows, i+1)
		}
	}
	st := s.Stats()
	if st.Recorded != uint64(len(tests)) || st.Lost != 0 || st.Days != 1 || st.Oldest != d || st.Bytes == 0 || st.Trouble != "" {
		t.Errorf("Stats = %+v", st)
	}
	stop()
	if err := s.Flush(context.Background()); !errors.Is(err, logging.ErrClosed) {
		t.Errorf("Flush after the end = %v, want ErrClosed", err)
	}
	if s.Record(someEvent); s.Stats().Lost != 1 {
		t.Errorf("Lost = %d after an event past the end, want 1", s.Stats().Lost)
	}
}

// A record goes on where it was after a restart, so that one quarter is one record (H6 keeps its day).
func TestRecordCoalescesOverRestarts(t *testing.T) {
	dir := t.TempDir()
	d := day(t, "2026-11-21")
	o := logging.Options{Mode: logging.Pseudonymous, Organisation: "test"}
	for range 3 {
		s, stop := running(t, dir, o)
		s.Record(someEvent)
		stop()
	}
	s, _ := running(t, dir, o)
	all := records(t, s, d, d)
	if len(all) != 1 || all[0].Requests != 3 || all[0].Up != 30 || all[0].Down != 300 {
		t.Errorf("records = %+v, want one of 3 requests", all)
	}
}

// Every byte on disk is searched for what may never be there (D3), and in mode off for any pseudonym (D6).
func TestNothingPersonalOnDisk(t *testing.T) {
	for _, mode := range []logging.Mode{logging.Off, logging.Pseudonymous} {
		t.Run(mode.String(), func(t *testing.T) {
			dir := t.TempDir()
			s, stop := running(t, dir, logging.Options{Mode: mode, Organisation: "test"})
			never := []string{"jansen", "bergstraat", "www.", "secret", "203.0.113.9", "2001:db8::9", "huisarts", ":77", "printer", "gast-"}
			for _, e := range []logging.Event{
				someEvent,
				{Identity: "j.jansen", Host: "huisarts-bergstraat.nl", Category: "health", Outcome: logging.Allowed, Door: "connect", Rule: "health:77"},
				{Identity: "j.jansen", Host: "203.0.113.9", Outcome: logging.Blocked, Door: "http", Rule: "own.txt:77"},
				{Identity: "j.jansen", Host: "2001:db8::9", Outcome: logging.Blocked, Door: "http"},
				{Identity: "j.jansen", Host: "printer-jansen", Outcome: logging.Allowed, Door: "dns"},
				{Identity: "j.jansen", Host: "printer-jansen.lan", Outcome: logging.Allowed, Door: "dns"},
				{Identity: "j.jansen", Host: "example.nl/secret?q=secret", Outcome: logging.Allowed, Door: "http"},
				{Identity: "gast-1", Host: "www.secret.nl", Outcome: logging.Allowed, Door: "http", Counted: true},
			} {
				s.Record(e)
			}
			d := day(t, "2026-11-21")
			all := records(t, s, d, d)
			stop()
			for _, r := range all {
				if !r.Person.IsZero() {
					never = append(never, r.Person.String())
				}
				if mode == logging.Off && (!r.Person.IsZero() || r.Site != "" || r.Device != "" || r.Rule != "" || r.Slot.Minute() != 0) {
					t.Errorf("mode off kept %+v", r)
				}
			}
			if mode == logging.Off {
				never = append(never, "example", "managed-pc")
			}
			search(t, dir, never)
			keys, err := os.ReadDir(filepath.Join(dir, "keys"))
			if err != nil {
				t.Fatal(err)
			}
			if want := int(mode); len(keys) != want { // Off is 0, Pseudonymous 1
				t.Errorf("%d keys on disk, want %d", len(keys), want)
			}
		})
	}
}

func search(t *testing.T, dir string, never []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, s := range never {
			if bytes.Contains(bytes.ToLower(b), []byte(s)) {
				t.Errorf("%s holds %q", path, s)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestQueueFull(t *testing.T) {
	dir := t.TempDir()
	s, err := logging.Open(dir, logging.Options{Mode: logging.Pseudonymous, Queue: 10, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		s.Record(someEvent)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Recorded != 10 || st.Lost != 15 {
		t.Errorf("recorded %d, lost %d; want 10 and 15", st.Recorded, st.Lost)
	}
	if err := s.Run(ctx); err == nil {
		t.Error("a second Run is no error")
	}
	verify(t, dir)
}

func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	running(t, dir, logging.Options{})
	if _, err := logging.Open(dir, logging.Options{Now: time.Now}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second Open = %v", err)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []logging.Options{{}, {Now: time.Now, Retention: 7}, {Now: time.Now, Retention: -1}} {
		if _, err := logging.Open(t.TempDir(), o); err == nil {
			t.Errorf("Open with retention %d, clock %t is no error", o.Retention, o.Now != nil)
		}
	}
	for _, m := range []logging.Mode{logging.Off, logging.Pseudonymous} {
		if got, err := logging.ParseMode(m.String()); err != nil || got != m {
			t.Errorf("ParseMode(%s) = %v, %v", m, got, err)
		}
	}
	if _, err := logging.ParseMode("everything"); err == nil {
		t.Error("ParseMode takes an unknown mode")
	}
}

// A disk that fails is visible, stops no door and, when it recovers, nothing was lost.
func TestDiskFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		year := filepath.Join(dir, "segments", "2026")
		s, _ := running(t, dir, logging.Options{Mode: logging.Pseudonymous})
		if err := os.WriteFile(year, nil, 0o600); err != nil { // in the way of the folder
			t.Fatal(err)
		}
		s.Record(someEvent)
		time.Sleep(3 * time.Second) // synctest's
		if st := s.Stats(); st.Trouble != "commit: other" || st.Recorded != 0 || st.Lost != 0 {
			t.Errorf("while failing: %+v", st)
		}
		d := day(t, "2026-11-21")
		if err := s.Read(t.Context(), d, d, nil); err == nil {
			t.Error("Read while failing is no error")
		}
		if err := os.Remove(year); err != nil {
			t.Fatal(err)
		}
		s.Record(someEvent)
		time.Sleep(2 * time.Second)
		if st := s.Stats(); st.Trouble != "" || st.Recorded != 2 || st.Lost != 0 {
			t.Errorf("after recovery: %+v", st)
		}
	})
}

// While the disk fails the memory stays bounded, and what doesn't fit is counted.
func TestDiskFailsForLong(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "segments"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "segments", "2026"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const most, more = 100_000, 500
	s, err := logging.Open(dir, logging.Options{Mode: logging.Pseudonymous, Queue: most + more, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	for i := range most + more {
		e := someEvent
		e.Category = fmt.Sprint(i)
		s.Record(e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err == nil {
		t.Error("Run ended without an error although records were lost")
	}
	if st := s.Stats(); st.Lost != most+more || st.Recorded != 0 {
		t.Errorf("lost %d, recorded %d; want %d and 0", st.Lost, st.Recorded, most+more)
	}
}

// A damaged day file, of whatever kind, is set aside where it can be seen, and the store goes on with a fresh one.
func TestDamagedSegment(t *testing.T) {
	damage := map[string]func(t *testing.T, path string){
		"empty of sense": func(t *testing.T, path string) { write(t, path, []byte(strings.Repeat("x", 50_000))) },
		"short":          func(t *testing.T, path string) { write(t, path, []byte("x")) },
		"cut":            func(t *testing.T, path string) { cutTo(t, path, 8192) },
		"half a page":    func(t *testing.T, path string) { cutTo(t, path, 100) },
		"folder": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
		"pages overwritten": func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 2 * os.Getpagesize(); i < len(b); i++ {
				b[i] = 0xff
			}
			write(t, path, b)
		},
	}
	d := day(t, "2026-11-21")
	for name, do := range damage {
		for _, reading := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reading %t", name, reading), func(t *testing.T) {
				dir := t.TempDir()
				o := logging.Options{Mode: logging.Pseudonymous}
				s, stop := running(t, dir, o)
				s.Record(someEvent)
				stop()
				do(t, filepath.Join(dir, "segments", "2026", "2026-11-21.db"))
				s, _ = running(t, dir, o)
				if reading {
					if err := s.Read(t.Context(), d, d, func(logging.Record) error { return nil }); err == nil {
						t.Error("Read of a damaged day is no error")
					}
				}
				s.Record(someEvent)
				all := records(t, s, d, d)
				if st := s.Stats(); len(all) != 1 || st.SetAside != 1 || st.Recorded != 1 || st.Trouble != "" {
					t.Errorf("%d records, %+v", len(all), st)
				}
			})
		}
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func cutTo(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// Damage to the files that outlive a day is survived too, and a new key is a new epoch.
func TestDamagedMetaAndKey(t *testing.T) {
	dir := t.TempDir()
	d := day(t, "2026-11-21")
	o := logging.Options{Mode: logging.Pseudonymous}
	s, stop := running(t, dir, o)
	s.Record(someEvent)
	stop()
	write(t, filepath.Join(dir, "meta.db"), []byte("nonsense"))
	write(t, filepath.Join(dir, "keys", "2026-11.key"), []byte("nonsense"))
	s, _ = running(t, dir, o)
	s.Record(someEvent)
	all := records(t, s, d, d)
	if len(all) != 2 || all[0].Epoch == all[1].Epoch || all[0].Person == all[1].Person {
		t.Errorf("records = %+v, want two of different epochs", all)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "*", "*.corrupt-1"))
	if err != nil || len(aside) != 1 {
		t.Errorf("keys set aside: %v, %v", aside, err)
	}
}

func TestReadRefusals(t *testing.T) {
	s, _ := running(t, t.TempDir(), logging.Options{Mode: logging.Pseudonymous})
	d := day(t, "2026-11-21")
	if err := s.Read(t.Context(), d, d-1, nil); err == nil {
		t.Error("a period that ends before it begins is no error")
	}
	if err := s.Read(t.Context(), day(t, "2026-05-21"), d, nil); !errors.Is(err, logging.ErrExpired) {
		t.Errorf("Read from an overdue day = %v, want ErrExpired", err)
	}
	if got := records(t, s, day(t, "2026-05-22"), d+400); len(got) != 0 {
		t.Errorf("an empty store gave %d records", len(got))
	}
	s.Record(someEvent)
	stop := errors.New("enough")
	if err := s.Read(t.Context(), d, d, func(logging.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Read = %v, want what yield returned", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Flush(ended); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Flush with an ended context = %v", err)
	}
}

// Pages join up: nothing is read twice, and nothing is left out.
func TestReadPages(t *testing.T) {
	s, _ := running(t, t.TempDir(), logging.Options{Mode: logging.Pseudonymous})
	const n = 2500
	for i := range n {
		e := someEvent
		e.Category = fmt.Sprint(i)
		s.Record(e)
		e.Counted = true
		s.Record(e)
	}
	d := day(t, "2026-11-21")
	type row struct {
		category string
		counter  bool
	}
	seen, want := make(map[row]int), make(map[row]int)
	for _, r := range records(t, s, d-1, d) {
		seen[row{r.Category, r.Person.IsZero()}]++
	}
	for i := range n {
		want[row{fmt.Sprint(i), true}], want[row{fmt.Sprint(i), false}] = 1, 1
	}
	if !maps.Equal(seen, want) {
		t.Errorf("read %d different records, want each of %d once", len(seen), len(want))
	}
}
