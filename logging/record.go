package logging

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// Record is what the disk may hold: traffic of one pseudonym to one site, in one category, with one outcome, through one
// door, in one quarter of an hour (rules D3, D4). The fields are closed; a test holds the list.
//
// A counter is a record of traffic that may not be kept per person (mode off, guests, protected persons: D6, A11, G1). It
// has no person, site, device or rule, and its slot is a whole hour.
type Record struct {
	Slot     time.Time // start of the quarter of an hour, UTC
	Epoch    uint32    // names the key that made Person; persons can be compared within one epoch only; 0 when zero
	Person   Pseudonym
	Site     string // registrable domain, or a Site constant; "" for sensitive categories
	Category string
	Outcome  Outcome
	Door     string
	Device   string // device class of the last request
	Rule     string // list or policy rule that decided the last request, without a line number; "" for sensitive categories
	Requests uint64
	Up       uint64 // bytes from the client
	Down     uint64 // bytes to the client
}

const (
	slotSeconds  = 15 * 60
	slotsPerHour = 4
	maxText      = 255 // bytes of any text on disk
)

// recordVersion is the first byte of an encoded record. A reader refuses every other.
const recordVersion = 1

// errRecord says that bytes are not a record.
var errRecord = errors.New("not a record of this version")

// appendRecord encodes r. Texts are cut at maxText.
func appendRecord(b []byte, r Record) []byte {
	b = append(b, recordVersion)
	b = binary.BigEndian.AppendUint32(b, slotOf(r.Slot))
	b = binary.BigEndian.AppendUint32(b, r.Epoch)
	b = append(b, r.Person.b[:]...)
	b = append(b, byte(r.Outcome))
	for _, s := range [...]string{r.Site, r.Category, r.Door, r.Device, r.Rule} {
		b = appendText(b, cut(s))
	}
	for _, n := range [...]uint64{r.Requests, r.Up, r.Down} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// decodeRecord reads exactly one encoded record. The result shares no memory with b.
func decodeRecord(b []byte, t texts) (Record, error) {
	const fixed = 1 + 4 + 4 + len(Pseudonym{}.b) + 1
	if len(b) < fixed || b[0] != recordVersion {
		return Record{}, errRecord
	}
	r := Record{
		Slot:    slotStart(binary.BigEndian.Uint32(b[1:])),
		Epoch:   binary.BigEndian.Uint32(b[5:]),
		Person:  Pseudonym{[12]byte(b[9:])},
		Outcome: Outcome(b[fixed-1]),
	}
	d := decoder{b: b[fixed:], texts: t}
	for _, s := range [...]*string{&r.Site, &r.Category, &r.Door, &r.Device, &r.Rule} {
		*s = d.text()
	}
	for _, n := range [...]*uint64{&r.Requests, &r.Up, &r.Down} {
		*n = d.number()
	}
	if d.bad || len(d.b) > 0 {
		return Record{}, errRecord
	}
	return r, nil
}

// decoder reads the variable part of a record. After a mistake it is bad and returns zeros.
type decoder struct {
	b     []byte
	texts texts
	bad   bool
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) text() string {
	n := d.number()
	if d.bad || n > maxText || n > uint64(len(d.b)) {
		d.bad = true
		return ""
	}
	s := d.texts.of(d.b[:n])
	d.b = d.b[n:]
	return s
}

// slotOf returns the number of the quarter of an hour that t falls in, since 1970. Times before that, or after the year
// 124000, never get here: they are overdue, or later than now.
func slotOf(t time.Time) uint32 { return uint32(t.Unix() / slotSeconds) }

func slotStart(slot uint32) time.Time { return time.Unix(int64(slot)*slotSeconds, 0).UTC() }

func cut(s string) string { return s[:min(len(s), maxText)] }

// ruleOf drops the line number of a list: it would name the full host, or the path, that the site leaves out.
func ruleOf(rule string) string {
	i := strings.LastIndexByte(rule, ':')
	if i < 0 || i == len(rule)-1 || strings.Trim(rule[i+1:], "0123456789") != "" {
		return cut(rule)
	}
	return cut(rule[:i])
}

// texts are the texts met in records, so that reading a month makes each of them once. It is emptied when full; nil
// remembers nothing.
type texts map[string]string

const maxTexts = 1 << 14 // a few megabytes

func (t texts) of(b []byte) string {
	if s, ok := t[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(t) >= maxTexts {
		clear(t)
	}
	if t != nil {
		t[s] = s
	}
	return s
}
