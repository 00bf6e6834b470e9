package resolver

import (
	"context"
	"sync"
)

// flightKey is what two queries must have in common to share an exchange with an upstream.
type flightKey struct {
	name  string
	qtype uint16
	do    bool
	cd    bool
}

// flights lets one exchange serve all who ask the same at the same time. Without it, many equal questions under way
// would multiply the chance of a forged answer (RFC 5452 §5).
type flights struct {
	mu sync.Mutex
	m  map[flightKey]*flight // guarded by mu
}

type flight struct {
	done  chan struct{} // closed when entry is set
	entry *entry        // nil when the flight was given up
}

// do returns what fn returns, or what another caller's fn returns for the same key. A nil entry means that ctx ended.
func (f *flights) do(ctx context.Context, k flightKey, fn func() *entry) *entry {
	for {
		f.mu.Lock()
		other := f.m[k]
		if other == nil {
			break
		}
		f.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil
		}
		if other.entry != nil {
			return other.entry
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	own := &flight{done: make(chan struct{})}
	if f.m == nil {
		f.m = make(map[flightKey]*flight)
	}
	f.m[k] = own
	f.mu.Unlock()

	defer func() { // also when fn panics: those who wait try for themselves
		f.mu.Lock()
		delete(f.m, k)
		f.mu.Unlock()
		close(own.done)
	}()
	own.entry = fn()
	return own.entry
}
