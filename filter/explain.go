package filter

// Check is what one step of an explanation looked at: a closed set.
type Check uint8

// The checks, in the order they are made.
const (
	CheckHost      Check = iota + 1 // is it a host at all
	CheckInternal                   // is the address inside
	CheckException                  // an exception of the policy that stands at the host or above it
	CheckList                       // an entry of a list
	CheckDefault                    // nothing named the host
)

// Outcome is what a check found: a closed set.
type Outcome uint8

// The outcomes.
const (
	Holds     Outcome = iota + 1 // it applies, with the step's action
	Opened                       // it applies, but an exception opens it
	Expired                      // an exception whose date is past
	OtherRole                    // an exception for roles that the client doesn't hold
)

// Step is one line of an explanation.
type Step struct {
	Check    Check
	Outcome  Outcome
	Ref      Ref
	Category Category
	Action   Action
}

// Explain is the walk of [Policy.Decide] with its steps kept. It can't disagree: it is the same code.
func (p *Policy) Explain(r Request) (Verdict, []Step) {
	var t trace
	v := p.decide(&r, &t)
	return v, t.steps
}

// trace keeps steps. A nil trace, as in Decide, keeps none.
type trace struct{ steps []Step }

func (t *trace) step(s Step) {
	if t != nil {
		t.steps = append(t.steps, s)
	}
}
