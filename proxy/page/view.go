package page

import (
	"net"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keersluis/keersluis/filter"
)

// malware is the category whose page asks to call at once (rule B29).
const malware filter.Category = "malware"

// maxShown bounds a text from outside on a page, in bytes: the length of the longest host name.
const maxShown = 253

// view is a page in one language: what the three forms show.
type view struct {
	Lang         Lang
	Title        string
	Organisation string
	Eyebrow      string // above the title: by whom, or that it is no block
	Lead         string
	Facts        []fact
	WhatToDo     string
	Advice       []string
	Desk         desk
	Privacy      string
	ByPolicy     bool

	problem Problem
	status  int
}

// fact is one line of what is known. A problem document has it as member Name, with Key in place of Value where there is a
// word for programs.
type fact struct{ Name, Term, Value, Key, URL string }

// desk is the service desk with the words around it.
type desk struct {
	Contact
	Heading         string
	Call, Send, Web string // before the phone number, the mail address and the URL
	Tel             string // the phone number as a dialler takes it
	MailURL         string // with the reference as subject, where there is one: the report button (rule B29)
}

// newView puts pg into the words of lang.
func newView(o Organisation, lang Lang, pg Page) *view {
	w := wordsOf(lang)
	if o.Name == "" {
		o.Name = w.organisation
	}
	named := strings.NewReplacer("{organisation}", o.Name, "{desk}", inSentence(w, o.ServiceDesk.Name))
	saying := w.sayings[pg.Problem]
	v := &view{
		Lang:         lang,
		Title:        saying.title,
		Organisation: capital(o.Name),
		Eyebrow:      capital(named.Replace(eyebrow(w, pg.Problem))),
		Lead:         capital(named.Replace(saying.lead)),
		Facts:        facts(w, o, pg),
		WhatToDo:     w.whatToDo,
		Desk:         newDesk(w, o.ServiceDesk, pg),
		Privacy:      w.privacy,
		ByPolicy:     pg.Problem.ByPolicy(),
		problem:      pg.Problem,
		status:       pg.Status,
	}
	if v.ByPolicy {
		v.Privacy = w.reference + " " + v.Privacy
		if pg.Verdict.Category == malware {
			v.Advice = append(v.Advice, named.Replace(w.malware))
		}
	}
	for _, advice := range saying.advice {
		v.Advice = append(v.Advice, named.Replace(advice))
	}
	return v
}

// inSentence returns the name of a service desk as a sentence has it. A helpdesk takes an article, which a name of another
// kind need not: "Vraag de Helpdesk", but "Vraag Team ICT".
func inSentence(w *words, name string) string {
	if name == "" || strings.EqualFold(name, dutch.serviceDesk) { // a word of the language, not a name
		return w.theDesk
	}
	lower := strings.ToLower(name)
	for _, article := range [...]string{"de ", "het ", "the ", "onze ", "our "} {
		if strings.HasPrefix(lower, article) {
			return name // the organisation has put one itself
		}
	}
	if strings.Contains(lower, "desk") {
		return w.deskArticle + name
	}
	return name
}

func eyebrow(w *words, p Problem) string {
	switch {
	case p.ByPolicy():
		return w.byPolicy
	case p == AuthenticationRequired, p == ShuttingDown, p == ProxyError:
		return w.ourFault
	}
	return w.notPolicy
}

// facts returns what is known of pg and may be shown. Who blocks must say by which rule (rule B25).
func facts(w *words, o Organisation, pg Page) []fact {
	var all []fact
	add := func(f fact) {
		if f.Value != "" {
			all = append(all, f)
		}
	}
	add(fact{Name: "host", Term: w.site, Value: hostOnly(pg.Host)})
	if pg.Detail < detailCount {
		add(fact{Name: "cause", Term: w.reason, Value: w.details[pg.Detail]})
	}
	if !pg.Problem.ByPolicy() {
		return all
	}
	add(fact{Name: "kind", Term: w.kind, Value: translated(w.kinds, pg.Kind), Key: pg.Kind})
	add(fact{Name: "category", Term: w.category, Value: translated(w.categories, pg.Verdict.Category), Key: string(pg.Verdict.Category)})
	add(fact{Name: "rule", Term: w.rule, Value: rule(w, o, pg.Verdict.Article), URL: o.RegulationURL})
	add(fact{Name: "reference", Term: w.code, Value: pg.Verdict.Reference()})
	return all
}

// rule names the article and the regulation it is of, as far as they are known.
func rule(w *words, o Organisation, article string) string {
	if article == "" {
		return o.Regulation
	}
	if !strings.HasPrefix(strings.ToLower(article), "art") { // "art. 4.2" is a whole reference, "4.2" a number
		article = strings.ReplaceAll(w.article, "%s", article)
	}
	if o.Regulation == "" {
		return capital(article)
	}
	return o.Regulation + ", " + article
}

func newDesk(w *words, c Contact, pg Page) desk {
	d := desk{Contact: c, Heading: w.desk, Call: w.phone, Send: w.mail, Web: w.web, Tel: dialled(c.Phone)}
	if c.Name == "" {
		d.Name = w.serviceDesk
	}
	if c.Mail == "" {
		return d
	}
	d.MailURL = "mailto:" + url.PathEscape(c.Mail)
	if pg.Problem.ByPolicy() {
		d.Send = w.report
		d.MailURL += "?subject=" + url.PathEscape(w.code+" "+pg.Verdict.Reference())
	}
	return d
}

// Reachable reports whether there is any way to reach the desk.
func (d desk) Reachable() bool { return d.Phone != "" || d.Mail != "" || d.URL != "" }

// Shown returns the desk's URL as people write it.
func (d desk) Shown() string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(d.URL, "https://"), "http://"), "/")
}

// translated returns the word for key, and the key itself where there is none.
func translated[K ~string](table map[K]string, key K) string {
	if word, ok := table[key]; ok {
		return word
	}
	return printable(string(key))
}

// hostOnly returns the host of s, whatever surrounds it: no scheme, user, port, path or query may be shown, because those
// say what a person does.
func hostOnly(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if i := strings.IndexAny(s, "/?#\\"); i >= 0 {
		s = s[:i]
	}
	s = s[strings.LastIndexByte(s, '@')+1:]
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	return printable(s)
}

// printable returns s without the characters that would let it pass for another text (controls, bidirectional marks), and
// cut to maxShown bytes.
func printable(s string) string {
	if len(s) > maxShown {
		s = s[:maxShown] + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// dialled returns the digits of a phone number, with the plus of an international one.
func dialled(phone string) string {
	phone = strings.ReplaceAll(phone, "(0)", "")
	return strings.Map(func(r rune) rune {
		if ('0' <= r && r <= '9') || r == '+' {
			return r
		}
		return -1
	}, phone)
}

// capital returns s with a capital first letter.
func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
