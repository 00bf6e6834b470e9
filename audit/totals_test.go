package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keersluis/keersluis/audit"
	"github.com/keersluis/keersluis/logging"
)

var pseudonymiser = logging.NewPseudonymiser([32]byte{1}, "test", "person")

// memory is a log that holds records and no days.
type memory []logging.Record

func (m memory) Read(_ context.Context, _, _ logging.Day, yield func(logging.Record) error) error {
	for _, r := range m {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

// visits adds one record of n requests for each of the persons first..first+count-1.
func (m memory) visits(category string, o logging.Outcome, epoch uint32, first, count, n int) memory {
	for i := first; i < first+count; i++ {
		m = append(m, logging.Record{
			Epoch: epoch, Person: pseudonymiser.Of(fmt.Sprint(i, "/", epoch)),
			Category: category, Outcome: o, Requests: uint64(n), Up: uint64(10 * n), Down: uint64(100 * n),
		})
	}
	return m
}

// nobodys adds one record of n requests without a person.
func (m memory) nobodys(category string, o logging.Outcome, n int) memory {
	return append(m, logging.Record{Category: category, Outcome: o, Requests: uint64(n)})
}

// shorthand is a report in a few words: "category outcome requests/persons", "-" for what is suppressed.
func shorthand(r audit.Report) []string {
	numbers := func(n *audit.Numbers) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprintf("%d/%d", n.Requests, n.Persons)
	}
	var out []string
	for _, c := range r.Cells {
		out = append(out, fmt.Sprintf("%s %s %s", c.Category, c.Outcome, numbers(c.Numbers)))
	}
	return append(out, "total "+numbers(r.Total))
}

func TestTotals(t *testing.T) {
	const allowed, blocked = logging.Allowed, logging.Blocked
	tests := []struct {
		name string
		log  memory
		k    int
		want []string
	}{
		{"nothing", nil, 10, []string{"total -"}},
		{"one large cell", memory{}.visits("news", allowed, 1, 0, 12, 3), 10, []string{"news allowed 36/12", "total 36/12"}},
		{"exactly k", memory{}.visits("news", allowed, 1, 0, 10, 1), 10, []string{"news allowed 10/10", "total 10/10"}},
		{"one below k (D9)", memory{}.visits("news", allowed, 1, 0, 9, 1), 10, []string{"news allowed -", "total -"}},
		{"a person counts once", memory{}.visits("news", allowed, 1, 0, 12, 1).visits("news", allowed, 1, 0, 12, 2), 10, []string{"news allowed 36/12", "total 36/12"}},
		{"nobody is no person", memory{}.visits("news", allowed, 1, 0, 9, 1).nobodys("news", allowed, 50), 10, []string{"news allowed -", "total -"}},
		{"nobody's traffic counts", memory{}.visits("news", allowed, 1, 0, 10, 1).nobodys("news", allowed, 50), 10, []string{"news allowed 60/10", "total 60/10"}},
		{"mode off knows no persons", memory{}.nobodys("news", allowed, 5000), 5, []string{"news allowed -", "total -"}},
		{"months aren't added up", memory{}.visits("news", allowed, 1, 0, 8, 1).visits("news", allowed, 2, 0, 7, 1), 10, []string{"news allowed -", "total -"}},
		{"the busiest month counts", memory{}.visits("news", allowed, 1, 0, 12, 1).visits("news", allowed, 2, 0, 15, 1), 10, []string{"news allowed 27/15", "total 27/15"}},
		{"dominated", memory{}.visits("news", allowed, 1, 0, 19, 1).visits("news", allowed, 1, 20, 1, 20), 10, []string{"news allowed -", "total -"}},
		{"half isn't dominated", memory{}.visits("news", allowed, 1, 0, 19, 1).visits("news", allowed, 1, 20, 1, 19), 10, []string{"news allowed 38/20", "total 38/20"}},
		{
			"a single suppressed cell takes the total with it",
			memory{}.visits("a", blocked, 1, 0, 3, 1).visits("b", allowed, 1, 0, 11, 1).visits("c", allowed, 1, 0, 20, 1),
			10,
			[]string{"a blocked -", "b allowed 11/11", "c allowed 20/20", "total -"},
		},
		{
			"so do two cells of the same few persons",
			memory{}.visits("a", blocked, 1, 0, 3, 1).visits("a", allowed, 1, 0, 3, 1).visits("b", allowed, 1, 0, 11, 1).visits("c", allowed, 1, 0, 20, 1),
			10,
			[]string{"a blocked -", "a allowed -", "b allowed 11/11", "c allowed 20/20", "total -"},
		},
		{
			"two cells that make a large group are enough",
			memory{}.visits("a", blocked, 1, 0, 6, 1).visits("b", blocked, 1, 6, 6, 1).visits("c", allowed, 1, 0, 20, 1),
			10,
			[]string{"a blocked -", "b blocked -", "c allowed 20/20", "total 32/20"},
		},
		{"smaller k", memory{}.visits("news", allowed, 1, 0, 5, 1), 5, []string{"news allowed 5/5", "total 5/5"}},
		{
			"order",
			memory{}.visits("b", allowed, 1, 0, 10, 1).visits("b", blocked, 1, 0, 10, 1).visits("", allowed, 1, 0, 10, 1),
			10,
			[]string{" allowed 10/10", "b blocked 10/10", "b allowed 10/10", "total 30/10"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := audit.Totals(t.Context(), test.log, 0, 1, test.k)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, shorthand(r)); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTotalsRefusesSmallGroups(t *testing.T) {
	if _, err := audit.Totals(t.Context(), memory{}, 0, 1, audit.LeastK-1); err == nil {
		t.Error("k of 4 is no error")
	}
}

// Whatever is in the log, neither what is shown nor what can be had by subtraction is about too few persons, and what is
// shown is right.
func TestNothingFollowsFromTotals(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	shown := 0
	for range 2000 {
		truth := make(map[string]map[string]uint64) // cell to person to requests
		var log memory
		for range 1 + random.IntN(8) {
			category := string(rune('a' + random.IntN(5)))
			outcome := logging.Outcome(1 + random.IntN(4))
			first, count, n := random.IntN(20), random.IntN(25), 1+random.IntN(5)
			log = log.visits(category, outcome, 1, first, count, n)
			cell := category + outcome.String()
			if truth[cell] == nil && count > 0 {
				truth[cell] = make(map[string]uint64)
			}
			for i := first; i < first+count; i++ {
				truth[cell][fmt.Sprint(i)] += uint64(n)
			}
		}
		r, err := audit.Totals(t.Context(), log, 0, 1, audit.DefaultK)
		if err != nil {
			t.Fatal(err)
		}
		rest := make(map[string]uint64) // the persons behind total minus everything shown
		suppressed := 0
		for _, c := range r.Cells {
			persons := truth[c.Category+c.Outcome.String()]
			if c.Numbers == nil {
				suppressed++
				for p, n := range persons {
					rest[p] += n
				}
				continue
			}
			shown++
			if c.Numbers.Requests != sum(persons) || c.Numbers.Persons != len(persons) || len(persons) < audit.DefaultK {
				t.Fatalf("cell %+v of %+v, truth %v", c, *c.Numbers, persons)
			}
		}
		if r.Total != nil && suppressed > 0 && (suppressed < 2 || len(rest) < audit.DefaultK) {
			t.Fatalf("%d cells of %d persons follow from %v", suppressed, len(rest), shorthand(r))
		}
	}
	if shown == 0 {
		t.Error("no cell was ever shown")
	}
}

func sum(persons map[string]uint64) (n uint64) {
	for _, v := range persons {
		n += v
	}
	return n
}

func TestRender(t *testing.T) {
	log := memory{}.visits("gambling", logging.Blocked, 1, 0, 3, 1).visits("", logging.Allowed, 1, 0, 200, 50).
		visits("\x1b[2Jnews", logging.Allowed, 1, 0, 20, 1).visits("own", logging.Outcome(9), 1, 5, 15, 1)
	from, err := logging.ParseDay("2026-11-01")
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.Totals(t.Context(), log, from, from+20, audit.DefaultK)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[audit.Language]string{
		audit.English: `Traffic from 2026-11-01 up to and including 2026-11-21, groups of 10 persons or more

category   outcome  requests  bytes up  bytes down  persons
(no list)  allowed     10000    100000     1000000      200
[2Jnews    allowed        20       200        2000       20
gambling   blocked         -         -           -        -
own        unknown        15       150        1500       15
total                      -         -           -        -

-: not shown, because it is about fewer than 10 persons or mostly about one, or because another figure
follows from it. Persons: at least; counted in the busiest month. Who has not logged on to the proxy does not count
as a person.
`,
		audit.Dutch: `Verkeer van 2026-11-01 tot en met 2026-11-21, groepen vanaf 10 personen

categorie     uitkomst     verzoeken  bytes op  bytes neer  personen
(geen lijst)  toegestaan       10000    100000     1000000       200
[2Jnews       toegestaan          20       200        2000        20
gambling      geblokkeerd          -         -           -         -
own           unknown             15       150        1500        15
totaal                             -         -           -         -

-: niet getoond, omdat het over minder dan 10 personen of vooral over één persoon gaat, of omdat een
ander getal daaruit af te leiden is. Personen: ten minste; geteld in de drukste maand. Wie zich niet bij de proxy
heeft aangemeld, telt niet als persoon.
`,
	}
	for language, want := range tests {
		var b bytes.Buffer
		if err := r.Text(&b, language); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", language, diff)
		}
	}
	var b bytes.Buffer
	if err := (audit.Report{}).Text(&b, audit.Dutch); err != nil || !strings.Contains(b.String(), "Geen verkeer") {
		t.Errorf("an empty report: %q, %v", b.String(), err)
	}
}

func TestJSON(t *testing.T) {
	log := memory{}.visits("gambling", logging.Blocked, 1, 0, 3, 7).visits("news", logging.Allowed, 1, 0, 12, 1)
	r, err := audit.Totals(t.Context(), log, 0, 1, audit.DefaultK)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	err = json.Unmarshal([]byte(`{"from": "1970-01-01", "to": "1970-01-02", "k": 10, "cells": [
		{"category": "gambling", "outcome": "blocked"}, {"category": "news", "outcome": "allowed",
		"numbers": {"requests": 12, "up": 120, "down": 1200, "persons": 12}}]}`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// Totals of the real store: what was recorded a moment ago is in them, and overdue days are refused.
func TestTotalsOfStore(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	s, err := logging.Open(t.TempDir(), logging.Options{Mode: logging.Pseudonymous, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for i := range 12 {
		for _, at := range []time.Time{now, now.AddDate(0, 0, -1), now.AddDate(0, -1, 0)} {
			s.Record(logging.Event{
				At: at, Identity: fmt.Sprint("person", i), Host: "example.nl",
				Category: "news", Outcome: logging.Allowed, Door: "http", Up: 1, Down: 2,
			})
		}
	}
	today := logging.DayOf(now, time.UTC)
	r, err := audit.Totals(t.Context(), s, today-60, today, audit.DefaultK)
	if diff := cmp.Diff([]string{"news allowed 36/12", "total 36/12"}, shorthand(r)); err != nil || diff != "" {
		t.Errorf("report, %v (-want +got):\n%s", err, diff)
	}
	if _, err := audit.Totals(t.Context(), s, today-200, today, audit.DefaultK); !errors.Is(err, logging.ErrExpired) {
		t.Errorf("Totals of an overdue day = %v, want ErrExpired", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// BenchmarkTotals adds up a month's worth of records of 1,000 people.
func BenchmarkTotals(b *testing.B) {
	var log memory
	for c := range 20 {
		log = log.visits(fmt.Sprint(c), logging.Allowed, 1, 0, 1000, 1)
	}
	for b.Loop() {
		if _, err := audit.Totals(b.Context(), log, 0, 1, audit.DefaultK); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(log)), "ns/record")
}
