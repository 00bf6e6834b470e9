package portal

import (
	"bytes"
	"cmp"
	_ "embed" // the template
	"html/template"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/proxy/page"
)

// Status is the state of the program at one moment.
type Status struct {
	Version   string
	Started   time.Time
	Listeners []Listener
	Policy    Policy
	Lists     []List
	Log       Log
}

// Listener is a door (proxy, resolver or portal) and where it is.
type Listener struct{ Name, Address string }

// Policy is the regulation in force.
type Policy struct {
	Name   string
	Digest string // of the lists it is over
	Loaded time.Time
}

// List is one list and what is in force of it.
type List struct {
	Name     string
	Category filter.Category
	State    blocklists.State
	Entries  int
	Loaded   time.Time // zero for a list that is built in, and for one of which nothing is in force
}

// Shown returns the name as everybody may read it. A list without a name of its own is called by its path, and the folders
// of the machine are nobody's business.
func (l List) Shown() string {
	if path.IsAbs(l.Name) || strings.HasPrefix(l.Name, "..") {
		return path.Base(l.Name)
	}
	return l.Name
}

// BuiltIn reports whether l is part of the program.
func (l List) BuiltIn() bool { return l.State == blocklists.OK && l.Loaded.IsZero() }

// Log is the state of the traffic log. It counts exchanges, never persons.
type Log struct {
	Mode     string // as the policy file has it: pseudonymous or off
	Recorded uint64 // since the start
	Lost     uint64 // since the start: not recorded, because the log could not keep up
	Oldest   string // day, "" when nothing is kept
}

//go:embed status.html
var statusText string

var statusPage = template.Must(page.Layout().Parse(statusText))

// view is the status in one language.
type view struct {
	Lang         page.Lang
	Title        string
	Organisation string
	W            *words
	Trouble      []trouble
	Status       Status
	Files        []link

	numbers *message.Printer
	zone    *time.Location
}

// link is a file of the portal, with what it is.
type link struct{ Path, Text string }

// status shows the state in words.
func (p *portal) status(w http.ResponseWriter, r *http.Request) {
	lang := page.Language(r)
	v := newView(lang, p)
	if v == nil {
		http.NotFound(w, r)
		return
	}
	var b bytes.Buffer
	if err := statusPage.ExecuteTemplate(&b, "layout", v); err != nil {
		http.Error(w, "the status could not be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(lang))
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Vary", "Accept-Language")
	_, _ = w.Write(b.Bytes()) // the client is gone: nobody is left to tell
}

// newView returns nil where there is no status to show.
func newView(lang page.Lang, p *portal) *view {
	if p.Status == nil {
		return nil
	}
	w := wordsOf(lang)
	v := &view{
		Lang:         lang,
		Organisation: cmp.Or(p.Organisation.Name, "Keersluis"),
		W:            w,
		Status:       p.Status(),
		Files:        w.Files,
		numbers:      message.NewPrinter(language.Make(string(lang))),
		zone:         amsterdam(),
	}
	ours, lists := p.troubles(w, v.numbers), listTroubles(w, v.Status.Lists)
	v.Trouble = slices.Concat(ours, lists)
	switch {
	case len(ours) > 0:
		v.Title = w.Wrong
	case len(lists) > 0:
		v.Title = w.ListsWrong.of(v.numbers, uint64(len(lists)))
	default:
		v.Title = w.Fine
	}
	return v
}

// amsterdam returns the time of who reads the page. A machine without zone files shows UTC, and the page says which it is.
func amsterdam() *time.Location {
	if zone, err := time.LoadLocation("Europe/Amsterdam"); err == nil {
		return zone
	}
	return time.UTC
}

// Number returns n as the language writes it.
func (v *view) Number(n any) string { return v.numbers.Sprintf("%d", n) }

// Entries returns how many entries a list has, in words.
func (v *view) Entries(n int) string { return v.W.Entries.of(v.numbers, uint64(max(n, 0))) }

// Category returns what the block page calls c.
func (v *view) Category(c filter.Category) string { return page.CategoryName(v.Lang, c) }

// Moment returns t as a clock on the wall has it, with the name of the zone.
func (v *view) Moment(t time.Time) string { return t.In(v.zone).Format("2006-01-02 15:04 MST") }

// Word returns the word for a key that the program uses, and the key itself where there is none.
func (v *view) Word(key string) string { return cmp.Or(v.W.Keys[key], key) }

// Age says of what time l is; "" when nothing of it is in force.
func (v *view) Age(l List) string {
	switch {
	case l.BuiltIn():
		return v.W.BuiltIn
	case l.Loaded.IsZero():
		return ""
	}
	return v.W.Of + " " + v.Moment(l.Loaded)
}

// State says what is in force of l where that is not what its source has; else "".
func (v *view) State(l List) string {
	switch l.State {
	case blocklists.Missing:
		return v.W.Missing
	case blocklists.LastGood:
		return v.W.LastGood
	case blocklists.OK:
	}
	return ""
}
