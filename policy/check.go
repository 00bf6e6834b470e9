package policy

import (
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/yamlfile"
)

const (
	maxText       = 200 // characters of a text that a page shows
	maxRoles      = 64
	leastGroup    = 5 // persons; below it a number is about somebody
	greatestGroup = 1000
)

// checker adds to a document what is wrong with values that stand in relation to something else.
type checker struct {
	*profile
	doc        *yamlfile.Document
	roles      []filter.Role
	categories []filter.Category
}

func (c *checker) check() {
	c.checkRoles()
	for n := range maps.Keys(c.Categories) {
		c.categories = append(c.categories, filter.Category(n))
	}
	slices.Sort(c.categories)
	c.checkOrganisation()
	c.checkCategories()
	c.checkDownloads()
	if g := c.Logging.MinimumGroup; g < leastGroup || g > greatestGroup {
		c.doc.Problemf("logging.minimum_group", "wants %d to %d persons", leastGroup, greatestGroup)
	}
}

func (c *checker) checkRoles() {
	c.roles = []filter.Role{filter.Employee, ApplicationAdministrator}
	for i, n := range c.profile.Roles {
		switch r := filter.Role(n); {
		case slices.Contains(c.profile.Roles[:i], n):
			c.doc.Problemf(fmt.Sprintf("roles[%d]", i), "listed twice")
		case !slices.Contains(c.roles, r) && n != "":
			c.roles = append(c.roles, r)
		}
	}
	if len(c.roles) > maxRoles {
		c.doc.Problemf("roles", "more than %d roles", maxRoles)
	}
}

func (c *checker) checkOrganisation() {
	o, r := c.Organisation, c.Regulation
	for _, t := range []struct{ path, text string }{
		{"organisation.name", o.Name},
		{"organisation.service_desk.name", o.ServiceDesk.Name},
		{"organisation.service_desk.phone", o.ServiceDesk.Phone},
		{"regulation.name", r.Name},
	} {
		c.checkText(t.path, t.text)
	}
	c.checkURL("organisation.service_desk.url", o.ServiceDesk.URL)
	c.checkURL("regulation.url", r.URL)
	if m := o.ServiceDesk.Mail; m != "" {
		if a, err := mail.ParseAddress(m); err != nil || a.Address != m {
			c.doc.Problemf("organisation.service_desk.mail", "wants an address such as servicedesk@gemeente.example")
		}
	}
}

func (c *checker) checkText(path, s string) {
	if utf8.RuneCountInString(s) > maxText || strings.ContainsFunc(s, unicode.IsControl) {
		c.doc.Problemf(path, "wants one line of at most %d characters", maxText)
	}
}

func (c *checker) checkURL(path, s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(s) > 2048 {
		c.doc.Problemf(path, "wants an address that begins with https:// or http://")
	}
}

func (c *checker) checkCategories() {
	if n := len(c.categories); n > filter.MaxCategories {
		c.doc.Problemf("categories", "%d categories; %d is the most", n, filter.MaxCategories)
	}
	for _, n := range c.categories {
		rule, path := c.profile.Categories[name[filter.Category](n)], "categories."+string(n)
		if rule.Action == "" {
			c.doc.Problemf(path, "wants an action: block or allow")
		}
		c.checkText(path+".article", rule.Article)
		for _, r := range slices.Sorted(maps.Keys(rule.Roles)) {
			c.known(c.doc.KeyProblemf, path+".roles."+string(r), "role", string(r), words(c.roles))
		}
		for _, d := range slices.Sorted(maps.Keys(rule.Devices)) {
			c.known(c.doc.KeyProblemf, path+".devices."+string(d), "device class", string(d), words(filter.Devices()))
		}
		if n == filter.NeverInspect && (rule.Inspect == nil || *rule.Inspect) {
			c.doc.Problemf(path+".inspect", "wants false: what is named as never inspected is not inspected (rule B33)")
		}
	}
}

func (c *checker) checkDownloads() {
	if len(c.Downloads.Kinds) > 0 {
		c.known(c.doc.Problemf, "downloads.category", "category", string(c.Downloads.Category), words(c.categories))
	}
	for i, k := range c.Downloads.Kinds {
		c.known(c.doc.Problemf, fmt.Sprintf("downloads.kinds[%d]", i), "kind of download", string(k), words(content.Kinds()))
	}
}

// exceptions checks the exceptions and returns them as the filter takes them.
func (c *checker) exceptions(list string) []filter.Exception {
	out := make([]filter.Exception, 0, len(c.Exceptions))
	for i, e := range c.Exceptions {
		path := fmt.Sprintf("exceptions[%d]", i)
		if e.Host.IsZero() {
			c.doc.Problemf(path+".host", "wants the host that the exception opens")
		}
		for j, r := range e.Roles {
			c.known(c.doc.Problemf, fmt.Sprintf("%s.roles[%d]", path, j), "role", string(r), words(c.roles))
		}
		for j, n := range e.Categories {
			c.known(c.doc.Problemf, fmt.Sprintf("%s.categories[%d]", path, j), "category", string(n), words(c.categories))
		}
		c.checkText(path+".reason", e.Reason)
		c.checkText(path+".ticket", e.Ticket)
		x := filter.Exception{
			Host: e.Host.Host, Roles: e.Roles, Categories: e.Categories,
			Ref: filter.Ref{List: list, Line: c.doc.Line(path), Text: e.Host.String()},
		}
		if !e.Until.IsZero() {
			l, err := amsterdam()
			if err != nil {
				c.doc.Problemf(path+".until", "can't tell when the day ends: %v", err)
				continue
			}
			x.Until = e.Until.end(l)
		}
		out = append(out, x)
	}
	return out
}

// known adds a problem when got is not among the known words.
func (c *checker) known(problemf func(path, format string, args ...any), path, what, got string, known []string) {
	if !slices.Contains(known, got) {
		problemf(path, "%v", yamlfile.Unknown(what, got, known))
	}
}

// words returns names as plain strings.
func words[T ~string](names []T) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return out
}
