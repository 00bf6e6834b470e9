package blocklists

import (
	"bytes"
	"context"
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

// Found is what a search came to.
type Found struct {
	Hits   []Hit   // list by list in the order of the lines
	Unread []error // one for each list that was not searched, or not to its end
}

// maxHits bounds what one search returns.
const maxHits = 100_000

// Search walks every list as [Keeper.Load] finds it and returns the entries that cover one of the hosts. It reads the texts, not
// a snapshot, so that it also finds what a snapshot leaves out: the same name in a second list. It is called where Load
// could be, not beside Run.
func (k *Keeper) Search(ctx context.Context, hosts ...filter.Host) (Found, error) {
	if err := os.MkdirAll(k.shelf.dir, 0o700); err != nil {
		return Found{}, fmt.Errorf("make folder for copies of lists: %w", err)
	}
	s := search{ctx: ctx, below: suffixes(hosts)}
	for _, l := range starters() {
		s.begin(l.name, l.category)
		s.end(Parse(bytes.NewReader(l.text), Domains, s.entry, ignore))
	}
	for _, src := range k.sources {
		k.loadSource(ctx, src)
		if src.kept == nil {
			s.begin(src.Name, src.Category)
			s.end(src.err)
			continue
		}
		for _, p := range src.kept.Parts {
			s.begin(src.partName(p.Name), src.Category)
			s.end(k.parsePart(src.Source, p, s.entry, ignore))
		}
	}
	return s.found, ctx.Err()
}

func ignore(filter.Complaint) {}

// search is one walk of all lists.
type search struct {
	ctx      context.Context // of the call of Search that this is
	below    map[string][]filter.Host
	list     string
	category filter.Category
	walked   int
	found    Found
}

func (s *search) begin(list string, c filter.Category) { s.list, s.category = list, c }

// end notes what kept a list from being read.
func (s *search) end(err error) {
	if err == nil && len(s.found.Hits) == maxHits {
		err = fmt.Errorf("only the first %d entries found are shown", maxHits)
	}
	if err != nil {
		s.found.Unread = append(s.found.Unread, fmt.Errorf("%s: %w", s.list, err))
	}
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
		if len(s.found.Hits) == maxHits {
			return false
		}
		s.found.Hits = append(s.found.Hits, Hit{
			Host: h, List: s.list, Category: s.category, Line: e.Line, Entry: found.String(), Path: e.Path,
		})
	}
	s.walked++
	return s.walked%(1<<16) != 0 || s.ctx.Err() == nil
}
