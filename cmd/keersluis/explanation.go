package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/keersluis/keersluis/filter"
)

func describe(s filter.Step) explanationStep {
	out := explanationStep{Category: s.Category, Outcome: s.Action.String()}
	if s.Ref.List != "" {
		out.Rule = strings.TrimSpace(s.Ref.List + ":" + strconv.Itoa(s.Ref.Line) + " " + s.Ref.Text)
	}
	switch s.Check {
	case filter.CheckHost:
		out.Check = "host"
	case filter.CheckInternal:
		out.Check = "internal address"
	case filter.CheckException:
		out.Check = "exception"
	case filter.CheckList:
		out.Check = "list"
	case filter.CheckDefault:
		out.Check = "nothing names it"
	}
	switch s.Outcome {
	case filter.Holds:
		if s.Check == filter.CheckException {
			out.Outcome = "holds"
		}
	case filter.Opened:
		out.Outcome = "opened by an exception"
	case filter.Expired:
		out.Outcome = "expired"
	case filter.OtherRole:
		out.Outcome = "for other roles"
	}
	return out
}

func printExplanation(w io.Writer, e *explanation, output string) error {
	switch output {
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(e)
	case "text":
	default:
		return usageError{fmt.Errorf("--output: %q is neither text nor json", output)}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	row("verdict", e.Verdict)
	row("host", e.Host)
	row("asked as", cmp.Or(strings.Join(words(e.Roles), ", "), "nobody in particular")+", "+cmp.Or(string(e.Device), "unknown device")+
		", "+e.At.In(amsterdam()).Format("2006-01-02 15:04 MST"))
	row("reason", e.Reason)
	row("category", string(e.Category))
	row("download", e.Download)
	if e.List != "" {
		row("rule", strings.TrimSpace(fmt.Sprintf("%s:%d %s", e.List, e.Line, e.Entry)))
	}
	row("article", e.Article)
	row("inspected", map[bool]string{true: "yes", false: "never: passed on unread"}[e.Inspected])
	row("reference", e.Reference)
	fmt.Fprintln(t, "steps")
	for i, s := range e.Steps {
		fmt.Fprintf(t, "  %d  %s\t%s\n", i+1, s.Check, strings.Join(slices.DeleteFunc([]string{s.Rule, string(s.Category), s.Outcome},
			func(x string) bool { return x == "" }), "  "))
	}
	return t.Flush()
}
