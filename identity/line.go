package identity

import (
	"context"
	"net/netip"
	"slices"
	"sync"
)

// Bounds of who verifies and who waits for it.
const (
	maxVerifying   = 2  // at the same time
	maxWaiting     = 64 // different credentials, for their turn
	maxWaitingEach = 16 // of one site: people share a terminal server, and arrive together
)

// siteOf returns what counts as one client: an IPv4 address, or a network of IPv6 in which a client may take any address.
func siteOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // the zero Prefix of no address is a site like another
	return p
}

// line gives turns to those who wait, site after site, and never two to one site at the same time: who guesses passwords
// waits for themself. Safe for concurrent use.
type line struct {
	mu      sync.Mutex
	free    int     // guarded by mu; turns
	waiting int     // guarded by mu
	sites   []*site // guarded by mu; in the order of their turns; those that wait or have a turn
}

// site is the part of a line that belongs to one site. It is guarded by the line's mu.
type site struct {
	prefix  netip.Prefix
	served  bool        // it has a turn
	tickets []chan bool // of who waits, oldest first; each gets true for its turn, or false when it must go
}

func newLine() *line { return &line{free: maxVerifying} }

// enter waits for a turn, which ends with leave. It returns ErrBusy when there is no room, or ctx ends.
func (l *line) enter(ctx context.Context, from netip.Prefix) error {
	if ctx.Err() != nil { // select would toss a coin
		return ErrBusy
	}
	ticket := l.join(from)
	if ticket == nil {
		return ErrBusy
	}
	select {
	case turn := <-ticket:
		if !turn {
			return ErrBusy
		}
		return nil
	case <-ctx.Done():
		l.giveUp(from, ticket)
		return ErrBusy
	}
}

// join returns a ticket, or nil when there is no room.
func (l *line) join(from netip.Prefix) chan bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.find(from)
	if s == nil {
		s = &site{prefix: from}
	}
	if len(s.tickets) == maxWaitingEach || l.waiting == maxWaiting && !l.makeRoom(len(s.tickets)) {
		return nil
	}
	if len(s.tickets) == 0 && !s.served {
		l.sites = append(l.sites, s)
	}
	ticket := make(chan bool, 1) // so that nobody waits for who gives up
	s.tickets = append(s.tickets, ticket)
	l.waiting++
	l.serve()
	return ticket
}

func (l *line) find(from netip.Prefix) *site {
	i := slices.IndexFunc(l.sites, func(s *site) bool { return s.prefix == from })
	if i < 0 {
		return nil
	}
	return l.sites[i]
}

// makeRoom sends away the last to come of the site with the most who wait, if a site with n who wait would still have no
// more than that one when it got the place.
func (l *line) makeRoom(n int) bool {
	most := slices.MaxFunc(l.sites, func(a, b *site) int { return len(a.tickets) - len(b.tickets) })
	last := len(most.tickets) - 1
	if last <= n {
		return false
	}
	most.tickets[last] <- false
	most.tickets = most.tickets[:last]
	l.waiting--
	return true
}

// serve gives the free turns to the first sites that wait and have none. A site goes to the end of the line for it.
func (l *line) serve() {
	for l.free > 0 {
		i := slices.IndexFunc(l.sites, func(s *site) bool { return !s.served && len(s.tickets) > 0 })
		if i < 0 {
			return
		}
		s := l.sites[i]
		l.sites = append(slices.Delete(l.sites, i, i+1), s)
		s.tickets[0] <- true
		s.tickets = s.tickets[1:]
		s.served = true
		l.waiting--
		l.free--
	}
}

// leave ends a turn.
func (l *line) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free++
	if s := l.find(from); s != nil {
		s.served = false
		l.forget(s)
	}
	l.serve()
}

// giveUp takes a ticket back from the line, or ends the turn that came meanwhile.
func (l *line) giveUp(from netip.Prefix, ticket chan bool) {
	l.mu.Lock()
	s := l.find(from)
	if s != nil {
		if i := slices.Index(s.tickets, ticket); i >= 0 {
			s.tickets = slices.Delete(s.tickets, i, i+1)
			l.waiting--
			l.forget(s)
			l.mu.Unlock()
			return
		}
	}
	l.mu.Unlock()
	if turn := <-ticket; turn { // it was sent before the ticket left the line
		l.leave(from)
	}
}

// forget drops a site that neither waits nor has a turn.
func (l *line) forget(s *site) {
	if !s.served && len(s.tickets) == 0 {
		l.sites = slices.DeleteFunc(l.sites, func(other *site) bool { return other == s })
	}
}
