package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keersluis/keersluis/logging"
)

// Language is that of a rendered report. What is not [Dutch] is English.
type Language string

// The languages.
const (
	Dutch   Language = "nl"
	English Language = "en"
)

// words are the texts of a report.
type words struct {
	title    string // period and k
	columns  [6]string
	outcomes map[logging.Outcome]string
	unlisted string
	total    string
	note     string // k
	empty    string
}

func (l Language) words() words {
	if l == Dutch {
		return words{
			title:   "Verkeer van %s tot en met %s, groepen vanaf %d personen",
			columns: [...]string{"categorie", "uitkomst", "verzoeken", "bytes op", "bytes neer", "personen"},
			outcomes: map[logging.Outcome]string{
				logging.Blocked: "geblokkeerd", logging.Coached: "gewaarschuwd",
				logging.Limited: "beperkt", logging.Allowed: "toegestaan",
			},
			unlisted: "(geen lijst)",
			total:    "totaal",
			note: "%[1]s: niet getoond, omdat het over minder dan %[2]d personen of vooral over één persoon gaat, of omdat een\n" +
				"ander getal daaruit af te leiden is. Personen: ten minste; geteld in de drukste maand. Wie zich niet bij de proxy\n" +
				"heeft aangemeld, telt niet als persoon.\n",
			empty: "Geen verkeer in deze periode.\n",
		}
	}
	return words{
		title:   "Traffic from %s up to and including %s, groups of %d persons or more",
		columns: [...]string{"category", "outcome", "requests", "bytes up", "bytes down", "persons"},
		outcomes: map[logging.Outcome]string{
			logging.Blocked: "blocked", logging.Coached: "coached",
			logging.Limited: "limited", logging.Allowed: "allowed",
		},
		unlisted: "(no list)",
		total:    "total",
		note: "%[1]s: not shown, because it is about fewer than %[2]d persons or mostly about one, or because another figure\n" +
			"follows from it. Persons: at least; counted in the busiest month. Who has not logged on to the proxy does not count\n" +
			"as a person.\n",
		empty: "No traffic in this period.\n",
	}
}

// absent stands where a figure is not shown.
const absent = "-"

// Text writes the report as a table for people.
func (r Report) Text(w io.Writer, l Language) error {
	t := l.words()
	var b strings.Builder
	fmt.Fprintf(&b, t.title+"\n\n", r.From, r.To, r.K)
	if len(r.Cells) == 0 {
		b.WriteString(t.empty)
	} else {
		r.table(&b, t)
		b.WriteByte('\n')
		fmt.Fprintf(&b, t.note, absent, r.K)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (r Report) table(b *strings.Builder, t words) {
	rows := [][6]string{t.columns}
	for _, c := range r.Cells {
		category := printable(c.Category)
		if category == "" {
			category = t.unlisted
		}
		outcome := t.outcomes[c.Outcome]
		if outcome == "" {
			outcome = c.Outcome.String()
		}
		rows = append(rows, columns(category, outcome, c.Numbers))
	}
	rows = append(rows, columns(t.total, "", r.Total))
	var widths [6]int
	for _, row := range rows {
		for i, s := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(b, "%-*s  %-*s", widths[0], row[0], widths[1], row[1])
		for i := 2; i < len(row); i++ {
			fmt.Fprintf(b, "  %*s", widths[i], row[i])
		}
		b.WriteByte('\n')
	}
}

func columns(category, outcome string, n *Numbers) [6]string {
	if n == nil {
		return [...]string{category, outcome, absent, absent, absent, absent}
	}
	figure := func(u uint64) string { return strconv.FormatUint(u, 10) }
	return [...]string{category, outcome, figure(n.Requests), figure(n.Up), figure(n.Down), strconv.Itoa(n.Persons)}
}

// printable drops what could command a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// JSON writes the report as one object. Figures that are not shown are absent, not zero.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
