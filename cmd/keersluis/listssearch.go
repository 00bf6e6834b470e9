package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keersluis/keersluis/filter"
)

// listSearch is where a host stands, and what opens it.
type listSearch struct {
	Host       string            `json:"host"`
	Hits       []listHit         `json:"hits"`
	Exceptions []listedException `json:"exceptions"`
	Unread     []string          `json:"unread,omitempty"` // lists that were not searched
}

// listedException is an exception of the policy for the host or a name above it.
type listedException struct {
	File    string            `json:"file"`
	Line    int               `json:"line"`
	Host    string            `json:"host"`
	Roles   []filter.Role     `json:"roles,omitempty"` // none: everybody
	Opens   []filter.Category `json:"opens"`           // of the hits'; none when it has expired
	Until   time.Time         `json:"until,omitzero"`  // the first moment that it no longer holds
	Expired bool              `json:"expired,omitempty"`
}

func newListsSearch(flags *listsFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "search HOST",
		Short: "print every list and line that holds a host or a name above it, and the exceptions that open it",
		Long: "Search reads the texts of all lists. Unlike explain, which says what decides, it finds every entry: also those\n" +
			"that another one makes needless.",
		Example: "  keersluis lists search www.unibet.nl",
		Args:    one("host", "www.unibet.nl"),
		RunE: func(cmd *cobra.Command, args []string) error {
			host, err := parseListed(args[0])
			if err != nil {
				return err
			}
			found, err := searchFor(cmd.Context(), *flags.paths, host)
			if err != nil {
				return err
			}
			return flags.print(cmd.OutOrStdout(), found, found.print)
		},
	}
}

func searchFor(ctx context.Context, p paths, host filter.Host) (*listSearch, error) {
	s, err := load(p)
	if err != nil {
		return nil, err
	}
	found, err := s.searchLists(ctx, host)
	if err != nil {
		return nil, err
	}
	out := &listSearch{Host: host.String(), Hits: listHits(found), Exceptions: []listedException{}, Unread: texts(found.Unread)}
	for _, e := range s.policy.Rules().Exceptions {
		if host.Within(e.Host) {
			out.Exceptions = append(out.Exceptions, s.listed(e, out.Hits, time.Now()))
		}
	}
	return out, nil
}

// listed says what an exception opens of the hits.
func (s *settings) listed(e filter.Exception, hits []listHit, now time.Time) listedException {
	out := listedException{
		File: e.Ref.List, Line: e.Ref.Line, Host: e.Host.String(), Roles: e.Roles, Opens: []filter.Category{}, Until: e.Until,
		Expired: !e.Until.IsZero() && !now.Before(e.Until),
	}
	if out.Expired {
		return out
	}
	rules := s.policy.Rules().Categories
	for _, h := range hits {
		opens := slices.Contains(e.Categories, h.Category)
		if len(e.Categories) == 0 {
			opens = !slices.ContainsFunc(rules, func(r filter.CategoryRule) bool { return r.Category == h.Category && r.Final })
		}
		if opens && !slices.Contains(out.Opens, h.Category) {
			out.Opens = append(out.Opens, h.Category)
		}
	}
	return out
}

func (l *listSearch) print(w io.Writer) {
	if len(l.Hits) == 0 {
		fmt.Fprintf(w, "no list holds %s or a name above it\n", l.Host)
	}
	for _, h := range l.Hits {
		fmt.Fprintf(w, "%s:%d\t%s\t%s\n", h.List, h.Line, h.Category, h.Entry)
	}
	for _, e := range l.Exceptions {
		fmt.Fprintf(w, "%s:%d\texception\t%s\t%s\n", e.File, e.Line, e.Host, e.says())
	}
	for _, u := range l.Unread {
		fmt.Fprintf(w, "not searched: %s\n", u)
	}
}

// says returns what an exception does, in words.
func (e listedException) says() string {
	if e.Expired {
		return "expired"
	}
	what := "opens none of these"
	if len(e.Opens) > 0 {
		what = "opens " + strings.Join(words(e.Opens), ", ")
	}
	if len(e.Roles) > 0 {
		what += " for " + strings.Join(words(e.Roles), ", ")
	}
	if !e.Until.IsZero() {
		what += " up to and including " + e.Until.Add(-time.Second).In(amsterdam()).Format(time.DateOnly)
	}
	return what
}
