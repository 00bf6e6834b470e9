package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/yamlfile"
)

// maxName bounds the name of a role or category, in bytes.
const maxName = 64

var (
	nameForm      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	retentionForm = regexp.MustCompile(`^P([0-9]{1,3})M$`)
)

// name is a new name, of a role or a category.
type name[T ~string] string

// UnmarshalText accepts lower-case words joined by hyphens.
func (n *name[T]) UnmarshalText(text []byte) error {
	if len(text) > maxName || !nameForm.Match(text) {
		return fmt.Errorf("a name is lower-case letters and digits, in words joined by hyphens, and at most %d long", maxName)
	}
	*n = name[T](text)
	return nil
}

// action is the word for a [filter.Action]; "" is none.
type action string

// UnmarshalText accepts the actions that every door can carry out.
func (a *action) UnmarshalText(text []byte) error {
	known := []string{filter.Block.String(), filter.Allow.String()}
	switch v, ok := filter.ParseAction(string(text)); {
	case !ok:
		return yamlfile.Unknown("action", string(text), known)
	case v == filter.Coach, v == filter.Limit:
		return fmt.Errorf("%s comes with a later version; use block or allow", v)
	}
	*a = action(text)
	return nil
}

// value returns the action; none blocks.
func (a action) value() filter.Action {
	v, _ := filter.ParseAction(string(a))
	return v
}

// values returns the actions of a mapping.
func values[K comparable](m map[K]action) map[K]filter.Action {
	out := make(map[K]filter.Action, len(m))
	for k, a := range m {
		out[k] = a.value()
	}
	return out
}

// host is the host of an exception.
type host struct{ filter.Host }

// UnmarshalText accepts a DNS name or an IP address.
func (h *host) UnmarshalText(text []byte) error {
	s := string(text)
	switch {
	case strings.Contains(s, "/"):
		return errors.New("wants a host alone, such as example.org: no scheme, no path")
	case strings.HasPrefix(s, "*.") || strings.HasPrefix(s, "."):
		return errors.New("write the host alone: the names below it are included")
	}
	parsed, err := filter.ParseHost(s)
	if err != nil {
		return err
	}
	h.Host = parsed
	return nil
}

// date is a day in the Netherlands; zero is none.
type date struct{ time.Time }

// UnmarshalText accepts an ISO 8601 day.
func (d *date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return errors.New("wants a day that exists, written as 2027-06-30")
	}
	d.Time = t
	return nil
}

// end returns the first moment after the day.
func (d date) end(l *time.Location) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day()+1, 0, 0, 0, 0, l)
}

// mode is a way of logging.
type mode struct{ logging.Mode }

// UnmarshalText accepts the words of [logging.ParseMode].
func (m *mode) UnmarshalText(text []byte) error {
	parsed, err := logging.ParseMode(string(text))
	if err != nil {
		return yamlfile.Unknown("mode", string(text), []string{logging.Pseudonymous.String(), logging.Off.String()})
	}
	m.Mode = parsed
	return nil
}

// months is a retention.
type months int

// UnmarshalText accepts an ISO 8601 period of whole months, six at most (rule H1).
func (m *months) UnmarshalText(text []byte) error {
	parts := retentionForm.FindSubmatch(text)
	if parts == nil {
		return errors.New("wants a period of whole months, from P1M to P6M")
	}
	n, err := strconv.Atoi(string(parts[1]))
	if err != nil {
		return fmt.Errorf("read a number of months: %w", err)
	}
	switch {
	case n == 0:
		return errors.New("wants P1M to P6M; to keep nothing about persons, set mode to off")
	case n > logging.MaxRetention:
		return fmt.Errorf("%s is longer than the six months that a traffic log may be kept (rule H1; Lingewaard art. 8.1); use P6M or less", text)
	}
	*m = months(n)
	return nil
}
