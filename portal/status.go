package portal

import (
	"bytes"
	_ "embed" // the template
	"html/template"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

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

// Listener is a door and where it is.
type Listener struct{ Name, Address string }

// Policy is the regulation in force.
type Policy struct {
	Name   string
	Digest string // of the lists it is over
	Loaded time.Time
}

// List is one list as it is in force.
type List struct {
	Name     string
	Category string
	Entries  int
	Loaded   time.Time
	Trouble  string // why an older copy is in force; "" when the list is as its source has it
}

// Log is the state of the traffic log. It counts exchanges, never persons.
type Log struct {
	Mode     string // as the policy has it
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
	Trouble      []string
	Status       Status
	Files        []link

	numbers *message.Printer
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
		Title:        w.Fine,
		Organisation: p.Organisation.Name,
		W:            w,
		Trouble:      p.reasons(),
		Status:       p.Status(),
		Files:        w.Files,
		numbers:      message.NewPrinter(language.Make(string(lang))),
	}
	if v.Organisation == "" {
		v.Organisation = "Keersluis"
	}
	if len(v.Trouble) > 0 {
		v.Title = w.Wrong
	}
	return v
}

// Number returns n as the language writes it.
func (v *view) Number(n any) string { return v.numbers.Sprintf("%d", n) }
