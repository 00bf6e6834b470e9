package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Verifying is slow by design, so it is bounded and remembered.
const (
	maxKnown = 4096             // credentials remembered as right, and as many as wrong
	rightFor = 10 * time.Minute // remembered, from when they were verified
	wrongFor = 30 * time.Second // so that a program with an old password, which tries for ever, costs nothing
)

// digest is what is remembered of credentials: an HMAC under a key that this process made and nobody has.
type digest [sha256.Size]byte

// verifier checks credentials. Safe for concurrent use.
type verifier struct {
	now      func() time.Time
	accounts []*account // never empty
	macs     *sync.Pool // of hash.Hash, keyed; the same for all that follow one another
	right    *lru.Cache[digest, remembered]
	wrong    *lru.Cache[digest, remembered] // apart, so that guessing pushes out nothing that is right
	line     *line                          // as with macs

	mu      sync.Mutex
	flights map[digest]chan struct{} // guarded by mu; credentials being verified, closed when they are no more
}

// remembered is the outcome of a verification. lru/v2/expirable would keep the time, but it starts a goroutine that
// nothing can end.
type remembered struct {
	user  *account // nil: wrong
	until time.Time
}

func (r remembered) outcome() (*account, error) {
	if r.user == nil {
		return nil, ErrBadCredentials
	}
	return r.user, nil
}

func newVerifier(accounts []*account, now func() time.Time) *verifier {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails: crypto/rand ends the program instead
	right, err := lru.New[digest, remembered](maxKnown)
	wrong, err2 := lru.New[digest, remembered](maxKnown)
	if err != nil || err2 != nil {
		panic("a constant size is positive")
	}
	return &verifier{
		now:      now,
		accounts: accounts,
		macs:     &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }},
		right:    right,
		wrong:    wrong,
		line:     newLine(),
		flights:  map[digest]chan struct{}{},
	}
}

// follow takes over from old what it remembers as right of those of users who are as they were. What was wrong may be right
// now, and is forgotten. It is called before v is used.
func (v *verifier) follow(old *verifier, users map[string]*account) {
	v.macs, v.line = old.macs, old.line
	now := v.now()
	for _, d := range old.right.Keys() { // oldest first
		r, ok := old.right.Peek(d)
		if !ok || !now.Before(r.until) {
			continue
		}
		if u := users[r.user.name]; u != nil && u.hash == r.user.hash {
			v.right.Add(d, remembered{u, r.until})
		}
	}
}

// credentials are what a client sent, and where it sent them from.
type credentials struct {
	from           netip.Addr
	name, password string
}

// verify returns the user of c, or ErrBadCredentials or ErrBusy. Of several calls with the same name and password
// one verifies and the others wait for what it remembers.
func (v *verifier) verify(ctx context.Context, c credentials, users map[string]*account) (*account, error) {
	d := v.digest(c.name, c.password)
	for {
		if r, ok := v.recall(d); ok {
			return r.outcome()
		}
		flight, mine := v.board(d)
		if mine {
			return v.lead(ctx, d, c, users)
		}
		select {
		case <-flight:
		case <-ctx.Done():
			return nil, ErrBusy
		}
	}
}

// digest returns what credentials are remembered by. A name has no colon, so that the two can't be confused.
func (v *verifier) digest(name, password string) (d digest) {
	mac := v.macs.Get().(hash.Hash)
	mac.Reset()
	var b [256]byte
	mac.Write(append(append(append(b[:0], name...), ':'), password...))
	mac.Sum(d[:0])
	v.macs.Put(mac)
	return d
}

func (v *verifier) recall(d digest) (remembered, bool) {
	now := v.now()
	if r, ok := v.right.Get(d); ok && now.Before(r.until) {
		return r, true
	}
	if r, ok := v.wrong.Get(d); ok && now.Before(r.until) {
		return r, true
	}
	return remembered{}, false
}

// board returns the flight of credentials, and whether the caller is to lead it.
func (v *verifier) board(d digest) (flight chan struct{}, mine bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if flight, ok := v.flights[d]; ok {
		return flight, false
	}
	flight = make(chan struct{})
	v.flights[d] = flight
	return flight, true
}

// land ends a flight: who waited for it looks in the memory, and leads the next one when nothing is there.
func (v *verifier) land(d digest) {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.flights[d])
	delete(v.flights, d)
}

// lead waits for its turn, then verifies and remembers, and lands.
func (v *verifier) lead(ctx context.Context, d digest, c credentials, users map[string]*account) (*account, error) {
	defer v.land(d)
	site := siteOf(c.from)
	if err := v.line.enter(ctx, site); err != nil {
		return nil, err
	}
	defer v.line.leave(site)
	if r, ok := v.recall(d); ok { // verified between our look and our flight
		return r.outcome()
	}
	user := v.compare(c, users)
	if user == nil {
		v.wrong.Add(d, remembered{nil, v.now().Add(wrongFor)})
		return nil, ErrBadCredentials
	}
	v.right.Add(d, remembered{user, v.now().Add(rightFor)})
	return user, nil
}

// compare returns the user whose password it is, or nil. For a name that isn't known it verifies against the hash of some
// user, always the same one for the same name, so that neither time nor load tells which names exist.
func (v *verifier) compare(c credentials, users map[string]*account) *account {
	canonical, nameErr := canonicalName(c.name)
	user, known := users[canonical]
	known = known && nameErr == nil
	if !known {
		d := v.digest(c.name, "")
		user = v.accounts[binary.BigEndian.Uint64(d[:])%uint64(len(v.accounts))]
	}
	prepared, err := prepare(c.password)
	if right := user.hash.verify(prepared); !right || !known || err != nil {
		return nil
	}
	return user
}
