package logging_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keersluis/keersluis/logging"
)

func TestAddMonths(t *testing.T) {
	for _, test := range []struct {
		from   string
		months int
		want   string
	}{
		{"2026-08-31", 6, "2027-02-28"},
		{"2027-08-31", 6, "2028-02-29"}, // leap year
		{"2027-08-30", 6, "2028-02-29"},
		{"2027-08-29", 6, "2028-02-29"},
		{"2027-08-28", 6, "2028-02-28"},
		{"2026-12-31", 6, "2027-06-30"},
		{"2026-10-31", 6, "2027-04-30"},
		{"2028-02-29", 6, "2028-08-29"},
		{"2026-11-21", 6, "2027-05-21"},
		{"2026-01-31", 1, "2026-02-28"},
		{"2026-12-31", 2, "2027-02-28"},
	} {
		if got := day(t, test.from).AddMonths(test.months).String(); got != test.want {
			t.Errorf("%s and %d months = %s, want %s", test.from, test.months, got, test.want)
		}
	}
}

func FuzzParseDay(f *testing.F) {
	f.Add("2026-11-21")
	f.Add("1969-12-31")
	f.Add("0000-01-01")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := logging.ParseDay(s); err == nil && d.String() != s {
			t.Errorf("ParseDay(%q) = %s", s, d)
		}
	})
}

// amsterdam returns the moment of a local wall clock.
func amsterdam(t testing.TB, s string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation(time.DateTime, s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// from returns a clock that reads start now and goes on with the time of the bubble.
func from(start time.Time) func() time.Time {
	begun := time.Now()
	return func() time.Time { return start.Add(time.Since(begun)) }
}

// lives says independently of the store on which day the law wants the segment of d gone: the first day on which it
// is six months old, found by counting.
func lives(d time.Time, today time.Time) bool {
	months := (today.Year()-d.Year())*12 + int(today.Month()-d.Month())
	if months != 6 {
		return months < 6
	}
	if lastOfMonth := today.AddDate(0, 0, 1).Month() != today.Month(); lastOfMonth {
		return false // 29, 30 and 31 die here too when the month is shorter
	}
	return today.Day() < d.Day()
}

// span is a time during which the store runs, from the first to the last day.
type span struct{ from, to string }

// The store is walked day by day over seven months: over 31 August, 31 December, the leap day and both changes of the
// clock; and once more over a turn of the year and, after being switched off, over the days on which that expires. Exactly
// the days that may exist do (H1, H2, H6).
func TestSevenMonths(t *testing.T) {
	for name, spans := range map[string][]span{
		"running":      {{"2027-08-25", "2028-04-01"}},
		"switched off": {{"2026-12-28", "2027-01-03"}, {"2027-06-26", "2027-07-05"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { walk(t, spans) })
		})
	}
}

func walk(t *testing.T, spans []span) {
	dir := t.TempDir()
	now := from(amsterdam(t, spans[0].from+" 00:00:30"))
	var days []time.Time // on which something was recorded
	for _, span := range spans {
		// 01:30 of each local day, which is 23, 24 or 25 hours after the last: the hourly expiry has passed midnight.
		at, end := amsterdam(t, span.from+" 01:30:00"), amsterdam(t, span.to+" 23:00:00")
		time.Sleep(at.Sub(now()))
		s, stop := running(t, dir, logging.Options{Mode: logging.Pseudonymous, Now: now})
		recorded := uint64(0)
		for ; at.Before(end); at = at.AddDate(0, 0, 1) {
			time.Sleep(at.Sub(now()))
			today := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
			checkDays(t, s, dir, days, today)
			s.Record(logging.Event{Identity: "j.jansen", Host: "example.nl", Outcome: logging.Allowed, Door: "http"})
			recorded++
			days = append(days, today)
			time.Sleep(2 * time.Second)
		}
		if st := s.Stats(); st.Recorded != recorded || st.Lost != 0 || st.ClockSuspect || st.Trouble != "" {
			t.Errorf("after %d days: %+v", len(days), st)
		}
		stop()
	}
}

func checkDays(t *testing.T, s *logging.Store, dir string, days []time.Time, today time.Time) {
	t.Helper()
	months := make(map[string]bool)
	alive := 0
	for _, d := range days {
		name := d.Format(time.DateOnly)
		_, err := os.Stat(filepath.Join(dir, "segments", name[:4], name+".db"))
		exists, want := err == nil, lives(d, today)
		if exists != want {
			t.Errorf("on %s: segment %s exists: %t, want %t", today.Format(time.DateOnly), name, exists, want)
		}
		months[name[:7]] = lives(time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC), today)
		if want {
			alive++
		}
	}
	for m, want := range months {
		if _, err := os.Stat(filepath.Join(dir, "keys", m+".key")); (err == nil) != want {
			t.Errorf("on %s: key of %s exists: %t, want %t", today.Format(time.DateOnly), m, err == nil, want)
		}
	}
	if len(days) == 0 {
		return
	}
	if st := s.Stats(); st.Days != alive || st.Oldest.String() != days[len(days)-alive].Format(time.DateOnly) {
		t.Errorf("on %s: %d days from %s, want %d", today.Format(time.DateOnly), st.Days, st.Oldest, alive)
	}
	for i, d := range days { // the border only: reading them all each day would take minutes
		if i != len(days)-alive && i != len(days)-alive-1 {
			continue
		}
		n := 0
		which := day(t, d.Format(time.DateOnly))
		err := s.Read(t.Context(), which, which, func(logging.Record) error { n++; return nil })
		if want := lives(d, today); (err == nil && n == 1) != want || errors.Is(err, logging.ErrExpired) == want {
			t.Errorf("on %s: reading %s gives %d records, %v; want it readable: %t", today.Format(time.DateOnly), d.Format(time.DateOnly), n, err, want)
		}
	}
}

