package blocklists

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/keersluis/keersluis/filter"
	"go.uber.org/zap"
)

// Keeper keeps the lists: it reads their sources, keeps a good copy of each, compiles the copies, and does so again when
// something changes. [Keeper.Load] and [Keeper.Run] are called by one goroutine; Reload by any.
type Keeper struct {
	shelf    shelf
	sources  []*source        // owned by Load and Run
	snap     *filter.Snapshot // of the last compile, as is embedded
	embedded []*tally
	client   *http.Client
	now      func() time.Time
	log      *zap.Logger
	reload   chan struct{}
}

// Options are what a Keeper works with.
type Options struct {
	Client *http.Client     // fetches URLs, by whatever names and proxies it likes; needed only if a source has one
	Now    func() time.Time // needed
	Logger *zap.Logger      // for what no Report tells; nil: nobody
}

// source is a Source with what is known of it.
type source struct {
	Source
	id      string
	kept    *record   // in force; nil: nothing is
	err     error     // why the copy isn't what the source holds now
	seen    []sight   // of a file, when it was last read well
	checked time.Time // when the source last confirmed the copy
	ignored []string  // files of a folder that can't be read
	tallies []*tally  // of the last compile, one a part

	// Of a URL, owned by Run.
	due      time.Time
	fetching bool
	retry    *backoff.ExponentialBackOff
}

// New returns a Keeper of sources that keeps its copies in dir. It reads nothing yet.
func New(dir string, sources []Source, o Options) (*Keeper, error) {
	settled, err := settle(sources)
	if err != nil {
		return nil, err
	}
	k := &Keeper{shelf: shelf{dir}, client: o.Client, now: o.Now, log: o.Logger, reload: make(chan struct{}, 1)}
	if k.log == nil {
		k.log = zap.NewNop()
	}
	if k.now == nil {
		return nil, errors.New("blocklists: Options.Now is missing")
	}
	for _, s := range settled {
		if s.URL != "" && k.client == nil {
			return nil, errors.New("blocklists: Options.Client is missing, and there is a list with a url")
		}
		k.sources = append(k.sources, &source{Source: s, id: copyID(s), retry: newRetry()})
	}
	return k, nil
}

// copyID names the copy of s. Another category, format or place is another copy, so that a list never returns as
// something that it wasn't read and judged for.
func copyID(s Source) string {
	sum := sha256.Sum256([]byte(string(s.Category) + "\x00" + string(s.Format) + "\x00" + s.where()))
	return string(s.Category) + "-" + hex.EncodeToString(sum[:6])
}

// Load reads every file, and the last good copies of those that can't be read and of all URLs: it waits for no network.
// The error is one that leaves nothing to work with; what is wrong with a single source stands in the report.
func (k *Keeper) Load(ctx context.Context) (*filter.Snapshot, Report, error) {
	if err := os.MkdirAll(k.shelf.dir, 0o700); err != nil {
		return nil, Report{}, fmt.Errorf("make folder for copies of lists: %w", err)
	}
	for _, s := range k.sources {
		if err := ctx.Err(); err != nil {
			return nil, Report{}, err
		}
		k.loadSource(ctx, s)
	}
	if err := k.shelf.sweep(k.now().Add(-24 * time.Hour)); err != nil {
		return nil, Report{}, err
	}
	if err := k.compile(ctx); err != nil {
		return nil, Report{}, err
	}
	return k.snap, k.report(), nil
}

func (k *Keeper) loadSource(ctx context.Context, s *source) {
	kept, err := k.shelf.find(s.id)
	if s.kept = kept; kept != nil {
		s.checked = kept.Checked
		s.due = nextFetch(kept.Checked)
	}
	if s.File != "" {
		k.readFile(ctx, s)
		return
	}
	s.err = err
	if s.kept == nil && err == nil {
		s.err = fmt.Errorf("%s has not been fetched yet; that goes on in the background", s.shown())
	}
}

// Reload asks Run to read every source again, changed or not. Several calls before it does are one.
func (k *Keeper) Reload() {
	select {
	case k.reload <- struct{}{}:
	default:
	}
}

// compile makes a snapshot of what is in force.
func (k *Keeper) compile(ctx context.Context) error {
	for ctx.Err() == nil {
		var lists []filter.List
		var embedded []*tally
		for _, s := range starters() {
			t := &tally{}
			embedded = append(embedded, t)
			lists = append(lists, filter.List{Name: s.name, Category: s.category, Entries: s.entries(t)})
		}
		for _, s := range k.sources {
			lists = append(lists, k.lists(s)...)
		}
		snap, complaints, err := filter.Compile(lists...)
		if err != nil {
			return fmt.Errorf("compile lists: %w", err)
		}
		if k.replaceUnreadable(ctx) {
			continue
		}
		k.snap = snap
		k.attribute(complaints, embedded)
		return nil
	}
	return ctx.Err()
}

// lists returns the parts of the copy in force as lists to compile.
func (k *Keeper) lists(s *source) []filter.List {
	s.tallies = nil
	if s.kept == nil {
		return nil
	}
	lists := make([]filter.List, 0, len(s.kept.Parts))
	for _, p := range s.kept.Parts {
		t := &tally{}
		s.tallies = append(s.tallies, t)
		name := s.partName(p.Name)
		lists = append(lists, filter.List{Name: name, Category: s.Category, Entries: func(yield func(filter.Entry) bool) {
			t.reset()
			t.err = k.parsePart(s.Source, p, t.count(yield), t.complain(name))
		}})
	}
	return lists
}

// partName is what verdicts and complaints call one text of s.
func (s *source) partName(part string) string {
	if part == "" {
		return s.Name
	}
	return s.Name + "/" + part
}

// replaceUnreadable takes copies that could not be walked out of force, and reports whether there were any. In their place
// comes what another process of ours has put on the shelf meanwhile, or what the source holds now; where neither is to be
// had the source is missing, and says so.
func (k *Keeper) replaceUnreadable(ctx context.Context) bool {
	replaced := false
	for _, s := range k.sources {
		i := slices.IndexFunc(s.tallies, func(t *tally) bool { return t.err != nil })
		if i < 0 {
			continue
		}
		replaced = true
		failed, broken := s.kept, s.tallies[i].err
		kept, err := k.shelf.find(s.id)
		if err != nil || kept != nil && slices.Equal(kept.Parts, failed.Parts) {
			kept = nil
		}
		if s.kept = kept; kept != nil {
			continue
		}
		s.err = fmt.Errorf("its copy can't be read: %w", broken)
		if s.File != "" {
			k.readFile(ctx, s)
		}
		s.due = time.Time{}
	}
	return replaced
}
