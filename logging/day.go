package logging

import (
	"errors"
	"time"
)

// Day is a local calendar day, counted from 1 January 1970. Days compare and add up as numbers; which moments belong to a
// day is a matter of the location given to [DayOf].
type Day int32

const secondsPerDay = 24 * 60 * 60

// DayOf returns the day on which t falls in loc.
func DayOf(t time.Time, loc *time.Location) Day {
	y, m, d := t.In(loc).Date()
	return newDay(y, m, d)
}

// ParseDay reads the form of [Day.String].
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, errors.New("parse day: want year-month-day as in 2026-11-21")
	}
	return Day(t.Unix() / secondsPerDay), nil
}

func newDay(y int, m time.Month, d int) Day {
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// String returns the day as 2026-11-21.
func (d Day) String() string { return d.utc().Format(time.DateOnly) }

// MarshalText returns [Day.String].
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// AddMonths returns the same day number n calendar months on, or the last day of that month when it is shorter
// (Regulation 1182/71 article 3): 31 August and six months is 28 February. time.Time.AddDate says 3 March, which would
// keep a day too long.
func (d Day) AddMonths(n int) Day {
	y, m, number := d.utc().Date()
	first := time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	length := first.AddDate(0, 1, -1).Day()
	return newDay(first.Year(), first.Month(), min(number, length))
}

// start returns the moment at which the day begins in loc.
func (d Day) start(loc *time.Location) time.Time {
	y, m, number := d.utc().Date()
	return time.Date(y, m, number, 0, 0, 0, 0, loc)
}

func (d Day) utc() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

func (d Day) month() month {
	y, m, _ := d.utc().Date()
	return month(y*12 + int(m) - 1)
}

// month is a calendar month, counted from January of the year 0.
type month int

const monthForm = "2006-01"

func parseMonth(s string) (month, error) {
	t, err := time.Parse(monthForm, s)
	if err != nil {
		return 0, errors.New("parse month: want year-month as in 2026-11")
	}
	return newDay(t.Date()).month(), nil
}

func (m month) String() string {
	return time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC).Format(monthForm)
}

// last returns the month's last day.
func (m month) last() Day { return newDay(int(m)/12, time.Month(int(m)%12+2), 0) }
