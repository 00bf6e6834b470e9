package logging

import (
	"strings"
	"testing"
	"time"
)

// Times with a monotonic reading compare by it, and then no jump of the wall clock shows.
func TestWallClockIsCompared(t *testing.T) {
	s, err := newStore(t.TempDir(), Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.wall().String(); strings.Contains(got, " m=") {
		t.Errorf("the store goes by %s, which has a monotonic reading", got)
	}
}

// Hours of use with a wall clock that is slewed and stepped by NTP never raise suspicion, nor move the mark away from it.
func TestClockDrift(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var c clock
	c.start(now, MaxRetention, time.UTC)
	for i := range 10_000 {
		now = now.Add(time.Hour + time.Duration(i%7-3)*time.Second)
		c.observe(now, time.Hour)
		if c.suspect(now) {
			t.Fatalf("suspect after %d hours", i)
		}
	}
	if ahead := c.mark.Sub(now); ahead < 0 || ahead > time.Minute {
		t.Errorf("mark is %v ahead of the clock", ahead)
	}
}
