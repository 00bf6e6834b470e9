package filter

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"sort"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// maxComplaints bounds the complaints kept for one list; the rest are only counted, in a last one.
const maxComplaints = 1000

// Snapshot is a compiled set of lists: immutable, safe for concurrent use.
type Snapshot struct {
	seed       uint64
	table      table
	urls       map[uint64][]urlRule // by the hash of the rule's host
	lists      []compiledList
	categories []Category
	addrs      bool // some entry is an address
	entries    int
	digest     Digest
}

type compiledList struct {
	name     string
	category int // index into Snapshot.categories
	base     int // the ref of its line n is base+n
}

type urlRule struct {
	path string
	text string
	ref  ref
}

// Digest names the snapshot: equal for equal lists, whatever the seed.
func (s *Snapshot) Digest() Digest { return s.digest }

// Len returns the number of entries that count: a name that one category holds twice counts once.
func (s *Snapshot) Len() int { return s.entries }

// Bytes returns the memory, in bytes, that the table of names holds.
func (s *Snapshot) Bytes() int { return s.table.bytes() }

// Categories returns the categories that the lists have, in the order they were first seen.
func (s *Snapshot) Categories() []Category { return append([]Category(nil), s.categories...) }

// Compile makes a snapshot of lists, walking each once. A line that can't be used is a complaint, never an error; the
// error is about the whole: too many categories or lines.
func Compile(lists ...List) (*Snapshot, []Complaint, error) {
	b := builder{snapshot: &Snapshot{seed: rand.Uint64(), urls: map[uint64][]urlRule{}}, digest: sha256.New()}
	for _, l := range lists {
		if err := b.list(l); err != nil {
			return nil, b.complaints, err
		}
	}
	return b.finish(), b.complaints, nil
}

// builder holds what is known before the size of the table is.
type builder struct {
	snapshot   *Snapshot
	chunks     [][]pair // of fixed capacity: growing one slice would hold the old and the new at once
	count      int
	next       int // the base of the next list
	complaints []Complaint
	digest     hash.Hash
}

type pair struct {
	key uint64
	ref ref
}

const chunkPairs = 1 << 14

var (
	errTooManyCategories = fmt.Errorf("more than %d categories in the lists", MaxCategories)
	errTooManyLines      = errors.New("more than a billion lines in the lists")
)

func (b *builder) list(l List) error {
	category, err := b.category(l.Category)
	if err != nil {
		return err
	}
	index := len(b.snapshot.lists)
	b.snapshot.lists = append(b.snapshot.lists, compiledList{name: l.Name, category: category, base: b.next})
	fmt.Fprintf(b.digest, "\x00%s\x00%s\x00", l.Name, l.Category)
	last, refused := 0, 0
	for e := range l.Entries {
		if b.next+e.Line > int(refLine) {
			return errTooManyLines
		}
		last = max(last, e.Line)
		if reason := b.entry(index, e); reason != "" {
			if refused++; refused <= maxComplaints {
				b.complaints = append(b.complaints, Complaint{List: l.Name, Line: e.Line, Text: readable(e), Reason: reason})
			}
		}
	}
	if refused > maxComplaints {
		b.complaints = append(b.complaints, Complaint{
			List: l.Name, Line: last, Reason: fmt.Sprintf("and %d more lines that can't be used", refused-maxComplaints),
		})
	}
	b.next += last + 1
	return nil
}

func (b *builder) category(c Category) (int, error) {
	for i, have := range b.snapshot.categories {
		if have == c {
			return i, nil
		}
	}
	if len(b.snapshot.categories) == MaxCategories {
		return 0, errTooManyCategories
	}
	b.snapshot.categories = append(b.snapshot.categories, c)
	return len(b.snapshot.categories) - 1, nil
}