// A month key outlives its month until the last segment made with it is gone.
func TestShortRetention(t *testing.T) {
	dir := t.TempDir()
	now := amsterdam(t, "2026-08-31 12:00:00")
	o := logging.Options{Mode: logging.Pseudonymous, Retention: 1, Now: func() time.Time { return now }}
	for _, step := range []struct {
		at    string
		files int // day files and keys, before today's record
	}{
		{"2026-08-31 12:00:00", 0},
		{"2026-09-29 23:59:59", 2},
		{"2026-09-30 00:00:00", 2}, // August's went, September's came
		{"2026-10-01 00:00:00", 3},
	} {
		now = amsterdam(t, step.at)
		s, stop := running(t, dir, o)
		files := glob(t, dir, "segments", "*", "*.db") + glob(t, dir, "keys", "*.key")
		if files != step.files {
			t.Errorf("at %s: %d files, want %d", step.at, files, step.files)
		}
		s.Record(logging.Event{Identity: "j.jansen", Host: "example.nl", Outcome: logging.Allowed, Door: "http"})
		stop()
	}
}

func glob(t *testing.T, parts ...string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// A segment put back after its time, from a backup say, is gone at the next start and unreadable before.
func TestRestoredSegment(t *testing.T) {
	dir := t.TempDir()
	now := noon
	o := logging.Options{Mode: logging.Pseudonymous, Now: func() time.Time { return now }}
	s, stop := running(t, dir, o)
	s.Record(someEvent)
	stop()
	path := filepath.Join(dir, "segments", "2026", "2026-11-21.db")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := day(t, "2026-11-21")
	now = amsterdam(t, "2027-05-21 00:00:00")
	for _, aside := range []string{"", ".corrupt-1"} {
		s, stop = running(t, dir, o)
		write(t, path+aside, old)
		if err := s.Read(t.Context(), d, d, nil); !errors.Is(err, logging.ErrExpired) {
			t.Errorf("Read = %v, want ErrExpired", err)
		}
		records(t, s, d+1, d+1) // any reading expires first
		if _, err := os.Stat(path + aside); err == nil {
			t.Error("the restored file is still there")
		}
		stop()
		write(t, path+aside, old)
		_, stop = running(t, dir, o)
		if _, err := os.Stat(path + aside); err == nil {
			t.Error("the restored file survived a start")
		}
		stop()
	}
}

// Late events go to the day they happened on, overdue ones nowhere, and the future is today.
func TestLateEvents(t *testing.T) {
	dir := t.TempDir()
	now := amsterdam(t, "2026-11-22 00:30:00")
	s, _ := running(t, dir, logging.Options{Mode: logging.Pseudonymous, Now: func() time.Time { return now }})
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{amsterdam(t, "2026-11-21 23:59:59"), "2026-11-21"},
		{amsterdam(t, "2026-11-22 00:00:00"), "2026-11-22"},
		{amsterdam(t, "2026-10-02 12:00:00"), "2026-10-02"},
		{now.AddDate(1, 0, 0), "2026-11-22"},
		{time.Time{}, "2026-11-22"},
	} {
		e := someEvent
		e.At = test.at
		s.Record(e)
		d := day(t, test.want)
		if all := records(t, s, d, d); len(all) == 0 {
			t.Errorf("event of %v is not on %s", test.at, test.want)
		}
	}
	for _, at := range []time.Time{now.AddDate(0, -7, 0), time.Unix(-1, 0), amsterdam(t, "2026-05-22 23:59:59")} {
		before := s.Stats().Lost
		e := someEvent
		e.At = at
		s.Record(e)
		if err := s.Flush(t.Context()); err != nil || s.Stats().Lost != before+1 {
			t.Errorf("event of %v: lost %d, %v; want it lost", at, s.Stats().Lost-before, err)
		}
	}
	if got := glob(t, dir, "segments", "*", "*.db"); got != 3 {
		t.Errorf("%d day files, want 3", got)
	}
}

