package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

// listsQuestion asks the running server for its lists, if it has the same settings.
type listsQuestion struct{ Config string } // absolute path; "" for the built-in settings

// listsStatus is what is known of all lists.
type listsStatus struct {
	Running bool         `json:"running"` // of a server, that is: what is in force
	At      time.Time    `json:"at"`
	Digest  string       `json:"digest"`
	Entries int          `json:"entries"`
	Lists   []listStatus `json:"lists"`
}

type listStatus struct {
	Name       string          `json:"name"`
	Category   filter.Category `json:"category"`
	Where      string          `json:"where,omitempty"` // "" for an embedded list
	State      string          `json:"state"`
	Entries    int             `json:"entries"`
	Taken      time.Time       `json:"taken,omitzero"`   // when the content in force was read or fetched
	Checked    time.Time       `json:"checked,omitzero"` // when the source last confirmed it
	Error      string          `json:"error,omitempty"`
	Complained int             `json:"complained,omitempty"`
	Complaints []string        `json:"complaints,omitempty"` // the first
}

func newListsStatus(flags *listsFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "print every list with its category, entries, age, state and what is wrong with it",
		Long: "Status asks the running server what it has in force; without one, or when that one has other settings, it reads the\n" +
			"lists itself.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := statusFor(cmd.Context(), *flags.paths)
			if err != nil {
				return err
			}
			return flags.print(cmd.OutOrStdout(), status, status.print)
		},
	}
}

func statusFor(ctx context.Context, p paths) (*listsStatus, error) {
	s, err := load(p)
	if err != nil {
		return nil, err
	}
	var status listsStatus
	err = ask(ctx, s.Data, "/lists", listsQuestion{absolute(p.config)}, &status)
	if err == nil {
		status.Running = true
		return &status, nil
	}
	if !errors.Is(err, errNotRunning) && !errors.Is(err, errOtherFiles) {
		return nil, err
	}
	_, report, err := s.snapshotOnce(ctx)
	if err != nil {
		return nil, err
	}
	return statusOf(report), nil
}

func statusOf(report blocklists.Report) *listsStatus {
	out := &listsStatus{At: time.Now(), Digest: report.Snapshot.String(), Entries: report.Entries()}
	for _, s := range report.Sources {
		l := listStatus{
			Name: s.Name, Category: s.Category, Where: s.Where, State: s.State.String(), Entries: s.Entries,
			Taken: s.Taken, Checked: s.Checked, Complained: s.Complained,
		}
		if s.Err != nil {
			l.Error = oneLine(s.Err)
		}
		for _, c := range s.Complaints {
			l.Complaints = append(l.Complaints, c.String())
		}
		out.Lists = append(out.Lists, l)
	}
	return out
}

// lists answers the control socket.
func (s *server) lists(q listsQuestion) (*listsStatus, error) {
	if q.Config != absolute(s.paths.config) {
		return nil, errOtherFiles
	}
	s.changing.Lock()
	report := s.report
	s.changing.Unlock()
	return statusOf(report), nil
}

// shownComplaints bounds the lines of one list that the text of status shows; JSON has more, check has them all.
const shownComplaints = 3

func (l *listsStatus) print(w io.Writer) {
	fmt.Fprintln(w, "LIST\tCATEGORY\tENTRIES\tAGE\tSTATE\tWHERE")
	for _, s := range l.Lists {
		taken := "-"
		if !s.Taken.IsZero() {
			taken = age(l.At.Sub(s.Taken))
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", s.Name, s.Category, s.Entries, taken, s.State, cmp.Or(s.Where, "built in"))
	}
	for _, s := range l.Lists {
		if s.Error != "" {
			fmt.Fprintf(w, "%s: %s\n", s.Name, s.Error)
		}
		for _, c := range s.Complaints[:min(len(s.Complaints), shownComplaints)] {
			fmt.Fprintln(w, c)
		}
		if more := s.Complained - shownComplaints; more > 0 {
			fmt.Fprintf(w, "%s: and %d more lines that can't be used\n", s.Name, more)
		}
	}
	source := "read now; no server with these settings runs"
	if l.Running {
		source = "in force in the running server"
	}
	fmt.Fprintf(w, "%d lists, %d entries, digest %s, %s\n", len(l.Lists), l.Entries, l.Digest, source)
}

// age returns a duration in the largest unit that says enough.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
