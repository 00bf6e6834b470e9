package logging

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"
)

const (
	commitDelay   = time.Second // from the first change to the disk
	expiryPeriod  = time.Hour
	batchOfEvents = 256 // taken from the queue before anything else is looked at
)

// Run owns the store until ctx ends: it takes events from the queue, commits once a second and expires once an hour. Then
// it empties the queue, commits and closes; stop the doors first. The error is what went wrong in closing.
func (s *Store) Run(ctx context.Context) error {
	if s.ran.Swap(true) {
		return errors.New("run traffic log: it has run already")
	}
	defer close(s.done)
	hourly := time.NewTicker(expiryPeriod)
	defer hourly.Stop()
	commit := time.NewTimer(commitDelay)
	defer commit.Stop()
	armed := true
	for {
		select {
		case <-ctx.Done():
			return s.close()
		case e := <-s.queue:
			s.absorb(e, batchOfEvents)
		case j := <-s.jobs:
			j.done <- j.do()
		case tick := <-commit.C:
			armed = false
			s.observe(tick)
			_ = s.commit()
		case tick := <-hourly.C:
			s.observe(tick)
			s.expire()
		}
		if !armed && s.pending.rows > 0 { // an idle store doesn't wake up each second
			commit.Reset(commitDelay)
			armed = true
		}
	}
}

// close empties the queue and leaves everything closed.
func (s *Store) close() error {
	s.closed.Store(true)
	s.drain()
	writeErr := s.commit()
	for d := range s.pending.days {
		s.lost.Add(s.pending.drop(d))
	}
	s.observe(time.Time{})
	if err := errors.Join(writeErr, s.saveClock(), s.segments.shutAll(), s.meta.Close()); err != nil {
		return fmt.Errorf("close traffic log: %w", err)
	}
	return nil
}

// drain takes in what is in the queue now.
func (s *Store) drain() {
	if n := len(s.queue); n > 0 {
		s.absorb(<-s.queue, n)
	}
}

// absorb takes in e and up to most-1 events from the queue behind it.
func (s *Store) absorb(e Event, most int) {
	now := s.clock.believed(s.wall())
	today := DayOf(now, s.options.Location)
	s.take(e, now, today)
	for range most - 1 {
		select {
		case e = <-s.queue:
			s.take(e, now, today)
		default:
			return
		}
	}
}

// take adds e to what is pending, and forgets the rest of it.
func (s *Store) take(e Event, now time.Time, today Day) {
	if e.At.IsZero() || e.At.After(now) {
		e.At = now // H6: the term runs from the day it was obtained, never from a later one
	}
	if e.At.Unix() < 0 {
		s.lost.Add(1)
		return
	}
	slot := slotOf(e.At)
	day := s.days.of(slot)
	if overdue(day, today, s.options.Retention) {
		s.lost.Add(1)
		return
	}
	k, key := s.reduce(e, slot, day)
	t := s.pending.tally(day, k, key)
	if t == nil && s.troubles["commit"] == "" { // no room: write early
		_ = s.commit() // it reports what is wrong itself
		t = s.pending.tally(day, k, key)
	}
	if t == nil {
		s.lost.Add(1)
		return
	}
	t.add(e.Up, e.Down)
	if !k.counter {
		t.device = cut(e.Device)
	}
	if !k.counter && !sensitive(k.category) {
		t.rule = ruleOf(e.Rule)
	}
}

// reduce keeps of an event what a record may be known by. The key is nil for a counter.
func (s *Store) reduce(e Event, slot uint32, day Day) (k rowKey, key *monthKey) {
	k = rowKey{slot: slot, outcome: e.Outcome, category: cut(e.Category), door: cut(e.Door)}
	if s.options.Mode == Pseudonymous && !e.Counted {
		key = s.key(day.month())
	}
	if key == nil { // also while the key cannot be kept: forgetting is the safe side
		k.counter = true
		k.slot -= slot % slotsPerHour
		return k, nil
	}
	if e.Identity != "" {
		k.person, k.epoch = key.pseudonym(e.Identity), key.epoch
	}
	if !sensitive(k.category) {
		k.site = s.sites.site(e.Host)
	}
	return k, key
}

// key returns the key of m, nil when it cannot be had now.
func (s *Store) key(m month) *monthKey {
	if k := s.keys.months[m]; k != nil {
		return k
	}
	k, aside, err := s.keys.of(m)
	if aside {
		s.noteAside(errCorrupt)
	}
	s.report("key", err)
	return k
}

// commit writes what is pending, one transaction a day. What cannot be written stays pending, and is tried again by the
// next commit; the error has been reported.
func (s *Store) commit() error {
	s.keys.retry()
	today := s.today()
	var errs []error
	for _, d := range slices.Sorted(maps.Keys(s.pending.days)) {
		if overdue(d, today, s.options.Retention) {
			s.lost.Add(s.pending.drop(d))
			continue
		}
		if err := s.write(d); err != nil {
			errs = append(errs, err)
			continue
		}
		requests := s.pending.drop(d)
		now := s.wall()
		s.update(func(st *Stats) {
			st.Recorded += requests
			st.Commits++
			st.LastCommit = now
		})
	}
	err := errors.Join(errs...)
	s.report("commit", err)
	s.survey()
	return err
}

// write writes one day, into a fresh file when the one that is there is damaged.
func (s *Store) write(d Day) error {
	rows := s.pending.days[d]
	err := s.segments.write(d, rows)
	if !errors.Is(err, errCorrupt) {
		return err
	}
	if e := s.segments.setAside(d); e != nil {
		return errors.Join(err, e)
	}
	s.noteAside(err)
	return s.segments.write(d, rows)
}

// today returns the day that deletion and new records go by.
func (s *Store) today() Day {
	return DayOf(s.clock.believed(s.wall()), s.options.Location)
}

// expire deletes what is overdue.
func (s *Store) expire() {
	today, retention := s.today(), s.options.Retention
	removed, err := s.segments.remove(func(d Day) bool { return overdue(d, today, retention) })
	s.report("expire", errors.Join(err, s.keys.expire(today, retention)))
	if removed > 0 {
		s.log.Info("expired day files deleted", zap.Int("files", removed))
		s.survey()
	}
}

// survey counts what is on disk.
func (s *Store) survey() {
	files, err := s.segments.list()
	s.report("survey", err)
	if err != nil {
		return
	}
	var bytes int64
	var days, aside int
	var oldest Day
	for _, f := range files {
		if info, err := os.Lstat(f.path()); err == nil {
			bytes += info.Size()
		}
		if f.aside() {
			aside++
			continue
		}
		if days == 0 || f.day < oldest {
			oldest = f.day
		}
		days++
	}
	s.update(func(st *Stats) { st.Bytes, st.Days, st.SetAside, st.Oldest = bytes, days, aside, oldest })
}

// report keeps the state of an operation, and logs it when it changes.
func (s *Store) report(operation string, err error) {
	class := trouble(err)
	if s.troubles[operation] == class {
		return
	}
	if class == "" {
		delete(s.troubles, operation)
		s.log.Info("traffic log works again", zap.String("operation", operation))
	} else {
		s.troubles[operation] = class
		s.log.Error("traffic log has trouble", zap.String("operation", operation), zap.String("class", class), zap.Error(err))
	}
	text := ""
	if operations := slices.Sorted(maps.Keys(s.troubles)); len(operations) > 0 {
		text = operations[0] + ": " + s.troubles[operations[0]]
	}
	s.update(func(st *Stats) { st.Trouble = text })
}

func (s *Store) noteAside(err error) {
	s.log.Error("damaged file of the traffic log set aside", zap.Error(err))
}
