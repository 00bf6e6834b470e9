package policy

import (
	_ "embed"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/yamlfile"
)

//go:embed default.yaml
var defaultText []byte

// defaultName is how verdicts and complaints call the built-in regulation.
const defaultName = "default.yaml"

// ApplicationAdministrator is the role that may download software for work (rules B12, B14).
const ApplicationAdministrator filter.Role = "application-administrator"

// Policy is the organisation's regulation, checked. Nobody changes it.
type Policy struct {
	Organisation Organisation
	Regulation   Regulation
	Logging      Logging

	roles []filter.Role
	rules filter.Rules
}

// Default returns the built-in regulation.
func Default() *Policy {
	p, doc := builtIn()
	policy, err := compile(p, doc, defaultName)
	if err != nil {
		panic(fmt.Sprintf("the built-in regulation: %v", err)) // the tests read it
	}
	return policy
}

// DefaultText returns the text of the built-in regulation, which explains every key.
func DefaultText() string { return string(defaultText) }

// builtIn returns the built-in regulation as it is written; the caller owns it.
func builtIn() (*profile, *yamlfile.Document) {
	p := &profile{}
	return p, yamlfile.Read(defaultName, defaultText, p)
}

// Load reads a regulation, laid over the built-in one. The error is [yamlfile.Problems] when the file was read and isn't
// right.
func Load(file string) (*Policy, error) {
	p, _ := builtIn()
	doc, err := yamlfile.ReadFile(file, p)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	return compile(p, doc, filepath.Base(file))
}

// Parse is [Load] of a text in memory, called file.
func Parse(file string, text []byte) (*Policy, error) {
	p, _ := builtIn()
	return compile(p, yamlfile.Read(file, text, p), filepath.Base(file))
}

// Roles returns the roles that exist.
func (p *Policy) Roles() []filter.Role { return slices.Clone(p.roles) }

// Categories returns the categories that exist, in the order of their names.
func (p *Policy) Categories() []filter.Category {
	names := make([]filter.Category, len(p.rules.Categories))
	for i, c := range p.rules.Categories {
		names[i] = c.Category
	}
	return names
}

// Rules returns what [filter.NewPolicy] takes. Internal is empty: what lies inside is the machine's to say. The caller may add to
// the struct, but must not change what its maps and slices hold.
func (p *Policy) Rules() filter.Rules {
	r := p.rules
	r.Categories, r.Exceptions = slices.Clip(r.Categories), slices.Clip(r.Exceptions)
	return r
}

// compile checks a profile and makes a policy of it. Verdicts call it list.
func compile(p *profile, doc *yamlfile.Document, list string) (*Policy, error) {
	c := checker{profile: p, doc: doc}
	c.check()
	exceptions := c.exceptions(list)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return &Policy{
		Organisation: p.Organisation,
		Regulation:   p.Regulation,
		Logging:      Logging{p.Logging.Mode.Mode, int(p.Logging.Retention), p.Logging.MinimumGroup},
		roles:        c.roles,
		rules: filter.Rules{
			Categories: p.categoryRules(),
			Exceptions: exceptions,
			Kinds:      p.Downloads.kinds(),
		},
	}, nil
}

func (p *profile) categoryRules() []filter.CategoryRule {
	rules := make([]filter.CategoryRule, 0, len(p.Categories))
	for _, n := range slices.Sorted(maps.Keys(p.Categories)) {
		c := p.Categories[n]
		rules = append(rules, filter.CategoryRule{
			Category: filter.Category(n),
			Action:   c.Action.value(),
			Roles:    values(c.Roles),
			Devices:  values(c.Devices),
			Final:    c.Final,
			Splice:   c.Inspect != nil && !*c.Inspect,
			Article:  c.Article,
		})
	}
	return rules
}

func (d *downloads) kinds() map[filter.Kind]filter.Category {
	kinds := make(map[filter.Kind]filter.Category, len(d.Kinds))
	for _, k := range d.Kinds {
		kinds[filter.Kind(k)] = d.Category
	}
	return kinds
}

// amsterdam returns the time zone in which a day of the regulation begins and ends.
func amsterdam() (*time.Location, error) { return time.LoadLocation("Europe/Amsterdam") }
