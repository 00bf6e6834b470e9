package filter

import (
	"slices"
	"strings"
)

// Policy is the organisation's rules over one snapshot of lists: immutable, safe for concurrent use.
type Policy struct {
	snapshot   *Snapshot
	rules      []rule // by category index: those of the snapshot first
	byCategory map[Category]int
	kinds      map[Kind]int
	exceptions map[uint64][]exception // by the hash of their host under the snapshot's seed
	internal   Internal
}

// rule is a CategoryRule in the form that a decision reads.
type rule struct {
	CategoryRule
	roles   []roleAction
	devices []deviceAction
}

type roleAction struct {
	role   Role
	action Action
}

type deviceAction struct {
	device Device
	action Action
}

type exception struct {
	Exception
	covers uint64 // the categories it opens, a bit for each index
}

// NewPolicy joins rules and lists. A category that a list has and no rule names is blocked. A nil snapshot is an empty
// one. NewPolicy keeps no reference to the maps and slices of r.
func NewPolicy(r Rules, s *Snapshot) *Policy {
	if s == nil {
		s, _, _ = Compile()
	}
	p := &Policy{
		snapshot: s, byCategory: map[Category]int{}, kinds: map[Kind]int{}, exceptions: map[uint64][]exception{},
		internal: Internal{Names: slices.Clone(r.Internal.Names), Prefixes: slices.Clone(r.Internal.Prefixes)},
	}
	for _, c := range s.categories {
		p.index(c)
	}
	for _, c := range r.Categories {
		p.setRule(c)
	}
	for k, c := range r.Kinds {
		p.kinds[k] = p.index(c)
	}
	for _, e := range r.Exceptions {
		p.addException(e)
	}
	return p
}

// Lists returns the digest of the snapshot.
func (p *Policy) Lists() Digest { return p.snapshot.digest }

// index returns the index of a category, making a rule that blocks where there is none yet.
func (p *Policy) index(c Category) int {
	if i, ok := p.byCategory[c]; ok {
		return i
	}
	i := len(p.rules)
	p.byCategory[c] = i
	p.rules = append(p.rules, rule{CategoryRule: CategoryRule{Category: c}})
	return i
}

func (p *Policy) setRule(c CategoryRule) {
	out := rule{CategoryRule: c}
	for role, action := range c.Roles {
		out.roles = append(out.roles, roleAction{role, action})
	}
	for device, action := range c.Devices {
		out.devices = append(out.devices, deviceAction{device, action})
	}
	out.Roles, out.Devices = nil, nil
	p.rules[p.index(c.Category)] = out
}

func (p *Policy) addException(e Exception) {
	x := exception{Exception: e}
	x.Roles = slices.Clone(e.Roles)
	if len(e.Categories) == 0 {
		x.covers = ^uint64(0)
		for i, r := range p.rules {
			if r.Final && i < 64 {
				x.covers &^= 1 << i
			}
		}
	}
	for _, c := range e.Categories {
		x.covers |= 1 << p.index(c)
	}
	key := hashName(p.snapshot.seed, e.Host.name)
	p.exceptions[key] = append(p.exceptions[key], x)
}

// action returns what the rule says for a client.
func (r *rule) action(c *Client) Action {
	best, named := Block, false
	for _, ra := range r.roles {
		if slices.Contains(c.Roles, ra.role) {
			best, named = max(best, ra.action), true
		}
	}
	if named {
		return best
	}
	for _, da := range r.devices {
		if da.device == c.Device {
			return da.action
		}
	}
	return r.Action
}

// open is what the exceptions open for a request: the categories, and for each kind of exception the one that counts.
type open struct {
	role, all opening // for one of the client's roles; for everybody
}

// opening is the categories an exception opens and where it is written.
type opening struct {
	covers uint64
	ref    *Ref
}

// covering returns the exception that opens category index i, nil when none does.
func (o *open) covering(i int) *Ref {
	bit := uint64(1) << i
	switch {
	case o.role.covers&bit != 0:
		return o.role.ref
	case o.all.covers&bit != 0:
		return o.all.ref
	}
	return nil
}

// opened walks the suffixes of the host and returns what the exceptions open for it.
func (p *Policy) opened(r *Request, t *trace) open {
	var o open
	if len(p.exceptions) == 0 {
		return o
	}
	name, h := r.Host.name, p.snapshot.seed
	for end := len(name); end > 0; {
		start := strings.LastIndexByte(name[:end], '.') + 1
		h = mix(h, name[start:end])
		at := p.exceptions[h]
		for i := range at {
			p.open(&o, r, name[start:], &at[i], t)
		}
		end = start - 1
	}
	return o
}

// open adds one exception that stands at suffix to o when it applies to the request. Suffixes come shortest first, so a
// later one is the more specific.
func (p *Policy) open(o *open, r *Request, suffix string, x *exception, t *trace) {
	if x.Host.name != suffix {
		return // another name with the same hash
	}
	if !x.Until.IsZero() && !r.At.Before(x.Until) {
		t.step(Step{Check: CheckException, Ref: x.Ref, Outcome: Expired})
		return
	}
	if len(x.Roles) == 0 {
		o.all = opening{o.all.covers | x.covers, &x.Ref}
	} else if slices.ContainsFunc(x.Roles, func(role Role) bool { return slices.Contains(r.Client.Roles, role) }) {
		o.role = opening{o.role.covers | x.covers, &x.Ref}
	} else {
		t.step(Step{Check: CheckException, Ref: x.Ref, Outcome: OtherRole})
		return
	}
	t.step(Step{Check: CheckException, Ref: x.Ref, Outcome: Holds})
}
