package audit

import (
	"cmp"

	"github.com/keersluis/keersluis/logging"
)

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

// union returns the traffic of all groups together, each person counted once.
func union(groups []*group) *group {
	all := newGroup()
	for _, g := range groups {
		all.requests += g.requests
		all.up += g.up
		all.down += g.down
		for p, n := range g.persons {
			all.persons[p] += n
		}
	}
	return all
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

// suppress says which groups may be shown, and whether their total may.
//
// A group that doesn't hide its members is suppressed. That is not enough: who subtracts what is shown from the total
// has what is not shown. With one group suppressed that is the group itself; with more it is their sum, which can still
// be the traffic of one and the same person. So further groups are suppressed, smallest first, until there are two at
// least and their sum could itself be shown. Hiding the total instead would be of no use: the status page counts requests
// as well. The total goes only when there is no other way.
func suppress(groups []*group, k int) (shown []bool, total bool) {
	shown = make([]bool, len(groups))
	var hidden []*group
	for i, g := range groups {
		shown[i] = g.hides(k)
		if !shown[i] {
			hidden = append(hidden, g)
		}
	}
	for len(hidden) > 0 && (len(hidden) < 2 || !union(hidden).hides(k)) {
		i := smallest(groups, shown)
		if i < 0 {
			return shown, false
		}
		shown[i] = false
		hidden = append(hidden, groups[i])
	}
	return shown, union(groups).hides(k)
}

// smallest returns the index of the smallest group that is shown, -1 when none is.
func smallest(groups []*group, shown []bool) int {
	least := -1
	for i, g := range groups {
		if !shown[i] {
			continue
		}
		if least < 0 || cmp.Or(cmp.Compare(g.size(), groups[least].size()), cmp.Compare(g.requests, groups[least].requests)) < 0 {
			least = i
		}
	}
	return least
}
