// Package gate is the only way from a door to the network: one request in, one recorded [Answer] out.
//
// It keeps the policy in force, asks it once a request, and tells the traffic log once an exchange. It does not know any
// protocol and returns no error: what goes wrong is a verdict that blocks.
package gate

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
)

// Recorder takes finished exchanges. Record must not block.
type Recorder interface{ Record(logging.Event) }

// Gate decides and records. Its zero value blocks everything and records nothing. Its methods are safe for concurrent use.
type Gate struct {
	recorder Recorder
	now      func() time.Time
	policy   atomic.Pointer[filter.Policy]
}

// New returns a gate that blocks until [Gate.Use]. Neither argument may be nil.
func New(r Recorder, now func() time.Time) *Gate { return &Gate{recorder: r, now: now} }

// Use puts p in force for requests admitted from now on. Requests in flight keep the policy they were admitted under.
func (g *Gate) Use(p *filter.Policy) { g.policy.Store(p) }

// Policy returns the policy in force, nil before the first [Gate.Use].
func (g *Gate) Policy() *filter.Policy { return g.policy.Load() }

// Admit decides on r and opens its exchange. The caller must end it with exactly one of [Answer.Done] and
// [Answer.Delegate]. A zero r.At is set to now.
func (g *Gate) Admit(r filter.Request) *Answer {
	if r.At.IsZero() && g.now != nil {
		r.At = g.now()
	}
	a := &Answer{recorder: g.recorder, policy: g.policy.Load(), request: r}
	if a.policy != nil {
		a.verdict = a.policy.Decide(r)
	}
	return a
}

// Answer is a verdict on one request, and the open exchange behind it. It can only become stricter. It is safe for
// concurrent use.
type Answer struct {
	recorder Recorder
	policy   *filter.Policy
	request  filter.Request

	mu      sync.Mutex
	verdict filter.Verdict // guarded by mu
	ended   bool           // guarded by mu
}

// Verdict returns the verdict as it stands.
func (a *Answer) Verdict() filter.Verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.verdict
}

// Request returns the request that was decided on.
func (a *Answer) Request() filter.Request { return a.request }

// Addr decides on the address behind the host, under the policy this answer was given under. The address that was
// checked is the one to dial.
func (a *Answer) Addr(ip netip.Addr) filter.Verdict {
	if a.policy == nil {
		return filter.Verdict{}
	}
	return a.policy.DecideAddr(a.request, ip)
}

// Alias decides on a name that the host turned out to be another name of (CNAME, DNAME, SVCB target), under the policy
// this answer was given under. An exception for the host covers its aliases too.
func (a *Answer) Alias(h filter.Host) filter.Verdict {
	if a.policy == nil {
		return filter.Verdict{}
	}
	return a.policy.DecideAlias(a.request, h)
}

// Content decides on a download of kind k, under the policy this answer was given under.
func (a *Answer) Content(k filter.Kind) filter.Verdict {
	if a.policy == nil {
		return filter.Verdict{}
	}
	return a.policy.DecideContent(a.request, k)
}

// Stop makes the answer's verdict v when v is stricter: a door calls it with what Addr or Content said and it acted on,
// so that the log tells what really happened.
func (a *Answer) Stop(v filter.Verdict) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.Action < a.verdict.Action {
		a.verdict = v
	}
}

// Done ends the exchange and records it, with the bytes that went up (from the client) and down. A second call does nothing.
func (a *Answer) Done(up, down int64) {
	if !a.end() || a.recorder == nil {
		return
	}
	a.recorder.Record(event(a.request, a.verdict, up, down))
}

// Delegate ends the exchange without a record: what went through it was admitted, and is recorded, by itself. A tunnel
// whose inner requests are seen does this.
func (a *Answer) Delegate() { a.end() }

// end reports whether this call ended the exchange.
func (a *Answer) end() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return false
	}
	a.ended = true
	return true
}

func event(r filter.Request, v filter.Verdict, up, down int64) logging.Event {
	return logging.Event{
		At:       r.At,
		Identity: r.Client.User,
		Host:     r.Host.String(),
		Category: string(v.Category),
		Outcome:  outcome(v.Action),
		Door:     r.Door.String(),
		Device:   string(r.Client.Device),
		Rule:     rule(v),
		Up:       up,
		Down:     down,
		Counted:  r.Client.Device == filter.Guest,
	}
}

// rule names the deciding list, without the line: that would tell the host.
func rule(v filter.Verdict) string {
	if v.Rule.List == "" {
		return v.Reason.String()
	}
	return v.Rule.List
}

func outcome(a filter.Action) logging.Outcome {
	switch a {
	case filter.Block:
		return logging.Blocked
	case filter.Coach:
		return logging.Coached
	case filter.Limit:
		return logging.Limited
	case filter.Allow:
		return logging.Allowed
	}
	return logging.Blocked
}
