package gate_test

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/logging"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// journal keeps what was recorded.
type journal struct {
	mu     sync.Mutex
	events []logging.Event
}

func (j *journal) Record(e logging.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e)
}

func clock() time.Time { return noon }

func host(t testing.TB, s string) filter.Host {
	t.Helper()
	h, err := filter.ParseHost(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// blocking returns a policy that blocks what is below name.
func blocking(t testing.TB, name string) *filter.Policy {
	t.Helper()
	s, _, err := filter.Compile(filter.List{Name: "gambling.txt", Category: "gambling", Entries: func(yield func(filter.Entry) bool) {
		yield(filter.Entry{Line: 7, Host: []byte(name)})
	}})
	if err != nil {
		t.Fatal(err)
	}
	return filter.NewPolicy(filter.Rules{
		Categories: []filter.CategoryRule{{Category: "gambling"}, {Category: filter.Software}},
		Kinds:      map[filter.Kind]filter.Category{"executable": filter.Software},
	}, s)
}

func TestUnsetGateBlocks(t *testing.T) {
	var zero gate.Gate
	for _, g := range []*gate.Gate{&zero, gate.New(&journal{}, clock)} {
		a := g.Admit(filter.Request{Host: host(t, "nu.nl")})
		for what, v := range map[string]filter.Verdict{
			"Verdict": a.Verdict(), "Addr": a.Addr(netip.MustParseAddr("93.184.216.34")),
			"Alias": a.Alias(host(t, "nu.nl")), "Content": a.Content("document"),
		} {
			if !v.Blocked() {
				t.Errorf("a gate without a policy: %s = %s, want block", what, v.Action)
			}
		}
		a.Done(0, 0)
	}
}

func TestEveryExchangeIsRecordedOnce(t *testing.T) {
	var j journal
	g := gate.New(&j, clock)
	g.Use(blocking(t, "casino.nl"))
	r := filter.Request{
		Door: filter.Connect, Host: host(t, "www.casino.nl"), Path: "/geheim",
		Client: filter.Client{Addr: netip.MustParseAddr("10.1.2.3"), User: "jansen", Device: filter.ManagedPC},
	}
	a := g.Admit(r)
	a.Done(1, 2)
	a.Done(3, 4)
	a.Delegate()
	b := g.Admit(r)
	b.Delegate()
	b.Done(5, 6)
	want := []logging.Event{{
		At: noon, Identity: "jansen", Host: "www.casino.nl", Category: "gambling", Outcome: logging.Blocked,
		Door: "connect", Device: "managed-pc", Rule: "gambling.txt", Up: 1, Down: 2,
	}}
	if d := cmp.Diff(want, j.events); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestAnswerOnlyGetsStricter(t *testing.T) {
	var j journal
	g := gate.New(&j, clock)
	g.Use(blocking(t, "casino.nl"))
	a := g.Admit(filter.Request{Door: filter.HTTP, Host: host(t, "nu.nl")})
	a.Stop(a.Content("document"))
	if a.Verdict().Blocked() {
		t.Error("a document blocks")
	}
	blocked := a.Content("executable")
	a.Stop(blocked)
	a.Stop(filter.Verdict{Action: filter.Allow})
	if got := a.Verdict(); got != blocked {
		t.Errorf("Verdict = %+v, want %+v", got, blocked)
	}
	a.Done(0, 0)
	if got := j.events[0]; got.Outcome != logging.Blocked || got.Category != "software" || got.Rule != "content" {
		t.Errorf("recorded %+v, want the block", got)
	}
}

func TestReloadKeepsOpenAnswers(t *testing.T) {
	g := gate.New(&journal{}, clock)
	g.Use(blocking(t, "casino.nl"))
	before := g.Admit(filter.Request{Host: host(t, "nu.nl")})
	g.Use(blocking(t, "nu.nl"))
	if v := before.Alias(host(t, "nu.nl")); v.Blocked() {
		t.Error("an open answer was asked under the new policy")
	}
	if v := g.Admit(filter.Request{Host: host(t, "nu.nl")}).Verdict(); !v.Blocked() {
		t.Error("the new policy is not in force")
	}
}

func TestGuestsAreOnlyCounted(t *testing.T) { // rule: A11
	var j journal
	g := gate.New(&j, clock)
	g.Use(blocking(t, "casino.nl"))
	g.Admit(filter.Request{Host: host(t, "nu.nl"), Client: filter.Client{Device: filter.Guest}}).Done(0, 0)
	if !j.events[0].Counted {
		t.Error("a guest's exchange is not marked as counters only")
	}
}
