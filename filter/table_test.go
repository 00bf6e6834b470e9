package filter

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// colliding returns two names that have one hash under seed: the second half of a label of 16 bytes can undo what the first
// half did.
func colliding(t *testing.T, seed uint64) (a, b string) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	rng := rand.New(rand.NewPCG(1, seed))
	h := fold(mix(seed, "example")^16, fold1)
	word := func() (w [8]byte, folded uint64) {
		for i := range w {
			w[i] = letters[rng.IntN(len(letters))]
		}
		return w, fold(h^(load4(w[:])|load4(w[4:])<<32), fold2)
	}
	first, x := word()
	for range 1 << 26 {
		other, y := word()
		undo := x ^ y
		var end, otherEnd [8]byte
		valid := true
		for i := range end {
			d, found := byte(undo>>(8*i)), false
			for _, c := range []byte(letters) {
				if o := c ^ d; o >= 'a' && o <= 'z' || o >= '0' && o <= '9' {
					end[i], otherEnd[i], found = c, o, true
					break
				}
			}
			if valid = found; !valid {
				break
			}
		}
		if valid && first != other {
			return string(first[:]) + string(end[:]) + ".example", string(other[:]) + string(otherEnd[:]) + ".example"
		}
	}
	t.Fatal("no two names have one hash")
	return "", ""
}

func TestCollisionIsSeededAnew(t *testing.T) {
	const bad = 12345
	a, b := colliding(t, bad)
	if a == b || hashName(bad, a) != hashName(bad, b) {
		t.Fatalf("hashes of %s and %s are not equal", a, b)
	}
	walks := 0
	l := List{Name: "x", Category: "porn", Entries: func(yield func(Entry) bool) {
		walks++
		_ = yield(Entry{Line: 1, Host: []byte(a)}) && yield(Entry{Line: 2, Host: []byte("co.uk")}) && yield(Entry{Line: 3, Host: []byte(b)})
	}}
	seeds := []uint64{bad, 1}
	s, complaints, err := compile(func() uint64 { s := seeds[0]; seeds = seeds[1:]; return s }, []List{l})
	if err != nil || walks != 2 || s.Len() != 2 || len(complaints) != 1 {
		t.Fatalf("compile: %v after %d walks, %d complaints", err, walks, len(complaints))
	}
	p := NewPolicy(Rules{}, s)
	for name, line := range map[string]int{a: 1, b: 3} {
		if got := p.Decide(Request{Host: Host{name}}).Rule; got != (Ref{List: "x", Line: line, Text: name}) {
			t.Errorf("Decide(%s) names %+v", name, got)
		}
	}
	if _, _, err := compile(func() uint64 { return bad }, []List{l}); !errors.Is(err, errCollision) {
		t.Errorf("compile with bad seeds only: %v", err)
	}
}

// A table finds all that was put in, in the order it was put in, and nothing else: beside a map, over many pages.
func TestTableIsAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 100, pageNames, pageNames + 1, 50_000} {
		var s staging
		want := map[uint64][]ref{}
		for i := range n {
			key := rng.Uint64()
			for range 1 + rng.IntN(8)/6*rng.IntN(4) {
				s.add(staged{key: key, ref: newRef(len(want[key])*n+i, i%2 == 0), check: uint16(key * fold1)})
				want[key] = append(want[key], newRef(len(want[key])*n+i, i%2 == 0))
			}
		}
		count := s.count
		table, entries, err := s.fill(newRef(4*n, false), func(ref, ref) bool { return false })
		if err != nil || entries != count {
			t.Fatalf("%d of %d entries: %v", entries, count, err)
		}
		for key, refs := range want {
			c := table.seek(key)
			for r, more, ok := table.get(&c); ok || len(refs) > 0; r, more, ok = table.next(more) {
				if !ok || len(refs) == 0 || r != refs[0] {
					t.Fatalf("table of %d: %d, %t; want %v", n, r, ok, refs)
				}
				refs = refs[1:]
			}
			c = table.seek(^key)
			if _, _, ok := table.get(&c); ok {
				t.Fatalf("table of %d has a name that nobody put in", n)
			}
		}
	}
}
