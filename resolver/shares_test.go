package resolver

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

func TestShares(t *testing.T) {
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")
	s := newShares(12)
	all := func(client netip.Addr) (n int) {
		for s.take(client) {
			n++
		}
		return n
	}
	if got := all(a); got != 6 {
		t.Errorf("alone, a client gets %d of 12, want 6", got)
	}
	if got := all(b); got != 3 {
		t.Errorf("beside it, another gets %d, want 3", got)
	}
	for range 3 {
		s.give(a)
	}
	if got := all(netip.MustParseAddr("::ffff:192.0.2.1")); got != 2 {
		t.Errorf("the first, which gave 3 back and mapped its address, gets %d, want 2", got)
	}
	if got := all(c); got != 2 {
		t.Errorf("a third gets %d of 4, want 2", got)
	}
	if s.take(netip.MustParseAddr("2001:db8::2%eth0")) {
		t.Error("another address of one network is another client")
	}
	if !s.take(netip.MustParseAddr("2001:db8:0:1::")) {
		t.Error("another network is the same client")
	}
}

// However places are taken, there is one for a newcomer, and none is lost.
func TestSharesLeaveOneForAnother(t *testing.T) {
	const places = 20
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s := newShares(places)
		var taken []netip.Addr
		for range 100 {
			client := netip.AddrFrom4([4]byte{10, 0, 0, byte(rng.IntN(4))})
			if s.take(client) {
				taken = append(taken, client)
			}
			if len(taken) > 0 && rng.IntN(4) == 0 {
				i := rng.IntN(len(taken))
				s.give(taken[i])
				taken = append(taken[:i], taken[i+1:]...)
			}
			if newcomer := netip.MustParseAddr("10.1.0.1"); !s.take(newcomer) {
				t.Fatalf("with %d of %d taken by 4 clients there is none for a fifth", len(taken), places)
			} else {
				s.give(newcomer)
			}
		}
		for _, client := range taken {
			s.give(client)
		}
		if s.left != places || len(s.held) != 0 {
			t.Fatalf("at the end %d places are left and %d clients known, want %d and 0", s.left, len(s.held), places)
		}
	}
}
