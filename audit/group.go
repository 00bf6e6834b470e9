package audit

import "github.com/keersluis/keersluis/logging"

// person is somebody within one epoch of the log. The same human being is another person in the next.
type person struct {
	epoch     uint32
	pseudonym logging.Pseudonym
}

// group is traffic, and who caused it.
type group struct {
	requests, up, down uint64
	persons            map[person]uint64 // requests of each
}

func newGroup() *group { return &group{persons: make(map[person]uint64)} }

func (g *group) add(r logging.Record) {
	g.requests += r.Requests
	g.up += r.Up
	g.down += r.Down
	if !r.Person.IsZero() {
		g.persons[person{r.Epoch, r.Person}] += r.Requests
	}
}

// merge adds the traffic of o to g, each person counted once.
func (g *group) merge(o *group) {
	g.requests += o.requests
	g.up += o.up
	g.down += o.down
	for p, n := range o.persons {
		g.persons[p] += n
	}
}

// size returns how many persons there were at least: the number of the epoch that had most.
func (g *group) size() int {
	epochs := make(map[uint32]int)
	most := 0
	for p := range g.persons {
		epochs[p.epoch]++
		most = max(most, epochs[p.epoch])
	}
	return most
}

// dominated reports whether one person may have made more than half of the requests that persons made. The heaviest
// person of each epoch is taken to be the same, since nothing says otherwise.
func (g *group) dominated() bool {
	heaviest := make(map[uint32]uint64)
	var all, one uint64
	for p, n := range g.persons {
		all += n
		heaviest[p.epoch] = max(heaviest[p.epoch], n)
	}
	for _, n := range heaviest {
		one += n
	}
	return one > all/2
}

// hides reports whether the group is large and even enough for one person to disappear in it.
func (g *group) hides(k int) bool { return g.size() >= k && !g.dominated() }

func (g *group) numbers() *Numbers {
	return &Numbers{Requests: g.requests, Up: g.up, Down: g.down, Persons: g.size()}
}

// suppress says which groups may be shown, and returns their total, nil when that may not be shown.
//
// A group that doesn't hide its members is suppressed. That is not enough: who subtracts what is shown from the total
// has what is not shown. With one group suppressed that is the group itself; with more it is their sum, which can still
// be the traffic of one and the same person. So the total is shown only when what follows from it could itself be shown.
// (Suppressing further groups instead would save the total and lose figures that harm nobody.)
func suppress(groups []*group, k int) (shown []bool, total *group) {
	shown = make([]bool, len(groups))
	total = newGroup()
	rest, suppressed := newGroup(), 0 // what a reader gets by subtraction
	for i, g := range groups {
		total.merge(g)
		if shown[i] = g.hides(k); !shown[i] {
			rest.merge(g)
			suppressed++
		}
	}
	if !total.hides(k) || suppressed == 1 || suppressed > 1 && !rest.hides(k) {
		return shown, nil
	}
	return shown, total
}
