package logging

import (
	"context"
	"errors"
	"fmt"
)

// job is something to be done by the goroutine that owns the store.
type job struct {
	do   func() error
	done chan error // buffered: nobody may be waiting any more
}

// ask has do done by Run and returns its error. When ctx ends first, do may still be done.
func (s *Store) ask(ctx context.Context, do func() error) error {
	j := job{do, make(chan error, 1)}
	select {
	case s.jobs <- j:
	case <-s.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Flush returns when everything recorded before the call is on disk. It needs a running store.
func (s *Store) Flush(ctx context.Context) error {
	return s.ask(ctx, s.flush)
}

func (s *Store) flush() error {
	s.drain()
	if err := s.commit(); err != nil {
		return fmt.Errorf("flush traffic log: %w", err)
	}
	return nil
}

// Read calls yield for each record of the days from..to, day by day, in no particular order within one. It flushes and
// expires first. A period that begins before the first day that may be read is [ErrExpired], whatever is on disk. An
// error of yield ends the reading and is returned. The writer goes on between pages, so that records of the running
// quarter may be older than others.
//
// Only package audit may call it. A damaged day is set aside and returned as an error; the next call reads without it.
// It needs a running store.
func (s *Store) Read(ctx context.Context, from, to Day, yield func(Record) error) error {
	if to < from {
		return fmt.Errorf("read traffic log: %s comes after %s", from, to)
	}
	err := s.ask(ctx, func() error {
		if err := s.readable(from); err != nil {
			return err
		}
		s.expire()
		to = min(to, s.readingDay())
		return s.flush()
	})
	if err != nil {
		return fmt.Errorf("read traffic log: %w", err)
	}
	for d := from; d <= to; d++ {
		if err := s.readDay(ctx, d, yield); err != nil {
			return fmt.Errorf("read traffic log: %w", err)
		}
	}
	return nil
}

func (s *Store) readDay(ctx context.Context, d Day, yield func(Record) error) error {
	var at place
	for !at.done {
		var records []Record
		err := s.ask(ctx, func() (err error) {
			if err := s.readable(d); err != nil {
				return err
			}
			records, at, err = s.segments.page(d, at)
			if errors.Is(err, errCorrupt) {
				s.noteAside(err)
				err = errors.Join(err, s.segments.setAside(d))
				s.survey()
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := yield(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// readingDay returns the day that reading goes by.
func (s *Store) readingDay() Day {
	return DayOf(s.clock.latest(s.wall()), s.options.Location)
}

func (s *Store) readable(d Day) error {
	if overdue(d, s.readingDay(), s.options.Retention) {
		return fmt.Errorf("%s: %w", d, ErrExpired)
	}
	return nil
}