// entry takes one entry in, or says why not.
func (b *builder) entry(list int, e Entry) (reason string) {
	name, isAddr := e.Host, false
	if !isCanonical(name) {
		h, err := ParseHost(string(e.Host))
		if err != nil {
			return err.Error()
		}
		name = []byte(h.name)
		_, isAddr = h.Addr()
		b.snapshot.addrs = b.snapshot.addrs || isAddr
	}
	if e.Path == "" && !isAddr && isICANNSuffix(name) {
		return "a public suffix: it would block everything below it"
	}
	b.digest.Write(name)
	b.digest.Write([]byte(e.Path))
	r := ref(b.snapshot.lists[list].base + e.Line)
	if e.Exact {
		r |= refExact
		b.digest.Write([]byte{1})
	}
	b.digest.Write([]byte{0})
	key := nameKey(hashName(b.snapshot.seed, name))
	if e.Path != "" {
		text := string(name) + e.Path
		b.snapshot.urls[key] = append(b.snapshot.urls[key], urlRule{path: e.Path, text: text, ref: r})
		b.snapshot.entries++
		return ""
	}
	if b.count%chunkPairs == 0 {
		b.chunks = append(b.chunks, make([]pair, 0, chunkPairs))
	}
	tail := len(b.chunks) - 1
	b.chunks[tail] = append(b.chunks[tail], pair{key, r})
	b.count++
	return ""
}

func (b *builder) finish() *Snapshot {
	s := b.snapshot
	s.table = newTable(b.count)
	for i, chunk := range b.chunks {
		for _, p := range chunk {
			if s.table.add(p.key, p.ref, s.covers) {
				s.entries++
			}
		}
		b.chunks[i] = nil
	}
	for _, rules := range s.urls { // the most specific first
		sort.SliceStable(rules, func(i, j int) bool { return len(rules[i].path) > len(rules[j].path) })
	}
	copy(s.digest[:], b.digest.Sum(nil))
	return s
}

// covers reports whether entry have makes entry r of the same name needless.
func (s *Snapshot) covers(have, r ref) bool {
	return s.at(have).category == s.at(r).category && (have&refExact == 0 || r&refExact != 0)
}

// at returns the list that a ref stands in.
func (s *Snapshot) at(r ref) *compiledList {
	line := int(r & refLine)
	i := sort.Search(len(s.lists), func(i int) bool { return s.lists[i].base > line })
	return &s.lists[i-1]
}

// nameKey keeps hashes off the value that marks an empty slot.
func nameKey(h uint64) uint64 {
	if h == 0 {
		return 1
	}
	return h
}

// isICANNSuffix reports whether name is a public suffix of the ICANN part (co.uk). The private part (blogspot.com) can be
// blocked: an organisation may want to.
func isICANNSuffix(name []byte) bool {
	dots := bytes.Count(name, []byte("."))
	if dots > 3 { // the longest rules have four labels
		return false
	}
	if dots == 1 && flatTLD(name[bytes.IndexByte(name, '.')+1:]) {
		return false
	}
	s := string(name)
	suffix, icann := publicsuffix.PublicSuffix(s)
	return suffix == s && (icann || dots == 0)
}

// flatTLD reports whether a top-level domain is one of those under which real lists have most names and under which the
// ICANN part has no rules: asking the public suffix list takes longer than all the rest of an entry. A test holds the
// names against that list.
func flatTLD(tld []byte) bool {
	switch string(tld) {
	case "com", "net", "org", "nl", "de", "xyz", "top", "club", "online", "site", "shop", "live", "vip", "bet", "casino",
		"xxx", "porn", "sex", "cc", "eu", "ch", "app", "dev":
		return true
	}
	return false
}

// readable returns the text of an entry for a complaint: valid UTF-8, at most 80 bytes or so.
func readable(e Entry) string {
	text := strings.ToValidUTF8(string(e.Host[:min(len(e.Host), 80)])+e.Path, "\uFFFD")
	if len(text) > 80 {
		text = text[:80]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
		text += "…"
	}
	return text
}
