package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/yamlfile"
)

// listsFlags are what every command below lists takes.
type listsFlags struct {
	*paths
	output string // "text" or "json"
}

func newLists(p *paths) *cobra.Command {
	flags := listsFlags{paths: p}
	lists := &cobra.Command{
		Use:   "lists",
		Short: "see, search, check and edit the lists",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if flags.output != "text" && flags.output != "json" {
				return usageError{fmt.Errorf("--output: %q is neither text nor json", flags.output)}
			}
			return nil
		},
	}
	lists.PersistentFlags().StringVar(&flags.output, "output", "text", "text or json")
	lists.AddCommand(newListsStatus(&flags), newListsSearch(&flags), newListsCheck(&flags), newListsAdd(&flags), newListsRemove(&flags))
	return lists
}

// print writes an answer as JSON, or has text write it.
func (f *listsFlags) print(w io.Writer, answer any, text func(io.Writer)) error {
	if f.output == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(answer)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	text(t)
	return t.Flush()
}

// one says that a command wants one argument, what kind, and gives an example.
func one(what, example string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("lists %s wants one %s, such as %s", cmd.Name(), what, example)}
		}
		return nil
	}
}

// parseListed reads a host as a person gives it for a list.
func parseListed(s string) (filter.Host, error) {
	switch {
	case strings.Contains(s, "/"):
		return filter.Host{}, usageError{fmt.Errorf("%q: give the host alone, such as example.org: no scheme, no path", s)}
	case strings.HasPrefix(s, "*.") || strings.HasPrefix(s, "."):
		return filter.Host{}, usageError{fmt.Errorf("%q: give the host alone: the names below it are included", s)}
	}
	h, err := filter.ParseHost(s)
	if err != nil {
		return filter.Host{}, usageError{fmt.Errorf("%q: %w", s, err)}
	}
	return h, nil
}

// knownCategory refuses a category that the policy doesn't have.
func (s *settings) knownCategory(c filter.Category) error {
	if known := s.policy.Categories(); c != "" && !slices.Contains(known, c) {
		return usageError{fmt.Errorf("--category: %w", yamlfile.Unknown("category", string(c), words(known)))}
	}
	return nil
}

// searchLists searches the lists of the settings, beside a running server or without one.
func (s *settings) searchLists(ctx context.Context, hosts ...filter.Host) (blocklists.Found, error) {
	keeper, done, err := s.keeperOnce()
	if err != nil {
		return blocklists.Found{}, err
	}
	defer done()
	return keeper.Search(ctx, hosts...)
}

// listHit is an entry that holds a host, as commands print it.
type listHit struct {
	List     string          `json:"list"`
	Line     int             `json:"line"`
	Category filter.Category `json:"category"`
	Entry    string          `json:"entry"`
}

func listHits(found blocklists.Found) []listHit {
	hits := make([]listHit, 0, len(found.Hits))
	for _, h := range found.Hits {
		hits = append(hits, listHit{h.List, h.Line, h.Category, h.Entry + h.Path})
	}
	return hits
}

func texts(errs []error) []string {
	out := make([]string, 0, len(errs))
	for _, err := range errs {
		out = append(out, oneLine(err))
	}
	return out
}
