package filter

// Lookup is the part of a decision that asks the lists.
func (p *Policy) Lookup(h Host) Reason {
	m := match{policy: p, verdict: p.unlisted()}
	p.listed(&m, h, "", nil)
	return m.verdict.Reason
}
