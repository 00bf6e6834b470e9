package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

// maxTop bounds the hosts of a file for --top.
const maxTop = 1_000_000

// listCheck is what would come of a file as a list.
type listCheck struct {
	File       string          `json:"file"`
	Usable     bool            `json:"usable"`
	Error      string          `json:"error,omitempty"` // why not
	Entries    int             `json:"entries"`
	Complained int             `json:"complained"`
	Complaints []string        `json:"complaints,omitempty"` // the first hundred
	Category   filter.Category `json:"category,omitempty"`
	Action     string          `json:"action,omitempty"` // of the policy, for everybody in that category
	Asked      int             `json:"asked"`            // well-known hosts, or those of --top
	Listed     []topHit        `json:"listed"`           // of these
}

// topHit is a well-known host that the list holds, or a part of it.
type topHit struct {
	Host  string `json:"host"`
	Line  int    `json:"line"`
	Entry string `json:"entry"`
}

// checkQuestion is what lists check is asked.
type checkQuestion struct{ file, format, category, top string }

func newListsCheck(flags *listsFlags) *cobra.Command {
	var q checkQuestion
	check := &cobra.Command{
		Use:   "check FILE",
		Short: "say what would come of a file as a list: its entries, the lines that can't be used, the well-known hosts in it",
		Long: "Check reads a file, or a UT1 folder, as serve would, and changes nothing. Its exit status is 1 when serve would not\n" +
			"use it. Of --top, a file with a host a line (or rank,host), it says which hosts the list holds.",
		Example: "  keersluis lists check new.txt --category gambling",
		Args:    one("file", "new.txt"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q.file = args[0]
			checked, err := checkFor(cmd.Context(), *flags.paths, q)
			if err != nil {
				return err
			}
			if err := flags.print(cmd.OutOrStdout(), checked, checked.print); err != nil {
				return err
			}
			if !checked.Usable {
				return fmt.Errorf("%s can't be used as a list", q.file)
			}
			return nil
		},
	}
	f := check.Flags()
	f.StringVar(&q.format, "format", "", "the format of the file (default: told from its content)")
	f.StringVar(&q.category, "category", "", "also say what the policy does with this category")
	f.StringVar(&q.top, "top", "", "a file of hosts to look for (default: a small set that hardly any list should hold)")
	return check
}

func checkFor(ctx context.Context, p paths, q checkQuestion) (*listCheck, error) {
	format, err := blocklists.ParseFormat(q.format)
	if err != nil {
		return nil, usageError{fmt.Errorf("--format: %w", err)}
	}
	out := &listCheck{File: q.file, Category: filter.Category(q.category), Listed: []topHit{}}
	if out.Action, err = actionOf(p, out.Category); err != nil {
		return nil, err
	}
	hosts, err := topHosts(q.top)
	if err != nil {
		return nil, fmt.Errorf("--top: %w", err)
	}
	out.Asked = len(hosts)
	dir, err := os.MkdirTemp("", "keersluis-lists-")
	if err != nil {
		return nil, fmt.Errorf("a folder for a copy of the list: %w", err)
	}
	defer os.RemoveAll(dir)
	// The name can't be that of a starter list: those are loaded too.
	source := blocklists.Source{Name: q.file, Category: "checked", Format: format, File: q.file}
	keeper, err := blocklists.New(dir, []blocklists.Source{source}, blocklists.Options{Client: new(http.Client), Now: time.Now, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	_, report, err := keeper.Load(ctx)
	if err != nil {
		return nil, err
	}
	out.report(report.Sources[len(report.Sources)-1])
	found, err := keeper.Search(ctx, hosts...)
	out.listed(found, source.Category)
	return out, err
}

// actionOf returns what the policy does with a category for everybody; "" for none.
func actionOf(p paths, c filter.Category) (string, error) {
	if c == "" {
		return "", nil
	}
	p.data = "." // of no concern here
	s, err := load(p)
	if err != nil {
		return "", err
	}
	if err := s.knownCategory(c); err != nil {
		return "", err
	}
	for _, r := range s.policy.Rules().Categories {
		if r.Category == c {
			return r.Action.String(), nil
		}
	}
	return "", nil
}

func (c *listCheck) report(s blocklists.Status) {
	c.Usable, c.Entries, c.Complained = s.Err == nil, s.Entries, s.Complained
	if s.Err != nil {
		c.Error = oneLine(s.Err)
	}
	for _, complaint := range s.Complaints {
		c.Complaints = append(c.Complaints, complaint.String())
	}
}

// listed takes over the first entry for each host.
func (c *listCheck) listed(found blocklists.Found, category filter.Category) {
	seen := map[filter.Host]bool{}
	for _, h := range found.Hits {
		if h.Category == category && !seen[h.Host] {
			seen[h.Host] = true
			c.Listed = append(c.Listed, topHit{h.Host.String(), h.Line, h.Entry + h.Path})
		}
	}
}

// topHosts returns the hosts of a file, or the built-in ones.
func topHosts(file string) ([]filter.Host, error) {
	var text io.Reader = strings.NewReader(strings.Join(strings.Fields(wellKnown), "\n"))
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		text = f
	}
	var hosts []filter.Host
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		h, err := filter.ParseHost(strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:]))
		if err != nil {
			continue // the head of a table, mostly
		}
		if hosts = append(hosts, h); len(hosts) > maxTop {
			return nil, fmt.Errorf("%s has more than %d hosts", file, maxTop)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(hosts) == 0 {
		return nil, errors.New("there is no host in it")
	}
	return hosts, nil
}

func (c *listCheck) print(w io.Writer) {
	if c.Error != "" {
		fmt.Fprintln(w, c.Error)
	}
	for _, complaint := range c.Complaints {
		fmt.Fprintln(w, complaint)
	}
	if more := c.Complained - len(c.Complaints); more > 0 {
		fmt.Fprintf(w, "%s: and %d more lines that can't be used\n", c.File, more)
	}
	for _, h := range c.Listed {
		fmt.Fprintf(w, "%s:%d: holds %s (%s)\n", c.File, h.Line, h.Host, h.Entry)
	}
	fmt.Fprintf(w, "%d entries, %d lines that can't be used, %d of %d well-known hosts\n", c.Entries, c.Complained, len(c.Listed), c.Asked)
	if c.Action != "" {
		fmt.Fprintf(w, "the policy's action for %s is %s\n", c.Category, c.Action)
	}
}
