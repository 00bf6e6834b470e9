package filter

import (
	"net/netip"
	"strings"
)

// Decide says what happens to r: the walk of the package comment. It allocates nothing.
func (p *Policy) Decide(r Request) Verdict { return p.decide(&r, nil) }

// DecideAddr says whether the address behind an allowed host may be reached: it blocks what is inside and not opened, and
// what the lists hold as an address. An allow says nothing of the host itself.
func (p *Policy) DecideAddr(r Request, a netip.Addr) Verdict { return p.decideAddr(&r, a, nil) }

// DecideAlias says whether alias, a name that the host of r is an alias of, may be reached by the client of r. What an
// exception opens for the host is open for its aliases.
func (p *Policy) DecideAlias(r Request, alias Host) Verdict {
	m := match{policy: p, client: r.Client, open: p.opened(&r, nil), verdict: p.unlisted()}
	p.listed(&m, alias, "", nil)
	r.Host = alias
	also := p.opened(&r, nil)
	if m.verdict.Blocked() && also.covering(m.category) != nil {
		m.open = also
		m.verdict = p.unlisted()
		p.listed(&m, alias, "", nil)
	}
	return m.verdict
}

// DecideContent says whether a download of kind k may pass to the client of r from the host of r.
func (p *Policy) DecideContent(r Request, k Kind) Verdict {
	v := p.unlisted()
	i, ok := p.kinds[k]
	if !ok {
		return v
	}
	rule := &p.rules[i]
	v.Reason, v.Category, v.Article, v.Action = Content, rule.Category, rule.Article, rule.action(&r.Client)
	if v.Action == Allow {
		return v
	}
	o := p.opened(&r, nil)
	if ref := o.covering(i); ref != nil {
		v.Action, v.Reason, v.Rule = Allow, Excepted, *ref
	}
	return v
}

func (p *Policy) unlisted() Verdict {
	return Verdict{Action: Allow, Reason: Unlisted, Lists: p.snapshot.digest}
}

func (p *Policy) decide(r *Request, t *trace) Verdict {
	if r.Host.IsZero() {
		v := Verdict{Action: Block, Reason: Malformed, Lists: p.snapshot.digest}
		t.step(Step{Check: CheckHost, Outcome: Holds, Action: Block})
		return v
	}
	if a, ok := r.Host.Addr(); ok {
		if v := p.internalAddr(r, a, t); v.Blocked() {
			return v
		}
	}
	m := match{policy: p, client: r.Client, open: p.opened(r, t), verdict: p.unlisted()}
	p.listed(&m, r.Host, r.Path, t)
	if m.verdict.Reason == Unlisted {
		t.step(Step{Check: CheckDefault, Outcome: Holds, Action: Allow})
	}
	return m.verdict
}

func (p *Policy) decideAddr(r *Request, a netip.Addr, t *trace) Verdict {
	if v := p.internalAddr(r, a, t); v.Blocked() || !p.snapshot.addrs {
		return v
	}
	m := match{policy: p, client: r.Client, open: p.opened(r, t), verdict: p.unlisted()}
	p.listed(&m, HostOf(a), "", t)
	return m.verdict
}

// internalAddr blocks an address that is inside and not opened by the organisation.
func (p *Policy) internalAddr(r *Request, a netip.Addr, t *trace) Verdict {
	v := p.unlisted()
	if !isInternal(a) {
		return v
	}
	if p.internal.opens(r.Host, a) {
		t.step(Step{Check: CheckInternal, Outcome: Holds, Action: Allow})
		return v
	}
	t.step(Step{Check: CheckInternal, Outcome: Holds, Action: Block})
	v.Action, v.Reason = Block, InternalAddress
	return v
}

// match is the state of one walk through the lists.
type match struct {
	policy   *Policy
	client   Client // a copy: a pointer would send every request to the heap, as verdicts outlive it
	open     open
	verdict  Verdict
	category int // of the verdict, an index; meaningless while nothing is listed
}

// listed walks the suffixes of host, shortest first, and leaves the strictest verdict in m. It asks for the slots of a
// suffix before it looks at those of the one before: what is not in the processor's cache is fetched side by side.
func (p *Policy) listed(m *match, host Host, path string, t *trace) {
	s := p.snapshot
	name, h := host.name, s.seed
	var ahead cursor
	at := len(name) // where the suffix of ahead starts; len(name) while there is none
	for end := len(name); end > 0; {
		start := strings.LastIndexByte(name[:end], '.') + 1
		h = mix(h, name[start:end])
		if start == 0 || end < len(name) { // no list may hold a whole top-level domain
			c := s.table.seek(h)
			if at < len(name) {
				m.takeAll(&ahead, name, at, t)
			}
			ahead, at = c, start
		}
		if path != "" && len(s.urls) > 0 {
			m.takeURLs(s.urls[h], name[start:], path, t)
		}
		end = start - 1
	}
	if at < len(name) {
		m.takeAll(&ahead, name, at, t)
	}
}

// takeAll weighs the entries at c, which are for the suffix of name from start.
func (m *match) takeAll(c *cursor, name string, start int, t *trace) {
	table := &m.policy.snapshot.table
	for r, more, ok := table.get(c); ok; r, more, ok = table.next(more) {
		m.take(r, name[start:], start == 0, t)
	}
}

func (m *match) takeURLs(rules []urlRule, suffix, path string, t *trace) {
	for i := len(rules) - 1; i >= 0; i-- { // shortest first, as with names
		u := &rules[i]
		if strings.HasPrefix(u.text, suffix) && pathWithin(path, u.path) {
			m.take(u.ref, u.text, true, t)
		}
	}
}

// pathWithin reports whether path is prefix or lies below it: /a/b is within /a and /a/, /ab is not within /a.
func pathWithin(path, prefix string) bool {
	if !strings.HasPrefix(path, prefix) {
		return false
	}
	return len(path) == len(prefix) || prefix[len(prefix)-1] == '/' || path[len(prefix)] == '/'
}

// take weighs one entry that holds the host. whole says that text is the whole name (or URL), not a suffix of it.
func (m *match) take(r ref, text string, whole bool, t *trace) {
	if r.exact() && !whole {
		return
	}
	list := m.policy.snapshot.at(r)
	rule := &m.policy.rules[list.category]
	v := Verdict{
		Action: rule.action(&m.client), Reason: Listed, Category: rule.Category, Article: rule.Article,
		Rule: Ref{List: list.name, Line: r.line() - list.base, Text: text}, Lists: m.verdict.Lists,
	}
	step := Step{Check: CheckList, Ref: v.Rule, Category: v.Category, Action: v.Action, Outcome: Holds}
	if v.Action != Allow {
		if x := m.open.covering(list.category); x != nil {
			v.Action, v.Reason, v.Rule = Allow, Excepted, *x
			step.Action, step.Outcome = Allow, Opened
		}
	}
	t.step(step)
	v.Splice = m.verdict.Splice || rule.Splice
	if stricter(&v, &m.verdict) {
		m.verdict, m.category = v, list.category
	}
	m.verdict.Splice = v.Splice
}

// stricter reports whether v goes before have. Of equal actions the later, more specific entry is the one named; but a
// category that an exception opened is named rather than one that was open anyway, since that is what explains the allow.
func stricter(v, have *Verdict) bool {
	if v.Action != have.Action {
		return v.Action < have.Action
	}
	return have.Reason != Excepted || v.Reason == Excepted
}
