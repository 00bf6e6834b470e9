package filter

import "math/bits"

// ref packs where an entry stands: its line, counted through all lists, and whether it covers the name alone. With the
// top bit set it is an index into table.many instead.
type ref uint32

const (
	refMany  ref = 1 << 31
	refExact ref = 1 << 30
	refLine  ref = refExact - 1
)

// table maps hashes of names to refs by open addressing, without pointers: the garbage collector never walks it. It
// costs 12 bytes a slot at a load of at most 0.75, so 16 bytes a name.
type table struct {
	keys []uint64 // 0 is an empty slot
	refs []ref
	many [][]ref // entries for one name in several categories, or exact and not
}

// newTable returns a table with room for n names.
func newTable(n int) table {
	slots := n + n/3 + 8
	return table{keys: make([]uint64, slots), refs: make([]ref, slots)}
}

// slot returns where key is, or the empty slot where it belongs.
func (t *table) slot(key uint64) int {
	hi, _ := bits.Mul64(key, uint64(len(t.keys)))
	i := int(hi)
	for t.keys[i] != 0 && t.keys[i] != key {
		if i++; i == len(t.keys) {
			i = 0
		}
	}
	return i
}

// get returns the refs of key. The two results spare an allocation: one for nearly every name, more for a few.
func (t *table) get(key uint64) (one ref, more []ref, ok bool) {
	i := t.slot(key)
	if t.keys[i] == 0 {
		return 0, nil, false
	}
	if r := t.refs[i]; r&refMany != 0 {
		return 0, t.many[r&^refMany], true
	}
	return t.refs[i], nil, true
}

// add puts r under key, unless an entry already there makes it needless. It reports whether it was added.
func (t *table) add(key uint64, r ref, covers func(have, r ref) bool) bool {
	i := t.slot(key)
	if t.keys[i] == 0 {
		t.keys[i], t.refs[i] = key, r
		return true
	}
	have := t.refs[i]
	if have&refMany == 0 {
		if covers(have, r) {
			return false
		}
		t.refs[i] = refMany | ref(len(t.many))
		t.many = append(t.many, []ref{have, r})
		return true
	}
	set := t.many[have&^refMany]
	for _, h := range set {
		if covers(h, r) {
			return false
		}
	}
	t.many[have&^refMany] = append(set, r)
	return true
}

// bytes returns the memory that the table holds.
func (t *table) bytes() int { return 12*len(t.keys) + 32*len(t.many) }