// Days are local: a quarter before and after each local midnight around the changes of the clock.
func TestDaysAreLocal(t *testing.T) {
	loc := amsterdam(t, "2026-01-01 00:00:00").Location()
	for _, test := range []struct{ utc, want string }{
		{"2026-03-28T22:59:59Z", "2026-03-28"},
		{"2026-03-28T23:00:00Z", "2026-03-29"}, // 23 hours long
		{"2026-03-29T21:59:59Z", "2026-03-29"},
		{"2026-03-29T22:00:00Z", "2026-03-30"},
		{"2026-10-24T22:00:00Z", "2026-10-25"}, // 25 hours long
		{"2026-10-25T22:59:59Z", "2026-10-25"},
		{"2026-10-25T23:00:00Z", "2026-10-26"},
	} {
		at, err := time.Parse(time.RFC3339, test.utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := logging.DayOf(at, loc).String(); got != test.want {
			t.Errorf("%s falls on %s, want %s", test.utc, got, test.want)
		}
	}
}

// jumpy is a wall clock that can be set, over the time of the bubble, which is the witness.
type jumpy struct{ offset atomic.Int64 }

func (j *jumpy) now() time.Time {
	return noon.Add(time.Since(bubble()) + time.Duration(j.offset.Load()))
}

// bubble returns when every synctest bubble begins.
func bubble() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

func TestClockJumps(t *testing.T) {
	const month = 31 * 24 * time.Hour
	d := day(t, "2026-11-21")
	tests := []struct {
		name    string
		jump    time.Duration
		back    time.Duration // set after the jump, before looking
		confirm bool
		exists  bool
		expired bool
		suspect bool
	}{
		{name: "half a day", jump: 12 * time.Hour, exists: true},
		{name: "two days", jump: 48 * time.Hour, exists: true, suspect: true},
		{name: "seven months", jump: 7 * month, exists: true, expired: true, suspect: true},
		{name: "seven months, confirmed", jump: 7 * month, confirm: true, expired: true},
		{name: "seven months and back", jump: 7 * month, back: 7 * month, exists: true},
		{name: "a month back", jump: -month, exists: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				var clock jumpy
				s, stop := running(t, dir, logging.Options{Mode: logging.Pseudonymous, Now: clock.now})
				s.Record(someEvent)
				time.Sleep(3 * time.Hour)
				clock.offset.Add(int64(test.jump))
				time.Sleep(2 * time.Hour)
				clock.offset.Add(-int64(test.back))
				time.Sleep(2 * time.Hour)
				if test.confirm {
					if err := s.ConfirmClock(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				check := func(s *logging.Store, when string) {
					err := s.Read(t.Context(), d, d, func(logging.Record) error { return nil })
					exists := glob(t, dir, "segments", "2026", "2026-11-21.db") == 1
					suspect := s.Stats().ClockSuspect
					if errors.Is(err, logging.ErrExpired) != test.expired || exists != test.exists || suspect != test.suspect {
						t.Errorf("%s: exists %t, suspect %t, Read = %v", when, exists, suspect, err)
					}
				}
				check(s, "running")
				stop()
				s, stop = running(t, dir, logging.Options{Mode: logging.Pseudonymous, Now: clock.now})
				check(s, "after a restart")
				stop()
			})
		})
	}
}

