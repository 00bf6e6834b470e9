package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

// listEdit is what add and remove did.
type listEdit struct {
	Did      string          `json:"did"` // "added" or "removed"
	Host     string          `json:"host"`
	List     string          `json:"list"`
	File     string          `json:"file"`
	Line     int             `json:"line"` // where it stands, or stood
	Category filter.Category `json:"category"`
	Comment  string          `json:"comment,omitempty"`
	Server   string          `json:"server"`          // what comes of it
	Still    []listHit       `json:"still,omitempty"` // entries elsewhere that hold a removed host
	Unread   []string        `json:"unread,omitempty"`
}

// choice says which list a person means.
type choice struct{ list, category string }

func (c *choice) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.category, "category", "", "edit the first list file of this category")
	cmd.Flags().StringVar(&c.list, "list", "", "edit the list with this name or file in keersluis.yaml")
}

func newListsAdd(flags *listsFlags) *cobra.Command {
	var which choice
	var note blocklists.Note
	add := &cobra.Command{
		Use:   "add HOST",
		Short: "add a host, and all names below it, to a list file of keersluis.yaml",
		Long: "Add puts the host at the end of a list file, below a comment that says when, who and why. The rest of the file\n" +
			"stays as it is. A running server takes the file over within a second.",
		Example: "  keersluis lists add casino.example --category gambling --reason \"asked for by security\" --ticket I2026-0001",
		Args:    one("host", "casino.example"),
		RunE: func(cmd *cobra.Command, args []string) error {
			host, err := parseListed(args[0])
			if err != nil {
				return err
			}
			if which == (choice{}) {
				return usageError{errors.New("lists add wants --category, or --list")}
			}
			note.Day, note.By = time.Now().In(amsterdam()), administrator()
			did, err := addHost(cmd.Context(), *flags.paths, which, host, note)
			if err != nil {
				return err
			}
			return flags.print(cmd.OutOrStdout(), did, did.print)
		},
	}
	which.flags(add)
	add.Flags().StringVar(&note.Reason, "reason", "", "why, for the comment")
	add.Flags().StringVar(&note.Ticket, "ticket", "", "number of the ticket, for the comment")
	return add
}

func addHost(ctx context.Context, p paths, which choice, host filter.Host, note blocklists.Note) (*listEdit, error) {
	s, err := load(p)
	if err != nil {
		return nil, err
	}
	lists, err := s.chosen(which)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, l := range lists {
		if err := editable(l.File); err != nil {
			problems = append(problems, err)
			continue
		}
		change, err := blocklists.AddEntry(l.File, l.Format, host, note)
		if err != nil {
			return nil, err
		}
		return s.edited(ctx, p, "added", l, host, change), nil
	}
	return nil, fmt.Errorf("no list can be edited: %w", errors.Join(problems...))
}

func newListsRemove(flags *listsFlags) *cobra.Command {
	var which choice
	remove := &cobra.Command{
		Use:     "remove HOST",
		Short:   "take a host out of a list file of keersluis.yaml, and say what still lists it",
		Example: "  keersluis lists remove casino.example",
		Args:    one("host", "casino.example"),
		RunE: func(cmd *cobra.Command, args []string) error {
			host, err := parseListed(args[0])
			if err != nil {
				return err
			}
			did, err := removeHost(cmd.Context(), *flags.paths, which, host)
			if err != nil {
				return err
			}
			return flags.print(cmd.OutOrStdout(), did, did.print)
		},
	}
	which.flags(remove)
	return remove
}

func removeHost(ctx context.Context, p paths, which choice, host filter.Host) (*listEdit, error) {
	s, err := load(p)
	if err != nil {
		return nil, err
	}
	lists, err := s.chosen(which)
	if err != nil {
		return nil, err
	}
	l, err := s.holder(ctx, lists, host)
	if err != nil {
		return nil, err
	}
	change, err := blocklists.RemoveEntry(l.File, l.Format, host)
	if err != nil {
		return nil, err
	}
	did := s.edited(ctx, p, "removed", l, host, change)
	found, err := s.searchLists(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("%s was removed from %s; whether others list it is not known: %w", host, l.File, err)
	}
	did.Still, did.Unread = listHits(found), texts(found.Unread)
	return did, nil
}

