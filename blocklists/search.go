package blocklists

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/keersluis/keersluis/filter"
)

// Hit is an entry that holds a host or a name above it.
type Hit struct {
	Host     filter.Host // that was searched
	List     string      // as verdicts call it
	Category filter.Category
	Line     int
	Entry    string // in canonical form
	Path     string // of a rule for URLs: the beginning that it covers; "" for the whole host
}

// maxHits bounds what one search returns.
const maxHits = 100_000

// Search walks every list as [Keeper.Load] finds it and returns the entries that cover one of the hosts, list by list in
// the order of the lines. It reads the texts, not a snapshot, so that it also finds what a snapshot leaves out: the same name
// in a second list. It is called where Load could be, not beside Run. A list of which nothing can be read is missing from the
// answer, and its error is in the error.
func (k *Keeper) Search(ctx context.Context, hosts ...filter.Host) ([]Hit, error) {
	if err := os.MkdirAll(k.shelf.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for copies of lists: %w", err)
	}
	s := search{ctx: ctx, below: suffixes(hosts)}
	var errs []error
	for _, l := range starters() {
		s.list, s.category = l.name, l.category
		errs = append(errs, Parse(bytes.NewReader(l.text), Domains, s.entry, ignore))
	}
	for _, src := range k.sources {
		k.loadSource(ctx, src)
		if src.kept == nil {
			errs = append(errs, src.err)
			continue
		}
		for _, p := range src.kept.Parts {
			s.list, s.category = src.partName(p.Name), src.Category
			if err := k.parsePart(src.Source, p, s.entry, ignore); err != nil {
				errs = append(errs, fmt.Errorf("search %s: %w", s.list, err))
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(s.hits) == maxHits {
		errs = append(errs, fmt.Errorf("more than %d entries found; the rest is not shown", maxHits))
	}
	return s.hits, errors.Join(errs...)
}

func ignore(filter.Complaint) {}

// search is one walk of all lists.
type search struct {
	ctx      context.Context // of the call of Search that this is
	below    map[string][]filter.Host
	list     string
	category filter.Category
	walked   int
	hits     []Hit
}

// suffixes maps every host and every name above it to the hosts at and below it.
func suffixes(hosts []filter.Host) map[string][]filter.Host {
	below := map[string][]filter.Host{}
	for _, h := range hosts {
		name := h.String()
		below[name] = append(below[name], h)
		if _, isAddr := h.Addr(); isAddr {
			continue
		}
		for {
			_, parent, ok := strings.Cut(name, ".")
			if !ok {
				break
			}
			name = parent
			below[name] = append(below[name], h)
		}
	}
	return below
}

func (s *search) entry(e filter.Entry) bool {
	found, err := filter.ParseHost(string(e.Host))
	if err != nil {
		return true
	}
	for _, h := range s.below[found.String()] {
		if e.Exact && h != found {
			continue
		}
		if len(s.hits) == maxHits {
			return false
		}
		s.hits = append(s.hits, Hit{
			Host: h, List: s.list, Category: s.category, Line: e.Line, Entry: found.String(), Path: e.Path,
		})
	}
	s.walked++
	return s.walked%(1<<16) != 0 || s.ctx.Err() == nil
}
