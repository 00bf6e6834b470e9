package blocklists

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/keersluis/keersluis/filter"
	"go.uber.org/zap"
)

const (
	quiet    = 100 * time.Millisecond // without an event, and a change is taken to be complete
	patience = 400 * time.Millisecond // with events all the time, and it is looked at nevertheless
	look     = 30 * time.Second       // at the files, should an event have been lost
	lookOut  = time.Second            // instead, when there are no events
)

// run is what one Run owns.
type run struct {
	ctx     context.Context // of the goroutines that this run waits for
	wait    sync.WaitGroup
	slots   chan struct{}
	fetched chan fetched
	watch   *watcher
	settled *time.Timer // a change of files is to be looked at
	since   time.Time   // the first event not yet looked at; zero: none
}

// Run keeps the lists up to date until ctx ends, and then returns nil, with nothing left behind. It calls use, one call at
// a time, with every new snapshot, and when only the report changed or somebody asked for a reload, with the same
// snapshot again. It must follow a Load that went well.
func (k *Keeper) Run(ctx context.Context, use func(*filter.Snapshot, Report)) error {
	if k.snap == nil {
		return errors.New("run lists: nothing was loaded")
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &run{
		ctx: ctx, slots: make(chan struct{}, maxFetches), fetched: make(chan fetched),
		watch: newWatcher(k.log), settled: time.NewTimer(0), // look at once: files may have changed since Load
	}
	defer r.watch.close()
	defer r.wait.Wait()
	defer cancel()
	fetch := time.NewTimer(k.startFetches(r))
	rest := time.NewTimer(look)
	r.watch.follow(k.paths())
	for {
		changed, told := false, false
		select {
		case <-ctx.Done():
			return nil
		case <-r.watch.fs.Events:
			r.postpone(k.now())
			continue
		case err := <-r.watch.fs.Errors:
			k.watchFailed(r, err)
			continue
		case got := <-r.fetched:
			changed, told = k.settleFetch(got), true
		case <-fetch.C:
		case <-r.settled.C:
			changed, told = k.lookAtFiles(r, false)
		case <-rest.C:
			changed, told = k.lookAtFiles(r, false)
		case <-k.reload:
			changed, _ = k.lookAtFiles(r, true)
			told = true
			k.hurry()
		}
		fetch.Reset(k.startFetches(r))
		rest.Reset(r.watch.pause())
		k.publish(ctx, changed, told, use)
	}
}

// postpone lets the look at the files wait until the events have paused.
func (r *run) postpone(now time.Time) {
	if r.since.IsZero() {
		r.since = now
	}
	r.settled.Reset(max(0, min(quiet, r.since.Add(patience).Sub(now))))
}

// pause is how long files may go without a look.
func (w *watcher) pause() time.Duration {
	if w.blind {
		return lookOut
	}
	return look
}

// watchFailed deals with an error of the watcher: where events were lost, everything is looked at.
func (k *Keeper) watchFailed(r *run, err error) {
	if !errors.Is(err, fsnotify.ErrEventOverflow) {
		k.log.Warn("watching lists for changes went wrong", zap.Error(err))
	}
	r.postpone(k.now())
}

// lookAtFiles reads the files that changed, or all. It reports whether a copy in force changed, and whether there is
// anything to tell.
func (k *Keeper) lookAtFiles(r *run, all bool) (changed, told bool) {
	r.since = time.Time{}
	r.watch.follow(k.paths()) // before reading, so that a change during it is noticed
	for _, s := range k.sources {
		if s.File == "" || !all && s.fresh() {
			continue
		}
		before := s.err
		if k.readFile(r.ctx, s) {
			changed = true
		}
		told = told || changed || message(before) != message(s.err)
		if errors.Is(s.err, errTorn) {
			r.postpone(k.now())
		}
	}
	return changed, told
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// paths returns the places to watch.
func (k *Keeper) paths() []string {
	var paths []string
	for _, s := range k.sources {
		if s.File == "" {
			continue
		}
		paths = append(paths, s.File)
		for _, p := range ut1Parts {
			paths = append(paths, filepath.Join(s.File, p)) // below a file there is nothing, which does no harm
		}
	}
	return paths
}

// hurry makes every URL due now.
func (k *Keeper) hurry() {
	for _, s := range k.sources {
		s.due = time.Time{}
		s.retry.Reset()
	}
}

// publish compiles what changed and tells the user of the lists. When compiling goes wrong the snapshot before stays.
func (k *Keeper) publish(ctx context.Context, changed, told bool, use func(*filter.Snapshot, Report)) {
	if changed {
		if err := k.compile(ctx); err != nil {
			if ctx.Err() == nil {
				k.log.Error("changed lists were not taken over", zap.Error(err))
			}
			return
		}
	}
	if changed || told {
		use(k.snap, k.report())
	}
}
