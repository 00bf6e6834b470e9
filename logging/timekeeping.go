package logging

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// wall returns the time without its monotonic reading: comparing two times that have one says nothing of the wall clock,
// so that a jump would go unseen.
func (s *Store) wall() time.Time { return s.options.Now().Round(0) }

// ConfirmClock says that a person found the clock to be right now. Deletion goes on by it, and files of later days are
// deleted: they were written under a clock that was wrong, so their age cannot be known. It needs a running store.
//
// A machine that was suspended for more than a day looks as if its clock had jumped, and needs this too.
func (s *Store) ConfirmClock(ctx context.Context) error {
	return s.ask(ctx, func() error {
		s.clock.confirm(s.wall())
		today := s.today()
		s.log.Info("clock confirmed", zap.Stringer("day", today))
		removed, err := s.segments.remove(func(d Day) bool { return d > today })
		if removed > 0 {
			s.log.Info("day files of the future deleted", zap.Int("files", removed))
		}
		s.expire()
		s.noteClock()
		return errors.Join(err, s.saveClock())
	})
}

// startClock takes up the clock where the last run left it. When that is lost, the newest day file tells.
func (s *Store) startClock() {
	c, err := loadClock(s.meta)
	s.report("clock", err)
	if c.mark.IsZero() {
		c = clock{}
		if files, err := s.segments.list(); err == nil && len(files) > 0 {
			newest := files[0].day
			for _, f := range files {
				newest = max(newest, f.day)
			}
			c.mark = newest.start(s.options.Location)
			c.bound = c.mark
		}
	}
	s.clock = c
	s.clock.start(s.wall(), s.options.Retention, s.options.Location)
	s.noteClock()
}

// observe compares the clock with the time that passed since the last tick. A zero tick says nothing of that.
func (s *Store) observe(tick time.Time) {
	var elapsed time.Duration
	if !tick.IsZero() && !s.lastTick.IsZero() {
		elapsed = tick.Sub(s.lastTick)
	}
	if !tick.IsZero() {
		s.lastTick = tick
	}
	s.clock.observe(s.wall(), elapsed)
	s.noteClock()
}

// noteClock shows the clock when its credit changed, and saves it when its day or its credit did.
func (s *Store) noteClock() {
	suspect := s.clock.suspect(s.wall())
	if suspect != s.suspect {
		s.suspect = suspect
		if suspect {
			s.log.Error("clock jumped forward, deletion waits until it is right or confirmed")
		} else {
			s.log.Info("clock is believed again")
		}
		s.update(func(st *Stats) { st.ClockSuspect = suspect })
	}
	loc := s.options.Location
	if suspect != s.saved.Suspect || DayOf(s.clock.mark, loc) != DayOf(s.saved.Mark, loc) {
		s.report("clock", s.saveClock())
	}
}

func (s *Store) saveClock() error {
	suspect := s.clock.suspect(s.wall())
	if err := saveClock(s.meta, s.clock, suspect); err != nil {
		return err
	}
	s.saved = savedClock{Mark: s.clock.mark, Suspect: suspect}
	return nil
}
