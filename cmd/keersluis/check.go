package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keersluis/keersluis/blocklists"
)

func newCheck(p *paths) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "read the settings, the policy and the lists, and say everything that is wrong with them",
		Long: "Check reads what serve would read, without starting it. Its exit status is 1 when serve would refuse the\n" +
			"settings or the policy, or when a list can't be used.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := load(*p)
			if err != nil {
				return err
			}
			_, report, err := s.snapshotOnce(cmd.Context())
			if err != nil {
				return err
			}
			return printReport(cmd.OutOrStdout(), report)
		},
	}
}

// fetched reports whether a list comes from elsewhere: check fetches nothing, so that it isn't here yet is no mistake.
func fetched(s blocklists.Status) bool { return strings.Contains(s.Where, "://") }

// printReport says what is wrong with the lists, and at the end that the rest is right.
func printReport(w io.Writer, report blocklists.Report) error {
	unusable := 0
	for _, s := range report.Sources {
		if s.Err != nil && s.State != blocklists.OK {
			if !fetched(s) {
				unusable++
			}
			fmt.Fprintf(w, "%s: %s (%s)\n", s.Name, oneLine(s.Err), s.State)
		}
		for _, c := range s.Complaints {
			fmt.Fprintln(w, c)
		}
		if more := s.Complained - len(s.Complaints); more > 0 {
			fmt.Fprintf(w, "%s: and %d more lines that can't be used\n", s.Name, more)
		}
	}
	if unusable > 0 {
		return fmt.Errorf("settings and policy are right; %d of %d lists can't be used", unusable, len(report.Sources))
	}
	fmt.Fprintf(w, "settings, policy and lists are right: %d lists, %d entries\n", len(report.Sources), report.Entries())
	return nil
}
