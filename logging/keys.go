package logging

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// classPerson is the class of identities that events carry.
const classPerson = "person"

const (
	keyExtension = ".key"
	maxPersons   = 1 << 14 // identities remembered per month: a pseudonym costs a microsecond to make
)

// monthKey makes the pseudonyms and the row keys of one month.
type monthKey struct {
	epoch   uint32
	pseudo  *Pseudonymiser
	known   map[string]Pseudonym // identities stay in memory
	rows    hash.Hash            // makes row keys, which must say nothing to who lacks the key
	input   []byte               // reused
	scratch [sha256.Size]byte
}

func newMonthKey(secret [32]byte, organisation string) *monthKey {
	sum := sha256.Sum256(append([]byte("epoch1"), secret[:]...))
	return &monthKey{
		epoch:  max(binary.BigEndian.Uint32(sum[:]), 1),
		pseudo: NewPseudonymiser(secret, organisation, classPerson),
		known:  make(map[string]Pseudonym),
		rows:   hmac.New(sha256.New, secret[:]),
	}
}

func (k *monthKey) pseudonym(identity string) Pseudonym {
	if p, ok := k.known[identity]; ok {
		return p
	}
	p := k.pseudo.Of(identity)
	if len(k.known) >= maxPersons {
		clear(k.known)
	}
	k.known[identity] = p
	return p
}

// rowMAC returns the blind part of the key under which r's row lies in the B+tree.
func (k *monthKey) rowMAC(r rowKey) (mac [12]byte) {
	b := append(k.input[:0], "row1"...)
	b = binary.BigEndian.AppendUint32(b, r.slot)
	b = append(b, r.person.b[:]...)
	b = append(b, byte(r.outcome))
	for _, s := range [...]string{r.site, r.category, r.door} {
		b = appendText(b, s)
	}
	k.input = b
	k.rows.Reset()
	k.rows.Write(b)
	copy(mac[:], k.rows.Sum(k.scratch[:0]))
	return mac
}

// keyring holds the month keys: random, one file each, made in the month's first second of traffic, gone with the last
// segment of the month.
type keyring struct {
	dir          string
	organisation string
	months       map[month]*monthKey
	failed       map[month]error // not tried again before the next retry
}

func newKeyring(dir, organisation string) *keyring {
	return &keyring{dir: dir, organisation: organisation, months: make(map[month]*monthKey), failed: make(map[month]error)}
}

// of returns the key of m, made and durable on disk when it wasn't there. A key file that is damaged is set aside (the
// new key has another epoch, so that nobody is counted twice) and reported by aside.
func (k *keyring) of(m month) (key *monthKey, aside bool, err error) {
	if key := k.months[m]; key != nil {
		return key, false, nil
	}
	if err := k.failed[m]; err != nil {
		return nil, false, err
	}
	secret, aside, err := k.load(m)
	if err != nil {
		k.failed[m] = err
		return nil, aside, err
	}
	key = newMonthKey(secret, k.organisation)
	k.months[m] = key
	return key, aside, nil
}

// retry lets keys be tried that failed before.
func (k *keyring) retry() { clear(k.failed) }

func (k *keyring) path(m month) string { return filepath.Join(k.dir, m.String()+keyExtension) }

func (k *keyring) load(m month) (secret [32]byte, aside bool, err error) {
	path := k.path(m)
	b, err := os.ReadFile(path)
	switch {
	case err == nil && len(b) == len(secret):
		return [32]byte(b), false, nil
	case errors.Is(err, fs.ErrNotExist):
	case err == nil || errors.Is(classify(err), errCorrupt):
		if err := setAside(path); err != nil {
			return secret, false, fmt.Errorf("replace month key: %w", err)
		}
		aside = true
	default:
		return secret, false, fmt.Errorf("read month key: %w", err)
	}
	rand.Read(secret[:])
	if err := writeWhole(path, secret[:]); err != nil {
		return secret, aside, fmt.Errorf("keep month key: %w", err)
	}
	return secret, aside, nil
}

// expire forgets and deletes the keys of the months whose last day has passed its retention on today, and what a crash
// left behind.
func (k *keyring) expire(today Day, retention int) error {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return fmt.Errorf("expire keys: %w", err)
	}
	for m := range k.months {
		if overdue(m.last(), today, retention) {
			delete(k.months, m)
		}
	}
	var errs []error
	removed := false
	for _, e := range entries {
		name := e.Name()
		m, err := parseMonth(name[:min(len(name), len(monthForm))])
		if strings.HasSuffix(name, temporary) || err == nil && overdue(m.last(), today, retention) {
			errs = append(errs, os.Remove(filepath.Join(k.dir, name)))
			removed = true
		}
	}
	if removed {
		errs = append(errs, syncFolder(k.dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("expire keys: %w", err)
	}
	return nil
}

// overdue reports whether what was kept on day d must be gone on today: from 00:00 of the day that lies the retention
// later (rule H6).
func overdue(d, today Day, retention int) bool { return d.AddMonths(retention) <= today }
