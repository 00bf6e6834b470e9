package filter

import "errors"

// staging keeps entries until their number, and so the size of the table, is known. It keeps them apart by the upper bits
// of their hash, in blocks of the size of a page: the table is filled part by part, within the processor's cache, and its
// pages are the blocks that were emptied. So the most that a build holds is little more than the staging: 14 bytes an entry.
type staging struct {
	parts [1 << partBits]part
	count int
}

type part struct {
	blocks []*page
	last   int // entries in the last block
}

// staged is one entry: all of its hash, and bits that tell two names of one fingerprint apart.
type staged struct {
	key   uint64
	ref   ref
	check uint16
}

// A block holds keys, then refs (two a word), then checks (four a word).
const (
	partBits     = 6
	blockEntries = 1170
	blockRefs    = blockEntries
	blockChecks  = blockRefs + blockEntries/2
)

var (
	errCollision = errors.New("two names with one fingerprint")
	errFull      = errors.New("a page of the table is full")
)

func (s *staging) add(e staged) {
	p := &s.parts[e.key>>(64-partBits)]
	if len(p.blocks) == 0 || p.last == blockEntries {
		p.blocks = append(p.blocks, new(page))
		p.last = 0
	}
	b, i := p.blocks[len(p.blocks)-1], p.last
	b[i] = e.key
	b[blockRefs+i/2] |= uint64(e.ref) << (i % 2 * 32)
	b[blockChecks+i/4] |= uint64(e.check) << (i % 4 * 16)
	p.last++
	s.count++
}

func (p *page) staged(i int) staged {
	return staged{
		key:   p[i],
		ref:   ref(p[blockRefs+i/2] >> (i % 2 * 32)),
		check: uint16(p[blockChecks+i/4] >> (i % 4 * 16)),
	}
}

// filler moves what is staged into a table.
type filler struct {
	table
	covers  func(have, r ref) bool // whether an entry makes another of the same name needless
	entries int                    // those that count
	spare   []*page
	checks  []*checks // of the pages that are not complete
	free    []*checks
}

// checks are those of the names in the slots of one page.
type checks [pageSlots]uint16

// fill makes the table, and empties the staging. It fails when two names can't be told apart in it: another seed can.
func (s *staging) fill(refs ref, covers func(have, r ref) bool) (t table, entries int, err error) {
	f := filler{table: newTable(s.count, refs), covers: covers}
	f.checks = make([]*checks, len(f.pages))
	for i := range s.parts {
		if err := f.part(&s.parts[i]); err != nil {
			return table{}, 0, err
		}
		f.complete(uint64(i+1) << (64 - partBits))
	}
	for i, p := range f.pages {
		if p == nil {
			f.pages[i] = f.page()
		}
	}
	return f.table, f.entries, nil
}

func (f *filler) part(p *part) error {
	for i, b := range p.blocks {
		n := blockEntries
		if i == len(p.blocks)-1 {
			n = p.last
		}
		for j := range n {
			if err := f.add(b.staged(j)); err != nil {
				return err
			}
		}
		f.spare = append(f.spare, b)
	}
	p.blocks = nil
	return nil
}

// complete gives back the checks of the pages before that of key; of all, when key has come round to 0.
func (f *filler) complete(key uint64) {
	end := len(f.pages)
	if key != 0 {
		end, _, _ = f.home(key)
	}
	for i := end - 1; i >= 0 && f.checks[i] != nil; i-- {
		f.free = append(f.free, f.checks[i])
		f.checks[i] = nil
	}
}

func (f *filler) page() *page {
	n := len(f.spare)
	if n == 0 {
		return new(page)
	}
	p := f.spare[n-1]
	f.spare = f.spare[:n-1]
	clear(p[:])
	return p
}

// open makes a page ready to be filled.
func (f *filler) open(at int) (*page, *checks) {
	if f.pages[at] == nil {
		f.pages[at] = f.page()
		if n := len(f.free); n > 0 { // what it says of empty slots is never read
			f.checks[at], f.free = f.free[n-1], f.free[:n-1]
		} else {
			f.checks[at] = new(checks)
		}
	}
	return f.pages[at], f.checks[at]
}

// add puts an entry into the table, unless one already there makes it needless.
func (f *filler) add(e staged) error {
	at, slot, print := f.home(e.key)
	p, c := f.open(at)
	slot, ok := p.probe(slot, print, f.print)
	switch {
	case !ok:
		return errFull
	case p[slot] == 0:
		p[slot], c[slot] = print+uint64(e.ref)+1, e.check
		f.entries++
		return nil
	case c[slot] != e.check:
		return errCollision
	}
	v := p[slot] - print - 1
	if v < f.links {
		if have := ref(v); !f.covers(have, e.ref) {
			p[slot] = print + f.links + uint64(len(f.chain)) + 1
			f.chain = append(f.chain, link{have, uint32(len(f.chain) + 1)}, link{e.ref, 0})
			f.entries++
		}
		return nil
	}
	f.append(uint32(v-f.links), e.ref)
	return nil
}

// append puts r at the end of the chain that starts at i.
func (f *filler) append(i uint32, r ref) {
	for ; ; i = f.chain[i].next {
		if f.covers(f.chain[i].ref, r) {
			return
		}
		if f.chain[i].next == 0 {
			break
		}
	}
	f.chain[i].next = uint32(len(f.chain))
	f.chain = append(f.chain, link{r, 0})
	f.entries++
}
