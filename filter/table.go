package filter

import "math/bits"

// ref packs where an entry stands: its line, counted through all lists, and whether it covers the name alone.
type ref uint32

const maxLine = 1<<30 - 1

func newRef(line int, exact bool) ref {
	r := ref(line) << 1
	if exact {
		r |= 1
	}
	return r
}

func (r ref) line() int   { return int(r >> 1) }
func (r ref) exact() bool { return r&1 != 0 }

// table maps hashes of names to refs. It is made of pages, each a small hash table of slots of 8 bytes at a load of 0.7. A
// hash chooses the page, the cache line in it where probing starts, and the upper bits of the slot, the fingerprint; the
// lower bits are the ref. With millions of lines a ref takes 25 bits, so page, line and fingerprint keep 59 bits of the
// hash: a name that no list holds looks like one that does in one of 50 billion questions. That two of the names themselves
// look alike is found out when the table is filled. The garbage collector walks the list of pages and nothing else.
type table struct {
	pages []*page
	print uint64 // the bits of a slot that are its fingerprint; the others are its value plus one
	links uint64 // values from here on are indices into chain; below, they are refs
	chain []link // entries for one name in several categories, or exact and not; the first is none
}

type page [pageSlots]uint64

const (
	pageSlots = 2048
	pageNames = pageSlots * 70 / 100
	lineSlots = 8 // of a cache line of 64 bytes
	lineBits  = 8 // pageSlots / lineSlots = 1 << lineBits
)

type link struct {
	ref  ref
	next uint32 // index into table.chain, 0 at the end
}

// newTable returns a table for n entries whose refs are below refs.
func newTable(n int, refs ref) table {
	return table{
		pages: make([]*page, max(1, (n+pageNames-1)/pageNames)),
		print: ^uint64(0) << bits.Len64(uint64(refs)+uint64(n)+1), // there are no more links than entries
		links: uint64(refs),
		chain: make([]link, 1),
	}
}

// home returns the page of key, the slot where probing starts, and the fingerprint in its place.
func (t *table) home(key uint64) (page int, slot uint, print uint64) {
	hi, lo := bits.Mul64(key, uint64(len(t.pages)))
	return int(hi), uint(lo>>(64-lineBits)) * lineSlots, lo << lineBits & t.print
}

// probe returns the slot of p that has the fingerprint, or the empty slot where it belongs; false when p is full.
func (p *page) probe(slot uint, print, mask uint64) (uint, bool) {
	for range pageSlots {
		s := p[slot%pageSlots]
		if s == 0 || (s^print)&mask == 0 {
			return slot % pageSlots, true
		}
		slot++
	}
	return 0, false
}

// cursor is where a key would stand, with the first of its slots.
type cursor struct {
	page  *page
	slot  uint
	print uint64
	first uint64
}

// seek returns where key would stand. It waits for nothing that it loads.
func (t *table) seek(key uint64) cursor {
	at, slot, print := t.home(key)
	p := t.pages[at]
	return cursor{p, slot, print, p[slot%pageSlots]}
}

// get returns the first ref at c and where the next one is.
func (t *table) get(c *cursor) (r ref, more uint32, ok bool) {
	if c.first == 0 {
		return 0, 0, false
	}
	slot, ok := c.page.probe(c.slot, c.print, t.print)
	if !ok || c.page[slot] == 0 {
		return 0, 0, false
	}
	v := c.page[slot] - c.print - 1
	if v < t.links {
		return ref(v), 0, true
	}
	return t.next(uint32(v - t.links))
}

// next returns the ref at more and where the one after it is.
func (t *table) next(more uint32) (ref, uint32, bool) {
	if more == 0 {
		return 0, 0, false
	}
	l := t.chain[more]
	return l.ref, l.next, true
}

// bytes returns the memory that the table holds.
func (t *table) bytes() int { return len(t.pages)*(8*pageSlots+8) + 8*cap(t.chain) }