// chosen returns the list files that a person may mean, at least one.
func (s *settings) chosen(which choice) ([]ListConfig, error) {
	category := filter.Category(which.category)
	if err := s.knownCategory(category); err != nil {
		return nil, err
	}
	var out []ListConfig
	for _, l := range s.Lists {
		named := which.list == "" || which.list == l.Name || which.list == l.File
		if l.File != "" && named && (category == "" || category == l.Category) {
			out = append(out, l)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	where := cmp.Or(s.file, "a keersluis.yaml")
	if which.list != "" {
		return nil, fmt.Errorf("--list: %s has no list file %q of that category; its name is what verdicts call it", where, which.list)
	}
	example := cmp.Or(which.category, "gambling")
	return nil, fmt.Errorf("there is no list file to edit; add one to lists in %s, such as {file: %s.txt, category: %s}, and make the file",
		where, example, example)
}

// editable says why a file can't be edited.
func editable(file string) error {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file but a folder", file)
	}
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// holder returns the one list with an entry for host.
func (s *settings) holder(ctx context.Context, lists []ListConfig, host filter.Host) (ListConfig, error) {
	var holders []ListConfig
	var problems []error
	for _, l := range lists {
		line, err := 0, editable(l.File)
		if err == nil {
			line, err = blocklists.FindEntry(l.File, l.Format, host)
		}
		if line > 0 {
			holders = append(holders, l)
		}
		problems = append(problems, err)
	}
	switch len(holders) {
	case 1:
		return holders[0], nil
	case 0:
		return ListConfig{}, errors.Join(append([]error{s.notHeld(ctx, host)}, problems...)...)
	}
	var names []string
	for _, l := range holders {
		names = append(names, l.Name)
	}
	return ListConfig{}, fmt.Errorf("%s is in %s: say which with --list", host, strings.Join(names, " and in "))
}

// notHeld says where a host stands that no list file has itself.
func (s *settings) notHeld(ctx context.Context, host filter.Host) error {
	found, err := s.searchLists(ctx, host)
	if err != nil {
		return err
	}
	if len(found.Hits) == 0 {
		return fmt.Errorf("%s is in no list", host)
	}
	h := found.Hits[0]
	return fmt.Errorf("%s is not in a list file that can be edited, but %s:%d has %s; an exception in the policy opens it",
		host, h.List, h.Line, h.Entry+h.Path)
}

// edited says what was done and what comes of it.
func (s *settings) edited(ctx context.Context, p paths, did string, l ListConfig, host filter.Host, c blocklists.Change) *listEdit {
	e := &listEdit{
		Did: did, Host: host.String(), List: l.Name, File: l.File, Line: c.Line, Category: l.Category, Comment: c.Comment,
	}
	switch err := ask(ctx, s.Data, "/lists", listsQuestion{absolute(p.config)}, nil); {
	case err == nil:
		e.Server = "the running server takes it over within a second"
	case errors.Is(err, errNotRunning):
		e.Server = "no server runs with this data folder; it is in force when one starts"
	default:
		e.Server = "whether a running server takes it over is not known: " + oneLine(err)
	}
	return e
}

func (e *listEdit) print(w io.Writer) {
	preposition, tense := "to", "line"
	if e.Did == "removed" {
		preposition, tense = "from", "where it was on line"
	}
	fmt.Fprintf(w, "%s %s %s %s (%s), %s %d\n", e.Did, e.Host, preposition, e.File, e.Category, tense, e.Line)
	for _, h := range e.Still {
		fmt.Fprintf(w, "still listed: %s:%d %s (%s)\n", h.List, h.Line, h.Entry, h.Category)
	}
	for _, u := range e.Unread {
		fmt.Fprintf(w, "not searched: %s\n", u)
	}
	fmt.Fprintln(w, e.Server)
}

// administrator returns the login of who runs this command, as one word: under sudo, of who called that.
func administrator() string {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if os.Geteuid() == 0 {
		name = cmp.Or(os.Getenv("SUDO_USER"), name)
	}
	return cmp.Or(strings.Join(strings.Fields(name), "-"), fmt.Sprintf("uid-%d", os.Geteuid()))
}
