package portal

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/proxy/page"
)

// ProblemKind is what can be wrong besides a list: a closed set, so that each has its sentence in each language.
type ProblemKind uint8

// The kinds.
const (
	LogUnwritable ProblemKind = iota // the traffic log can't be written now
	LogLost                          // the traffic log lost Count exchanges since the start
	LogDamaged                       // Count files of the traffic log were damaged and set aside
	ClockJumped                      // nothing of the traffic log is deleted before the clock is right or confirmed
	CAEnding                         // the CA certificate ends within Count days
	CAEnded                          // the CA certificate has ended
	problemKinds
)

// Problem is something that a person should look at. The state of the lists is not among them: [List] has it.
type Problem struct {
	Kind   ProblemKind
	Count  uint64 // where the kind counts something
	Detail string // for who runs the machine, in English. Everybody can read it: no path, no address, no person
}

// counted is a text for one and for more; "{n}" is how many. A text that counts nothing has no one.
type counted struct{ one, more string }

func (c counted) of(numbers *message.Printer, n uint64) string {
	if n == 1 && c.one != "" {
		return c.one
	}
	return strings.ReplaceAll(c.more, "{n}", numbers.Sprintf("%d", n))
}

// trouble is a sentence about what is wrong, with what helps who runs the machine.
type trouble struct{ Text, Detail string }

// troubles returns what is wrong besides the lists, in words.
func (p *portal) troubles(w *words, numbers *message.Printer) []trouble {
	if p.Health == nil {
		return nil
	}
	var all []trouble
	for _, problem := range p.Health() {
		if problem.Kind < problemKinds {
			text := w.Problems[problem.Kind].of(numbers, problem.Count)
			all = append(all, trouble{text, strings.Join(strings.Fields(problem.Detail), " ")})
		}
	}
	return all
}

// listTroubles returns a sentence for each of lists that is not in force as its source has it.
func listTroubles(w *words, lists []List) []trouble {
	var all []trouble
	for _, l := range lists {
		switch l.State {
		case blocklists.Missing:
			all = append(all, trouble{Text: strings.ReplaceAll(w.MissingList, "{list}", l.Shown())})
		case blocklists.LastGood:
			all = append(all, trouble{Text: strings.ReplaceAll(w.LastGoodList, "{list}", l.Shown())})
		case blocklists.OK:
		}
	}
	return all
}

// reasons returns why a supervisor should ring the bell, each as one English line. A list of which an older copy is in force
// is none: feeds fail now and then, and the filter goes on.
func (p *portal) reasons() []string {
	w := wordsOf(page.English)
	all := p.troubles(w, message.NewPrinter(language.English))
	if p.Status != nil {
		var missing []List
		for _, l := range p.Status().Lists {
			if l.State == blocklists.Missing {
				missing = append(missing, l)
			}
		}
		all = append(all, listTroubles(w, missing)...)
	}
	var lines []string
	for _, t := range all {
		line := t.Text
		if t.Detail != "" {
			line += " (" + t.Detail + ")"
		}
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}
