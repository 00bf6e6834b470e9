package blocklists

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/keersluis/keersluis/filter"
)

// State is what is in force of a source.
type State uint8

// The states. The zero State is the one in which nothing is.
const (
	Missing  State = iota // nothing: never loaded well, or its copy is lost too
	LastGood              // the last good copy, as the source can't be used now
	OK                    // the source as it was when last looked at
)

// String returns the word used in logs and on status pages.
func (s State) String() string {
	switch s {
	case Missing:
		return "missing"
	case LastGood:
		return "last-good"
	case OK:
		return "ok"
	}
	return "unknown"
}

// Report says what a snapshot was made of.
type Report struct {
	At       time.Time
	Snapshot filter.Digest
	Sources  []Status // the embedded lists, then the configured ones in their order
}

// Status is one source in a report. It is the reader's: nobody changes it later.
type Status struct {
	Name       string
	Category   filter.Category
	Where      string // file or URL; "" for an embedded list
	State      State
	Entries    int                // that are in force
	Taken      time.Time          // when the content in force was read or fetched; zero for an embedded list
	Checked    time.Time          // when the source last confirmed it
	Complaints []filter.Complaint // the first hundred
	Complained int                // all of them
	Err        error              // why the state isn't OK: what, where, how to mend; nil when it is
}

// Age returns how long before now the content in force was read or fetched; 0 when nothing is, or it is embedded.
func (s Status) Age(now time.Time) time.Duration {
	if s.Taken.IsZero() {
		return 0
	}
	return max(0, now.Sub(s.Taken))
}

// Entries returns the number of entries in force.
func (r Report) Entries() int {
	n := 0
	for _, s := range r.Sources {
		n += s.Entries
	}
	return n
}

// Errors returns one error for each source that isn't as it should be.
func (r Report) Errors() []error {
	var errs []error
	for _, s := range r.Sources {
		if s.Err != nil {
			errs = append(errs, fmt.Errorf("list %s (%s): %w", s.Name, s.State, s.Err))
		}
	}
	return errs
}

// attribute gives the complaints of the compiler to the texts that they are about.
func (k *Keeper) attribute(complaints []filter.Complaint, embedded []*tally) {
	byName := map[string]*tally{}
	for i, s := range starters() {
		byName[s.name] = embedded[i]
	}
	for _, s := range k.sources {
		for i, t := range s.tallies {
			byName[s.partName(s.kept.Parts[i].Name)] = t
		}
	}
	for _, c := range complaints {
		if t := byName[c.List]; t != nil {
			t.refused++
			t.keep(c)
		}
	}
	k.embedded = embedded
}

func (k *Keeper) report() Report {
	r := Report{At: k.now(), Snapshot: k.snap.Digest()}
	for i, s := range starters() {
		status := Status{Name: s.name, Category: s.category, State: OK}
		status.include(k.embedded[i])
		r.Sources = append(r.Sources, status)
	}
	for _, s := range k.sources {
		r.Sources = append(r.Sources, s.status())
	}
	return r
}

func (s *source) status() Status {
	status := Status{Name: s.Name, Category: s.Category, Where: s.shown(), Err: s.err}
	if s.kept != nil {
		status.Taken, status.Checked = s.kept.Taken, s.checked
		status.State = OK
		if s.err != nil {
			status.State = LastGood
		}
	}
	for _, t := range s.tallies {
		status.include(t)
	}
	if s.kept != nil && status.Entries > s.kept.Entries { // the compiler's count of refusals ended early
		status.Complained += status.Entries - s.kept.Entries
		status.Entries = s.kept.Entries
	}
	for _, name := range s.ignored {
		status.Complained++
		status.Complaints = append(status.Complaints, filter.Complaint{
			List: s.partName(name), Text: name, Reason: "a file of regular expressions, which are not read",
		})
	}
	return status
}

func (s *Status) include(t *tally) {
	s.Entries += t.entries - t.refused
	s.Complained += t.complaints + t.refused
	room := max(0, maxComplaints-len(s.Complaints))
	s.Complaints = append(s.Complaints, t.kept[:min(room, len(t.kept))]...)
	slices.SortStableFunc(s.Complaints, func(a, b filter.Complaint) int {
		return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Line, b.Line))
	})
}
