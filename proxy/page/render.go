package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the template and the style
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed layout.html
var layoutText string

//go:embed problem.html
var problemText string

//go:embed style.css
var style string

var (
	layout = template.Must(template.New("layout").
		Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(style) }}).
		Parse(layoutText))
	problemPage = template.Must(Layout().Parse(problemText))
)

// Layout returns the frame that every page of ours shares: the template "layout" with our style and mark. The caller
// parses a "main" and a "footer" into it, and executes it with a value that has Lang, Title and Organisation.
func Layout() *template.Template { return template.Must(layout.Clone()) }

// policyCSP lets a page do nothing but show itself in our style. Framing is left open: a blocked frame in an allowed page
// must be able to say why it is empty, and there is nothing on a page that a stolen click could do.
var policyCSP = "default-src 'none'; style-src 'sha256-" + styleHash() + "'; base-uri 'none'; form-action 'none'"

func styleHash() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Harden sets the headers that go with [Layout]: nothing is fetched, kept, guessed or told to another site.
func Harden(h http.Header) {
	h.Set("Content-Security-Policy", policyCSP)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// render returns v as m, with its Content-Type. A form that can't be made becomes plain text, which always can.
func render(m media, v *view) (string, []byte) {
	switch m {
	case html:
		var b bytes.Buffer
		if err := problemPage.ExecuteTemplate(&b, "layout", v); err == nil {
			return "text/html; charset=utf-8", b.Bytes()
		}
	case problemJSON:
		if b, err := json.MarshalIndent(document(v), "", "  "); err == nil {
			return "application/problem+json", append(b, '\n')
		}
	case plain, mediaCount:
	}
	return "text/plain; charset=utf-8", []byte(text(v))
}

// problemType begins the type of a problem document: a tag (RFC 4151), since a type need not be a place.
const problemType = "tag:github.com,2026:keersluis/"

// document returns v as the members of a problem document, RFC 9457. The facts are extension members.
func document(v *view) map[string]any {
	d := map[string]any{
		"type":         problemType + v.problem.String(),
		"title":        v.Title,
		"status":       v.status,
		"detail":       v.Lead,
		"organisation": v.Organisation,
		"advice":       v.Advice,
	}
	for _, f := range v.Facts {
		d[f.Name] = cmp.Or(f.Key, f.Value)
	}
	if contact := contacts(v.Desk.Contact); v.Desk.Reachable() {
		d["contact"] = contact
	}
	return d
}

func contacts(c Contact) map[string]string {
	all := map[string]string{"name": c.Name, "phone": c.Phone, "mail": c.Mail, "url": c.URL}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

// text returns v as plain text, for a terminal.
func text(v *view) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n%s\n\n", v.Eyebrow, v.Title, v.Lead)
	for _, f := range v.Facts {
		fmt.Fprintf(&b, "%s: %s\n", f.Term, f.Value)
	}
	fmt.Fprintf(&b, "\n%s\n", v.WhatToDo)
	for _, advice := range v.Advice {
		fmt.Fprintf(&b, "- %s\n", advice)
	}
	if v.Desk.Reachable() {
		fmt.Fprintf(&b, "\n%s: %s\n", v.Desk.Heading, v.Desk.Name)
		for _, way := range []string{v.Desk.Phone, v.Desk.Mail, v.Desk.URL} {
			if way != "" {
				fmt.Fprintf(&b, "  %s\n", way)
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\n", v.Privacy)
	return b.String()
}
