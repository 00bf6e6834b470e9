package logging

import "time"

// maxPending bounds the rows that wait for the disk: some tens of megabytes.
const maxPending = 100_000

// rowKey is what makes a record one record: everything but sizes and what only its last request says.
type rowKey struct {
	slot     uint32
	epoch    uint32
	person   Pseudonym
	outcome  Outcome
	counter  bool
	site     string
	category string
	door     string
}

// tally is what adds up under one rowKey.
type tally struct {
	requests, up, down uint64
	device, rule       string   // of the last request
	mac                [12]byte // of the rowKey; unused for a counter
}

func (t *tally) add(up, down int64) {
	t.requests++
	t.up += uint64(max(up, 0))
	t.down += uint64(max(down, 0))
}

// record returns what goes on disk.
func (t *tally) record(k rowKey) Record {
	return Record{
		Slot: slotStart(k.slot), Epoch: k.epoch, Person: k.person,
		Site: k.site, Category: k.category, Outcome: k.outcome, Door: k.door,
		Device: t.device, Rule: t.rule,
		Requests: t.requests, Up: t.up, Down: t.down,
	}
}

// pending is what has not been written yet, by day. It holds no identity and no host.
type pending struct {
	days map[Day]map[rowKey]*tally
	rows int
}

// tally returns the tally of k, nil when there is no room for another row. key may be nil for a counter.
func (p *pending) tally(d Day, k rowKey, key *monthKey) *tally {
	rows := p.days[d]
	if t := rows[k]; t != nil {
		return t
	}
	if p.rows >= maxPending {
		return nil
	}
	if rows == nil {
		rows = make(map[rowKey]*tally)
		p.days[d] = rows
	}
	t := new(tally)
	if !k.counter {
		t.mac = key.rowMAC(k)
	}
	rows[k] = t
	p.rows++
	return t
}

// drop forgets a day that has been written, or never will be, and returns the number of requests it held.
func (p *pending) drop(d Day) (requests uint64) {
	for _, t := range p.days[d] {
		requests += t.requests
	}
	p.rows -= len(p.days[d])
	delete(p.days, d)
	return requests
}

// dayCache spares the conversion to local time for events of one slot, which all fall on one day: slots begin at the full
// quarter, and so do days in every zone in use.
type dayCache struct {
	loc  *time.Location
	slot uint32
	day  Day
}

func (c *dayCache) of(slot uint32) Day {
	if slot != c.slot {
		c.slot, c.day = slot, DayOf(slotStart(slot), c.loc)
	}
	return c.day
}
