package logging

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

const (
	segmentExtension = ".db"
	maxOpen          = 3           // segments open at once: today, yesterday's late events, and a reader's
	pageRows         = 1000        // records read while the writer waits: well under a millisecond
	lockWait         = time.Second // for a file that another process holds
)

var (
	bucketRows     = []byte("rows")
	bucketCounters = []byte("counters")
)

// segments are the day files, segments/2026/2026-11-21.db. A day has a file of its own because bbolt leaves what it
// deletes in its free pages, and in every copy made afterwards; a file that is unlinked is gone. All of it is owned by
// the store's one goroutine.
type segments struct {
	dir  string
	open map[Day]*bbolt.DB
	used []Day // open days, least recently used first
	met  texts // in records that were read
}

func newSegments(dir string) *segments {
	return &segments{dir: dir, open: make(map[Day]*bbolt.DB), met: make(texts)}
}

func (s *segments) path(d Day) string {
	name := d.String()
	return filepath.Join(s.dir, name[:4], name+segmentExtension)
}

// file returns the open file of d, nil when there is none and create is false.
func (s *segments) file(d Day, create bool) (*bbolt.DB, error) {
	if i := slices.Index(s.used, d); i >= 0 {
		s.used = append(slices.Delete(s.used, i, i+1), d)
		return s.open[d], nil
	}
	path := s.path(d)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, nil
		}
		if err := s.makeYear(filepath.Dir(path)); err != nil {
			return nil, err
		}
	}
	if len(s.used) >= maxOpen {
		if err := s.shut(s.used[0]); err != nil {
			return nil, err
		}
	}
	db, err := openDB(path)
	if err != nil {
		return nil, err
	}
	s.open[d], s.used = db, append(s.used, d)
	return db, nil
}

func (s *segments) makeYear(dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return nil
	}
	if err := makeFolder(dir); err != nil {
		return err
	}
	return syncFolder(s.dir)
}

// shut closes the file of d when it is open.
func (s *segments) shut(d Day) error {
	db := s.open[d]
	if db == nil {
		return nil
	}
	s.forget(d)
	if err := guard(db.Close); err != nil {
		return fmt.Errorf("close segment %s: %w", d, err)
	}
	return nil
}

func (s *segments) shutAll() error {
	var errs []error
	for len(s.used) > 0 {
		errs = append(errs, s.shut(s.used[0]))
	}
	return errors.Join(errs...)
}

// setAside puts the file of d out of the way. It doesn't close it: after a panic bbolt may hold locks that Close waits
// for. The mapping stays until the process ends.
func (s *segments) setAside(d Day) error {
	s.forget(d)
	return setAside(s.path(d))
}

func (s *segments) forget(d Day) {
	delete(s.open, d)
	s.used = slices.DeleteFunc(s.used, func(o Day) bool { return o == d })
}

// row is a record on its way to disk.
type row struct {
	key    []byte // in the B+tree: slot and a MAC, or a counter's own fields. Says nothing of a person
	record Record
	bucket []byte
}

// write adds rows to day d in one transaction.
func (s *segments) write(d Day, tallies map[rowKey]*tally) error {
	db, err := s.file(d, true)
	if err != nil {
		return fmt.Errorf("write day %s: %w", d, err)
	}
	rows := make([]row, 0, len(tallies))
	for k, t := range tallies {
		rows = append(rows, newRow(k, t))
	}
	slices.SortFunc(rows, func(a, b row) int { // bbolt writes fewer pages when keys come in order
		return cmp.Or(bytes.Compare(a.bucket, b.bucket), bytes.Compare(a.key, b.key))
	})
	err = guard(func() error {
		return db.Update(func(tx *bbolt.Tx) error { return put(tx, rows) })
	})
	if err != nil {
		// BUG(logging): when the disk fails in the last fsync of a transaction, that transaction may be found
		// written after all, and its second of traffic is then counted twice.
		if !errors.Is(err, errCorrupt) {
			err = errors.Join(err, s.shut(d)) // after a failed fsync only what is read again can be trusted
		}
		return fmt.Errorf("write day %s: %w", d, err)
	}
	return nil
}

