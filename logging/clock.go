package logging

import (
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// jumpLimit is how far the wall clock may run ahead of the time that really passed.
const jumpLimit = 24 * time.Hour

// clock keeps the highest moment that was believed, so that a clock set back revives nothing and a clock that jumps
// forward deletes nothing.
//
// While the store runs there is a witness: the monotonic clock. A wall clock that gains more than a day on it has jumped.
// From then on deletion goes by the time that really passed, reading by whichever is later, until the wall clock comes
// back to where it should be or a person confirms it.
//
// At a start there is no witness and being switched off is normal, so a gap up to the retention is believed: refusing it
// would teach everybody to confirm blindly after every holiday, and who can set the clock of a stopped machine can also
// delete its files. A longer gap would delete all there is in one go: it waits for a person. Nothing becomes readable
// meanwhile.
type clock struct {
	mark  time.Time // the highest moment believed; deletion never goes beyond it while suspect
	bound time.Time // later than this is not believed
}

// start takes up the clock at now, from what a former run saved. The zero clock believes now.
func (c *clock) start(now time.Time, retention int, loc *time.Location) {
	if c.mark.IsZero() {
		c.mark, c.bound = now, now
	}
	if !c.bound.Before(c.mark) { // not suspect when it was saved
		end := DayOf(c.mark, loc).AddMonths(retention).start(loc)
		c.bound = later(end, c.mark.Add(jumpLimit))
	} else {
		c.bound = c.mark.Add(jumpLimit)
	}
	c.observe(now, 0)
}

// observe takes note of now, when elapsed has really passed since the last call.
func (c *clock) observe(now time.Time, elapsed time.Duration) {
	c.mark, c.bound = c.mark.Add(elapsed), c.bound.Add(elapsed)
	if c.suspect(now) {
		return
	}
	c.mark = later(now, c.mark)
	c.bound = c.mark.Add(jumpLimit)
}

// suspect reports whether now is too far ahead to be believed.
func (c *clock) suspect(now time.Time) bool { return now.After(c.bound) }

// believed returns the moment that deletion and new records go by.
func (c *clock) believed(now time.Time) time.Time {
	if c.suspect(now) {
		return c.mark
	}
	return later(now, c.mark)
}

// latest returns the moment that reading goes by: no day that may be overdue is shown.
func (c *clock) latest(now time.Time) time.Time { return later(now, c.mark) }

// confirm makes now true, whatever was believed before.
func (c *clock) confirm(now time.Time) { c.mark, c.bound = now, now.Add(jumpLimit) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// savedClock is the clock as it lies in meta.db.
type savedClock struct {
	Mark    time.Time `json:"mark"`
	Suspect bool      `json:"suspect"`
}

var (
	bucketMeta = []byte("meta")
	keyClock   = []byte("clock")
)

// loadClock returns the clock saved in db. What cannot be read counts as absent.
func loadClock(db *bbolt.DB) (clock, error) {
	var saved savedClock
	err := guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketMeta)
			if b == nil {
				return nil
			}
			if v := b.Get(keyClock); v != nil {
				return json.Unmarshal(v, &saved)
			}
			return nil
		})
	})
	if err != nil {
		return clock{}, fmt.Errorf("load clock mark: %w", err)
	}
	c := clock{mark: saved.Mark, bound: saved.Mark}
	if saved.Suspect {
		c.bound = time.Time{}
	}
	return c, nil
}

// saveClock writes c. It needs to be done once a day and when suspicion changes: retention counts in days.
func saveClock(db *bbolt.DB, c clock, suspect bool) error {
	v, err := json.Marshal(savedClock{Mark: c.mark.UTC(), Suspect: suspect})
	if err != nil {
		return fmt.Errorf("encode clock mark: %w", err)
	}
	err = guard(func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(bucketMeta)
			if err != nil {
				return err
			}
			return b.Put(keyClock, v)
		})
	})
	if err != nil {
		return fmt.Errorf("save clock mark: %w", err)
	}
	return nil
}
