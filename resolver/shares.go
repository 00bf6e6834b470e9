package resolver

import (
	"net/netip"
	"sync"
)

// shares divides a number of places between clients: none may hold more than are left. So one client gets at most half
// of them, which is what the forwarder of a whole organisation needs, two get a third each, and there is always a place
// for another. Safe for concurrent use.
type shares struct {
	mu   sync.Mutex
	left int                  // guarded by mu
	held map[netip.Prefix]int // guarded by mu; none is zero, so that there are never more than there are places
}

func newShares(places int) *shares {
	return &shares{left: places, held: make(map[netip.Prefix]int)}
}

// take takes a place for a client, and reports whether it may have one. Who took it gives it back.
func (s *shares) take(client netip.Addr) bool {
	p := siteOf(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[p] >= s.left {
		return false
	}
	s.held[p]++
	s.left--
	return true
}

// give gives back a place that a client took.
func (s *shares) give(client netip.Addr) {
	p := siteOf(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left++
	if s.held[p]--; s.held[p] == 0 {
		delete(s.held, p)
	}
}

// siteOf returns what counts as one client: an IPv4 address, or a network of IPv6 in which a client may take any address.
func siteOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // no address is a client like another
	return p
}
