package filter

import (
	"bufio"
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

// Compile makes a snapshot of lists, walking each once; or again, where two names have one hash, with another seed. A line
// that can't be used is a complaint, never an error; the error is about the whole: too many categories or lines.
func Compile(lists ...List) (*Snapshot, []Complaint, error) { return compile(rand.Uint64, lists) }

// maxSeeds bounds the seeds tried. With 5.6 million names one in 35,000 fails.
const maxSeeds = 4

func compile(seed func() uint64, lists []List) (s *Snapshot, complaints []Complaint, err error) {
	for range maxSeeds {
		b := newBuilder(seed())
		for _, l := range lists {
			if err := b.list(l); err != nil {
				return nil, b.complaints, err
			}
		}
		if s, err = b.finish(); err == nil {
			return s, b.complaints, nil
		}
	}
	return nil, nil, fmt.Errorf("tell the names of the lists apart: %w", err)
}

// builder holds what is known before the size of the table is.
type builder struct {
	snapshot   *Snapshot
	staging    staging
	next       int // the base of the next list
	complaints []Complaint
	sum        hash.Hash
	digest     *bufio.Writer // to sum; its errors are those of a hash: none
}

func newBuilder(seed uint64) *builder {
	sum := sha256.New()
	return &builder{snapshot: &Snapshot{seed: seed, urls: map[uint64][]urlRule{}}, sum: sum, digest: bufio.NewWriter(sum)}
}

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
		if b.next+e.Line > maxLine {
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
	r := newRef(b.snapshot.lists[list].base+e.Line, e.Exact)
	b.digestEntry(name, e)
	key := hashName(b.snapshot.seed, name)
	if e.Path != "" {
		text := string(name) + e.Path
		b.snapshot.urls[key] = append(b.snapshot.urls[key], urlRule{path: e.Path, text: text, ref: r})
		b.snapshot.entries++
		return ""
	}
	b.staging.add(staged{key: key, ref: r, check: hashWhole(b.snapshot.seed, name)})
	return ""
}

func (b *builder) digestEntry(name []byte, e Entry) {
	_, _ = b.digest.Write(name)
	_, _ = b.digest.WriteString(e.Path)
	if e.Exact {
		_ = b.digest.WriteByte(1)
	}
	_ = b.digest.WriteByte(0)
}

func (b *builder) finish() (*Snapshot, error) {
	s := b.snapshot
	table, entries, err := b.staging.fill(newRef(b.next, false), s.covers)
	if err != nil {
		return nil, err
	}
	s.table = table
	s.entries += entries
	for _, rules := range s.urls { // the most specific first
		sort.SliceStable(rules, func(i, j int) bool { return len(rules[i].path) > len(rules[j].path) })
	}
	_ = b.digest.Flush()
	copy(s.digest[:], b.sum.Sum(nil))
	return s, nil
}

// covers reports whether entry have makes entry r of the same name needless.
func (s *Snapshot) covers(have, r ref) bool {
	return s.at(have).category == s.at(r).category && (!have.exact() || r.exact())
}

// at returns the list that a ref stands in.
func (s *Snapshot) at(r ref) *compiledList {
	line := r.line()
	i := sort.Search(len(s.lists), func(i int) bool { return s.lists[i].base > line })
	return &s.lists[i-1]
}

// isICANNSuffix reports whether name is a public suffix of the ICANN part (co.uk). The private part (blogspot.com) can be
// blocked: an organisation may want to.
func isICANNSuffix(name []byte) bool {
	if dot := bytes.LastIndexByte(name, '.'); dot > 0 {
		tld, label := name[dot+1:], name[1+bytes.LastIndexByte(name[:dot], '.'):dot]
		if len(label) > longestSuffixLabel(tld) || bytes.Count(name, []byte(".")) > deepestSuffix(label, tld) {
			return false
		}
	}
	s := string(name)
	suffix, icann := publicsuffix.PublicSuffix(s)
	return suffix == s && (icann || !strings.Contains(s, "."))
}

// longestSuffixLabel returns how long a label directly below a top-level domain may be for the ICANN part to have a rule
// for it or below it. Asking the public suffix list takes longer than all the rest of an entry and leaves garbage, so this
// knows the domains under which real lists have most names. A test holds it against that list.
func longestSuffixLabel(tld []byte) int {
	switch string(tld) {
	case "cc", "cf", "ch", "de", "eu", "ga", "gq", "nl", "ru", "su", "tk", "tv":
		return 0
	case "at", "be", "ca", "cl", "cn", "co", "cz", "es", "gg", "io", "ir", "mx", "pw", "to", "us", "ws":
		return 3
	case "au", "me", "tw":
		return 4
	case "id", "in", "ml", "pro", "ro", "uk", "vn", "za":
		return 10
	case "br", "fr", "pl":
		return 16
	case "aero", "arpa", "coop", "int":
		return 63
	}
	if len(tld) > 2 && !hasALabel(tld) { // a generic one
		return 0
	}
	return 63
}

// deepestSuffix returns how many dots a rule of the ICANN part at or below label.tld has at most, likewise.
func deepestSuffix(label, tld []byte) int {
	switch string(tld) {
	case "us":
		return 3
	case "cn", "fr", "id", "in", "it", "kr", "mx", "pro", "ro", "ua", "vn", "za":
		return 1
	case "br", "uk":
		if l := string(label); l != "nom" && l != "gov" && l != "sch" {
			return 1
		}
	}
	return 2
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
