package resolver

import (
	"bytes"
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/keersluis/keersluis/filter"
)

// entry is an answer of an upstream as it is kept: immutable, for every client alike. The policy is asked at each serve,
// so that a change of lists holds from the next query on.
type entry struct {
	wire    []byte // header, question in lower case, answer and authority; no OPT record
	n       int    // length of the name in the question
	rcode   int
	ede     int
	ttls    []uint16 // offsets of TTLs in wire
	ttl     uint32   // seconds that the entry may be served; 0: only to those who waited for it
	stored  time.Time
	aliases []filter.Host // what the name leads to, before its addresses
	addrs   []netip.Addr
}

// name returns the name that the entry answers for, in wire form and lower case.
func (e *entry) name() []byte { return e.wire[headerLen : headerLen+e.n] }

// age returns the whole seconds since e was stored. A clock that went back makes no age.
func (e *entry) age(now time.Time) uint32 {
	return uint32(min(max(now.Sub(e.stored)/time.Second, 0), math.MaxUint32))
}

// fresh reports whether e may still be served.
func (e *entry) fresh(now time.Time) bool { return e.age(now) < e.ttl }

// entryOverhead is about what the map, the list and the allocator need beside the bytes of an entry.
const entryOverhead = 400

// cost returns the memory of e in bytes, roughly.
func (e *entry) cost() int {
	c := entryOverhead + len(e.wire) + 2*len(e.ttls) + 24*len(e.addrs)
	for _, h := range e.aliases {
		c += 16 + len(h.String())
	}
	return c
}

// cacheKey finds an entry. Names of equal hash are told apart by the entry's own name.
type cacheKey struct {
	sum   uint64
	qtype uint16
	do    bool
	cd    bool
}

// cacheShards bounds how many readers wait for one another.
const cacheShards = 16

// cache keeps entries within a number of bytes, the least recently used going first.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
}

type shard struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[cacheKey, *entry] // guarded by mu
	bytes int                              // guarded by mu
	max   int
}

// newCache returns a cache of at most size bytes.
func newCache(size int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		s := &c.shards[i]
		s.max = size / cacheShards
		// The bound is in bytes; NewLRU fails only for a size below one.
		s.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ cacheKey, e *entry) { s.bytes -= e.cost() })
	}
	return c
}

func (c *cache) find(q *query) (*shard, cacheKey) {
	k := cacheKey{sum: maphash.Bytes(c.seed, q.name()), qtype: q.qtype, do: q.do, cd: q.cd}
	return &c.shards[k.sum%cacheShards], k
}

// get returns the fresh entry for q, or nil.
func (c *cache) get(q *query, now time.Time) *entry {
	s, k := c.find(q)
	s.mu.Lock()
	e, ok := s.lru.Get(k)
	s.mu.Unlock()
	if !ok || !e.fresh(now) || !bytes.Equal(e.name(), q.name()) {
		return nil
	}
	return e
}

// put keeps e as the answer to q.
func (c *cache) put(q *query, e *entry) {
	s, k := c.find(q)
	cost := e.cost()
	if e.ttl == 0 || cost > s.max {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lru.Remove(k)
	s.lru.Add(k, e)
	for s.bytes += cost; s.bytes > s.max; {
		s.lru.RemoveOldest()
	}
}

// size returns how many entries are kept, and their bytes.
func (c *cache) size() (entries, bytes int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		entries += s.lru.Len()
		bytes += s.bytes
		s.mu.Unlock()
	}
	return entries, bytes
}
