package policy_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the program embeds it too

	"github.com/google/go-cmp/cmp"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/policy"
	"github.com/keersluis/keersluis/yamlfile"
)

var update = flag.Bool("update", false, "write what is wrong into testdata/*.bad.yaml")

// wanted marks the lines of a bad policy that say what is wrong with it.
const wanted = "# want "

func TestBadPolicies(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad policies: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := policy.Load(file)
			ps, ok := errors.AsType[yamlfile.Problems](err)
			if !ok {
				t.Fatalf("Load = %v, want Problems", err)
			}
			var got []string
			for _, p := range ps {
				got = append(got, wanted+strings.TrimPrefix(p.String(), file+":"))
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, rest := split(string(text))
			if *update {
				if err := os.WriteFile(file, []byte(strings.Join(got, "\n")+"\n"+rest), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// split returns the wanted lines of a bad policy, and the rest.
func split(text string) (want []string, rest string) {
	for strings.HasPrefix(text, wanted) {
		line, after, _ := strings.Cut(text, "\n")
		want, text = append(want, line), after
	}
	return want, text
}

func TestDefault(t *testing.T) {
	p := policy.Default()
	if got, want := p.Logging, (policy.Logging{Mode: logging.Pseudonymous, Months: 6, MinimumGroup: 10}); got != want {
		t.Errorf("Logging = %+v, want %+v", got, want)
	}
	if got, want := p.Roles(), []filter.Role{filter.Employee, policy.ApplicationAdministrator}; !slices.Equal(got, want) {
		t.Errorf("Roles = %v, want %v", got, want)
	}
	want := []filter.Category{"gambling", "hate", "malware", filter.NeverInspect, "porn", "proxy-avoidance", filter.Software}
	if got := p.Categories(); !slices.Equal(got, want) {
		t.Errorf("Categories = %v, want %v", got, want)
	}
	for _, c := range p.Rules().Categories {
		action := filter.Block
		if c.Category == filter.NeverInspect {
			action = filter.Allow
		}
		if c.Action != action || c.Article == "" {
			t.Errorf("%s: action %v, article %q; want %v and an article", c.Category, c.Action, c.Article, action)
		}
		if got, want := c.Splice, c.Category == filter.NeverInspect; got != want {
			t.Errorf("%s: Splice = %v, want %v", c.Category, got, want)
		}
		if got, want := c.Final, c.Category == "malware"; got != want {
			t.Errorf("%s: Final = %v, want %v", c.Category, got, want)
		}
	}
	if len(p.Rules().Exceptions) > 0 || len(p.Rules().Internal.Names)+len(p.Rules().Internal.Prefixes) > 0 {
		t.Error("the built-in regulation has exceptions or internal places")
	}
}

// The kinds that filter/content takes for software are those of the built-in regulation, which writes them out.
func TestDefaultKindsAreSoftware(t *testing.T) {
	kinds := policy.Default().Rules().Kinds
	for _, k := range content.Kinds() {
		got, ok := kinds[filter.Kind(k)]
		if ok != k.Software() || ok && got != filter.Software {
			t.Errorf("kind %s: category %q, want software: %v", k, got, k.Software())
		}
	}
}

// The default text is documentation too: laid over itself it changes nothing, and every key has a line about it.
func TestDefaultLaidOverItself(t *testing.T) {
	p, err := policy.Parse("default.yaml", []byte(policy.DefaultText()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(policy.Default().Rules(), p.Rules(), hosts); d != "" {
		t.Errorf("-built in +laid over itself\n%s", d)
	}
}

func TestLaidOverDefault(t *testing.T) {
	p := parse(t, `
organisation: {name: Gemeente Voorbeeld, service_desk: {phone: 0118631011}}
regulation: {name: Regeling 2026, url: "https://gemeente.example/regeling"}
roles: [toezicht, employee]
categories:
  gambling: {article: art. 4.2 b, roles: {toezicht: allow}}
  software:
    roles: {application-administrator: block, toezicht: allow}
    devices: {managed-mobile: allow}
  social: {action: allow, inspect: false}
  news: {action: block}
downloads: {kinds: [executable, archive]}
logging: {mode: off, retention: P3M, minimum_group: 25}
`)
	if got, want := p.Organisation, (policy.Organisation{
		Name: "Gemeente Voorbeeld", ServiceDesk: policy.ServiceDesk{Phone: "0118631011"},
	}); got != want {
		t.Errorf("Organisation = %+v, want %+v", got, want)
	}
	if got, want := p.Logging, (policy.Logging{Mode: logging.Off, Months: 3, MinimumGroup: 25}); got != want {
		t.Errorf("Logging = %+v, want %+v", got, want)
	}
	if got, want := p.Roles(), []filter.Role{filter.Employee, policy.ApplicationAdministrator, "toezicht"}; !slices.Equal(got, want) {
		t.Errorf("Roles = %v, want %v", got, want)
	}
	want := map[filter.Category]filter.CategoryRule{
		"gambling": {
			Category: "gambling", Article: "art. 4.2 b",
			Roles: map[filter.Role]filter.Action{"toezicht": filter.Allow}, Devices: map[filter.Device]filter.Action{},
		},
		filter.Software: {
			Category: filter.Software, Article: "art. 2",
			Roles:   map[filter.Role]filter.Action{policy.ApplicationAdministrator: filter.Block, "toezicht": filter.Allow},
			Devices: map[filter.Device]filter.Action{filter.ManagedMobile: filter.Allow},
		},
		"social": {
			Category: "social", Action: filter.Allow, Splice: true,
			Roles: map[filter.Role]filter.Action{}, Devices: map[filter.Device]filter.Action{},
		},
		"news": {Category: "news", Roles: map[filter.Role]filter.Action{}, Devices: map[filter.Device]filter.Action{}},
	}
	for _, c := range p.Rules().Categories {
		if w, ok := want[c.Category]; ok {
			if d := cmp.Diff(w, c); d != "" {
				t.Errorf("%s: -want +got\n%s", c.Category, d)
			}
		}
	}
	if got, want := len(p.Categories()), 9; got != want {
		t.Errorf("%d categories, want the seven built-in ones and two", got)
	}
	kinds := map[filter.Kind]filter.Category{"executable": filter.Software, "archive": filter.Software}
	if d := cmp.Diff(kinds, p.Rules().Kinds); d != "" {
		t.Errorf("Kinds: -want +got\n%s", d)
	}
}

// What one policy changes, another doesn't see.
func TestDefaultIsNotShared(t *testing.T) {
	before := policy.Default().Rules()
	parse(t, "categories: {software: {roles: {employee: allow}}}\ndownloads: {kinds: []}\n")
	if d := cmp.Diff(before, policy.Default().Rules(), hosts); d != "" {
		t.Errorf("the built-in regulation changed: -before +after\n%s", d)
	}
}

// rule: B13
func TestExceptions(t *testing.T) {
	p := parse(t, `exceptions:
  - host: Bücher.Example.
    until: 2027-03-28 # the clock goes forward: a day of 23 hours
  - {host: "2001:DB8::1", categories: [malware], roles: [application-administrator]}

  - until: 2026-12-31
    host: casino.example
    reason: supervision
    ticket: 4711
`)
	want := []filter.Exception{
		{
			Host: host(t, "xn--bcher-kva.example"), Until: moment(t, "2027-03-29T00:00:00+02:00"),
			Ref: filter.Ref{List: "p.yaml", Line: 2, Text: "xn--bcher-kva.example"},
		},
		{
			Host: host(t, "2001:db8::1"), Categories: []filter.Category{"malware"},
			Roles: []filter.Role{policy.ApplicationAdministrator}, Ref: filter.Ref{List: "p.yaml", Line: 4, Text: "2001:db8::1"},
		},
		{
			Host: host(t, "casino.example"), Until: moment(t, "2027-01-01T00:00:00+01:00"),
			Ref: filter.Ref{List: "p.yaml", Line: 6, Text: "casino.example"},
		},
	}
	if d := cmp.Diff(want, p.Rules().Exceptions, hosts); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestLoadNothing(t *testing.T) {
	if _, err := policy.Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load of nothing = %v, want os.ErrNotExist", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := policy.Load(empty)
	if err != nil {
		t.Fatalf("Load of an empty file = %v", err)
	}
	if d := cmp.Diff(policy.Default().Rules(), p.Rules(), hosts); d != "" {
		t.Errorf("an empty file isn't the built-in regulation: %s", d)
	}
}

func TestManyCategories(t *testing.T) {
	var b strings.Builder
	b.WriteString("categories:\n")
	for i := range filter.MaxCategories {
		b.WriteString("  c" + strings.Repeat("x", i) + ": {action: allow}\n")
	}
	_, err := policy.Parse("p.yaml", []byte(b.String()))
	want := "p.yaml:1:1: categories: 71 categories; 64 is the most"
	if err == nil || err.Error() != want {
		t.Errorf("Parse = %v, want %s", err, want)
	}
}

// A regulation that is accepted holds what the product promises, whatever is in the file. rules: H1, B33
func FuzzParse(f *testing.F) {
	f.Add(policy.DefaultText())
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := policy.Parse("p.yaml", []byte(text))
		if err != nil {
			if _, ok := errors.AsType[yamlfile.Problems](err); !ok {
				t.Fatalf("Parse = %v, want Problems", err)
			}
			return
		}
		if l := p.Logging; l.Months < 1 || l.Months > 6 || l.MinimumGroup < 5 {
			t.Errorf("Logging = %+v", l)
		}
		for _, c := range p.Rules().Categories {
			if c.Category == filter.NeverInspect && !c.Splice {
				t.Error("never-inspect is inspected")
			}
			if c.Action != filter.Block && c.Action != filter.Allow {
				t.Errorf("%s: action %v, which no door carries out", c.Category, c.Action)
			}
		}
		for _, x := range p.Rules().Exceptions {
			if x.Host.IsZero() || x.Ref.Line < 1 {
				t.Errorf("exception %+v", x)
			}
		}
	})
}

var hosts = cmp.Comparer(func(a, b filter.Host) bool { return a == b })

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("dir/p.yaml", []byte(text))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return p
}

func host(t *testing.T, s string) filter.Host {
	t.Helper()
	h, err := filter.ParseHost(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
