package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/keersluis/keersluis/logging"
)

// The number of persons that a figure must at least be about (rule D9).
const (
	DefaultK = 10
	LeastK   = 5 // a lower k is refused
)

// ErrTooLarge is returned for a period with more persons than a report can hold in memory: ask for a shorter one.
var ErrTooLarge = errors.New("too many persons for one report")

// maxEntries bounds the persons remembered, each once a cell and a month: some 150 MB.
const maxEntries = 1 << 21

// Log is what is read: a running [logging.Store].
type Log interface {
	Read(ctx context.Context, from, to logging.Day, yield func(logging.Record) error) error
}

// Report is the totals of a period. A figure that may not be shown is not in it.
type Report struct {
	From  logging.Day `json:"from"`
	To    logging.Day `json:"to"` // the last day, included
	K     int         `json:"k"`
	Cells []Cell      `json:"cells"`           // by category, then outcome; combinations without traffic are left out
	Total *Numbers    `json:"total,omitempty"` // nil when suppressed
}

// Cell is the traffic of one category with one outcome.
type Cell struct {
	Category string          `json:"category"` // "" when no list held the host
	Outcome  logging.Outcome `json:"outcome"`
	Numbers  *Numbers        `json:"numbers,omitempty"` // nil when suppressed
}

// Numbers are the figures of a cell. They hold the traffic of guests, of protected persons and of unknown clients too, who
// don't count as persons.
type Numbers struct {
	Requests uint64 `json:"requests"`
	Up       uint64 `json:"up"`   // bytes from the clients
	Down     uint64 `json:"down"` // bytes to the clients
	// Persons is how many persons there were at least: pseudonyms cannot be linked over months, so it is the number of
	// the month that had most.
	Persons int `json:"persons"`
}

// Totals reads the days from..to and reports requests, bytes and persons by category and outcome, without the cells that
// fewer than k persons fill or that one person fills for more than half, and without those that would give the former
// away (see suppress). The error is one of the log's, such as [logging.ErrExpired], or says that k is below [LeastK].
//
// In mode off the log knows of no persons, so that no cell can be shown to hold enough of them: all are suppressed.
func Totals(ctx context.Context, log Log, from, to logging.Day, k int) (Report, error) {
	if k < LeastK {
		return Report{}, fmt.Errorf("totals: groups of %d persons: the least is %d (rule D9)", k, LeastK)
	}
	c := counter{cells: make(map[place]*group), room: maxEntries}
	if err := log.Read(ctx, from, to, c.add); err != nil {
		return Report{}, fmt.Errorf("totals: %w", err)
	}
	return c.report(from, to, k), nil
}

// place is where a record counts.
type place struct {
	category string
	outcome  logging.Outcome
}

// counter adds up records.
type counter struct {
	cells map[place]*group
	room  int // persons that may still be added
}

func (c *counter) add(r logging.Record) error {
	at := place{r.Category, r.Outcome}
	g := c.cells[at]
	if g == nil {
		g = newGroup()
		c.cells[at] = g
	}
	before := len(g.persons)
	g.add(r)
	c.room -= len(g.persons) - before
	if c.room < 0 {
		return ErrTooLarge
	}
	return nil
}

func (c *counter) report(from, to logging.Day, k int) Report {
	places := make([]place, 0, len(c.cells))
	for p := range c.cells {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.category, b.category), cmp.Compare(a.outcome, b.outcome))
	})
	groups := make([]*group, len(places))
	for i, p := range places {
		groups[i] = c.cells[p]
	}
	shown, total := suppress(groups, k)
	r := Report{From: from, To: to, K: k, Cells: make([]Cell, len(places))}
	for i, p := range places {
		r.Cells[i] = Cell{Category: p.category, Outcome: p.outcome}
		if shown[i] {
			r.Cells[i].Numbers = groups[i].numbers()
		}
	}
	if total != nil {
		r.Total = total.numbers()
	}
	return r
}