func newRow(k rowKey, t *tally) row {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 16), k.slot)
	if k.counter {
		b = append(b, byte(k.outcome))
		b = appendText(appendText(b, k.door), k.category)
		return row{key: b, record: t.record(k), bucket: bucketCounters}
	}
	return row{key: append(b, t.mac[:]...), record: t.record(k), bucket: bucketRows}
}

// put adds each row to what lies under its key.
func put(tx *bbolt.Tx, rows []row) error {
	const usual = 128 // bytes of a record
	values := make([]byte, 0, usual*len(rows))
	for _, name := range [...][]byte{bucketRows, bucketCounters} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	for _, r := range rows {
		b := tx.Bucket(r.bucket)
		if old := b.Get(r.key); old != nil {
			was, err := decodeRecord(old, nil)
			if err != nil {
				return fmt.Errorf("%w: %w", errCorrupt, err)
			}
			r.record.Requests += was.Requests
			r.record.Up += was.Up
			r.record.Down += was.Down
		}
		start := len(values)
		values = appendRecord(values, r.record)
		if err := b.Put(r.key, values[start:len(values):len(values)]); err != nil {
			return err
		}
	}
	return nil
}

// place is where a reader is in a day: in which bucket, and after which key.
type place struct {
	bucket int
	after  []byte
	done   bool
}

// page returns the records that follow at, and where the next page begins.
func (s *segments) page(d Day, at place) (records []Record, next place, err error) {
	db, err := s.file(d, false)
	if err != nil || db == nil {
		return nil, place{done: true}, err
	}
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) (err error) {
			records, next, err = readPage(tx, at, s.met)
			return err
		})
	})
	if err != nil {
		return nil, place{done: true}, fmt.Errorf("read day %s: %w", d, err)
	}
	return records, next, nil
}

func readPage(tx *bbolt.Tx, at place, met texts) ([]Record, place, error) {
	buckets := [...][]byte{bucketRows, bucketCounters}
	following := place{bucket: at.bucket + 1, done: at.bucket+1 == len(buckets)}
	b := tx.Bucket(buckets[at.bucket])
	if b == nil {
		return nil, following, nil
	}
	records := make([]Record, 0, pageRows)
	c := b.Cursor()
	k, v := c.Seek(at.after)
	if k != nil && bytes.Equal(k, at.after) {
		k, v = c.Next()
	}
	for ; k != nil; k, v = c.Next() {
		r, err := decodeRecord(v, met)
		if err != nil {
			return nil, place{}, err
		}
		records = append(records, r)
		if len(records) == pageRows {
			return records, place{bucket: at.bucket, after: bytes.Clone(k)}, nil
		}
	}
	return records, following, nil
}

// segmentFile is a file whose name begins with a day: a segment, or one that was set aside.
type segmentFile struct {
	dir, name string
	day       Day
}

func (f segmentFile) path() string { return filepath.Join(f.dir, f.name) }

func (f segmentFile) aside() bool { return strings.Contains(f.name, asideMark) }

// list returns the files of all days. Files with other names are not ours and stay.
func (s *segments) list() ([]segmentFile, error) {
	years, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	var files []segmentFile
	for _, year := range years {
		if !year.IsDir() {
			continue
		}
		dir := filepath.Join(s.dir, year.Name())
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("list segments: %w", err)
		}
		for _, e := range entries {
			name := e.Name()
			d, err := ParseDay(name[:min(len(name), len(time.DateOnly))])
			if err != nil {
				continue
			}
			files = append(files, segmentFile{dir, name, d})
		}
	}
	return files, nil
}

// remove unlinks the files of all days for which gone says so, and returns how many.
func (s *segments) remove(gone func(Day) bool) (int, error) {
	files, err := s.list()
	if err != nil {
		return 0, err
	}
	removed := 0
	folders := make(map[string]bool)
	var errs []error
	for _, f := range files {
		if !gone(f.day) {
			continue
		}
		errs = append(errs, s.shut(f.day))
		if err := os.RemoveAll(f.path()); err != nil { // a folder may lie where a file was expected
			errs = append(errs, err)
			continue
		}
		removed++
		folders[f.dir] = true
	}
	for dir := range folders {
		errs = append(errs, syncFolder(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("remove segments: %w", err)
	}
	return removed, nil
}
