package logging

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.uber.org/zap"
)

// Mode is how much of a person's traffic reaches the disk.
type Mode uint8

// The modes.
const (
	Off          Mode = iota // counters only (rule D6)
	Pseudonymous             // records under a monthly pseudonym
)

// ParseMode reads the form of [Mode.String].
func ParseMode(s string) (Mode, error) {
	for _, m := range [...]Mode{Off, Pseudonymous} {
		if s == m.String() {
			return m, nil
		}
	}
	return Off, errors.New("parse logging mode: want off or pseudonymous")
}

// String returns the word used in the policy file.
func (m Mode) String() string {
	if m == Pseudonymous {
		return "pseudonymous"
	}
	return "off"
}

// MaxRetention is how many calendar months anything may be kept (rule H1).
const MaxRetention = 6

// Options say how a [Store] behaves. Only Now is required.
type Options struct {
	Mode         Mode
	Retention    int            // calendar months, 1 to [MaxRetention]; 0 is MaxRetention
	Organisation string         // part of what a pseudonym is made of
	Location     *time.Location // where days begin; nil is Europe/Amsterdam
	Now          func() time.Time
	Logger       *zap.Logger // operational log; nil keeps silent
	Queue        int         // events between doors and disk; 0 is 65536, some 10 MB
}

const defaultQueue = 1 << 16

// ErrClosed is returned for what is asked of a store that has stopped running.
var ErrClosed = errors.New("traffic log is closed")

// ErrExpired is returned for reading days that are past their retention, whatever is still on disk.
var ErrExpired = errors.New("day is past its retention")

// Store is the traffic log in one folder. Open it, run it with [Store.Run], and give it events with [Store.Record]. Its
// methods are safe for concurrent use.
type Store struct {
	options Options
	log     *zap.Logger

	queue  chan Event
	jobs   chan job
	ran    atomic.Bool
	closed atomic.Bool
	done   chan struct{} // closed when Run returns
	lost   atomic.Uint64

	mu    sync.Mutex
	stats Stats // guarded by mu

	// Owned by Run, and by Open before it.
	meta     *bbolt.DB // its lock is the lock on the folder
	segments *segments
	keys     *keyring
	clock    clock
	saved    savedClock // what meta.db holds
	suspect  bool       // what Stats and the operational log say of the clock
	lastTick time.Time
	sites    siteCache
	days     dayCache
	pending  pending
	troubles map[string]string // operation to class of what is wrong with it now
}

// Open opens the log in dir, making it when it isn't there, and deletes what is overdue. Another process that has it open
// is an error; a damaged file is not: it is set aside. The store must then be run; to close one that is no longer wanted,
// run it with a context that has ended.
func Open(dir string, o Options) (*Store, error) {
	s, err := newStore(dir, o)
	if err != nil {
		return nil, err
	}
	for _, d := range [...]string{dir, s.segments.dir, s.keys.dir} {
		if err := makeFolder(d); err != nil {
			return nil, fmt.Errorf("open traffic log: %w", err)
		}
	}
	if s.meta, err = s.openMeta(filepath.Join(dir, "meta.db")); err != nil {
		return nil, fmt.Errorf("open traffic log: %w", err)
	}
	s.startClock()
	s.expire()
	s.survey()
	return s, nil
}

func newStore(dir string, o Options) (*Store, error) {
	if o.Now == nil {
		return nil, errors.New("open traffic log: no clock given")
	}
	if o.Retention == 0 {
		o.Retention = MaxRetention
	}
	if o.Retention < 1 || o.Retention > MaxRetention {
		return nil, fmt.Errorf("open traffic log: retention of %d months: want 1 to %d (rule H1)", o.Retention, MaxRetention)
	}
	if o.Location == nil {
		loc, err := time.LoadLocation("Europe/Amsterdam")
		if err != nil {
			return nil, fmt.Errorf("open traffic log: %w", err)
		}
		o.Location = loc
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	return &Store{
		options:  o,
		log:      o.Logger,
		queue:    make(chan Event, o.Queue),
		jobs:     make(chan job),
		done:     make(chan struct{}),
		segments: newSegments(filepath.Join(dir, "segments")),
		keys:     newKeyring(filepath.Join(dir, "keys"), o.Organisation),
		sites:    make(siteCache),
		days:     dayCache{loc: o.Location},
		pending:  pending{days: make(map[Day]map[rowKey]*tally)},
		troubles: make(map[string]string),
	}, nil
}

// openMeta opens the one file that outlives days. It holds no traffic.
func (s *Store) openMeta(path string) (*bbolt.DB, error) {
	db, err := openDB(path)
	if errors.Is(err, errCorrupt) {
		if e := setAside(path); e != nil {
			return nil, errors.Join(err, e)
		}
		s.noteAside(err)
		db, err = openDB(path)
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errors.New("another process has it open")
	}
	return db, err
}

// Record takes a finished exchange. It never blocks and never allocates. When the queue is full, or the store has stopped,
// the event is lost and counted.
func (s *Store) Record(e Event) {
	if s.closed.Load() {
		s.lost.Add(1)
		return
	}
	select {
	case s.queue <- e:
	default:
		s.lost.Add(1)
	}
}

// Stats is the state of a [Store], for the status page and the metrics.
type Stats struct {
	Recorded     uint64    // events on disk
	Lost         uint64    // events that will never be: queue full, disk failing for long, day overdue, store closed
	Commits      uint64    // transactions written
	LastCommit   time.Time // zero before the first
	Trouble      string    // "operation: class" of what is wrong now; "" when all is well
	SetAside     int       // damaged files that were replaced and are still there
	Bytes        int64     // on disk, day files only
	Days         int       // days on disk
	Oldest       Day       // when Days > 0
	ClockSuspect bool      // the clock jumped: nothing is deleted until it is right, or confirmed (see [Store.ConfirmClock])
}

// Stats returns the state as of the last commit. It does no I/O.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	st := s.stats
	s.mu.Unlock()
	st.Lost = s.lost.Load()
	if s.closed.Load() {
		st.Lost += uint64(len(s.queue)) // came in while the door fell shut
	}
	return st
}

func (s *Store) update(change func(*Stats)) {
	s.mu.Lock()
	change(&s.stats)
	s.mu.Unlock()
}