// Being switched off is normal up to the retention; beyond it a person must confirm. What is overdue is never readable.
func TestStartAfterAGap(t *testing.T) {
	d := day(t, "2026-11-21")
	for _, test := range []struct {
		at      string
		exists  bool
		expired bool
		suspect bool
	}{
		{"2026-11-24 08:00:00", true, false, false}, // a long weekend
		{"2027-05-20 23:59:59", true, false, false},
		{"2027-05-21 00:00:00", false, true, false},
		{"2027-09-01 00:00:00", true, true, true},
		{"2036-01-01 00:00:00", true, true, true},
		{"2026-01-01 00:00:00", true, false, false}, // set back: the mark counts
	} {
		t.Run(test.at, func(t *testing.T) {
			dir := t.TempDir()
			now := noon
			o := logging.Options{Mode: logging.Pseudonymous, Now: func() time.Time { return now }}
			s, stop := running(t, dir, o)
			s.Record(someEvent)
			stop()
			now = amsterdam(t, test.at)
			for _, metaLost := range []bool{false, true} { // the newest day file tells as well
				if metaLost && test.suspect == false {
					continue
				}
				if metaLost {
					write(t, filepath.Join(dir, "meta.db"), []byte("nonsense"))
				}
				s, stop = running(t, dir, o)
				err := s.Read(t.Context(), d, d, func(logging.Record) error { return nil })
				exists := glob(t, dir, "segments", "2026", "2026-11-21.db") == 1
				if errors.Is(err, logging.ErrExpired) != test.expired || exists != test.exists || s.Stats().ClockSuspect != test.suspect {
					t.Errorf("meta lost %t: exists %t, Read = %v, %+v", metaLost, exists, err, s.Stats())
				}
				if !test.suspect {
					stop()
					continue
				}
				s.Record(logging.Event{Identity: "j.jansen", Host: "example.nl", Outcome: logging.Allowed, Door: "http"})
				if err := s.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := glob(t, dir, "segments", "*", "*.db"); got != 1 {
					t.Errorf("%d day files: a doubtful clock dates no file", got)
				}
				if metaLost {
					if err := s.ConfirmClock(t.Context()); err != nil || glob(t, dir, "segments", "*", "*.db") != 0 || s.Stats().ClockSuspect {
						t.Errorf("after confirming: %v, %+v", err, s.Stats())
					}
				}
				stop()
			}
		})
	}
}

// A clock that was wrong all along, and is then set right and confirmed, leaves no file that would outlive its term.
func TestConfirmDeletesTheFuture(t *testing.T) {
	dir := t.TempDir()
	wrong := make(chan bool, 1)
	wrong <- true
	now := func() time.Time {
		isWrong := <-wrong
		wrong <- isWrong
		if isWrong {
			return noon.AddDate(2, 0, 0)
		}
		return noon
	}
	s, _ := running(t, dir, logging.Options{Mode: logging.Pseudonymous, Now: now})
	e := someEvent
	e.At = time.Time{}
	s.Record(e)
	if err := s.Flush(t.Context()); err != nil || glob(t, dir, "segments", "2028", "*.db") != 1 {
		t.Fatalf("no file in 2028: %v", err)
	}
	<-wrong
	wrong <- false
	if err := s.ConfirmClock(t.Context()); err != nil || glob(t, dir, "segments", "2028", "*.db") != 0 {
		t.Errorf("the file of 2028 is still there: %v", err)
	}
	s.Record(e)
	d := day(t, "2026-11-21")
	if got := records(t, s, d, d); len(got) != 1 {
		t.Errorf("%d records on the right day, want 1", len(got))
	}
}
