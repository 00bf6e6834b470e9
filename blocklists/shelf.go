package blocklists

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// shelf is the folder with the last good copies. A copy is one record, ID.json, and the texts it names, ID.DIGEST.list. The
// record is the commit point: texts are on the disk before it is renamed into place, and the texts of the record
// before are removed after. So at every moment, also after a power failure, the record names texts that are whole.
type shelf struct{ dir string }

// record is where a copy came from.
type record struct {
	Name     string    `json:"name"`
	Where    string    `json:"where"` // file or URL
	Category string    `json:"category"`
	Parts    []part    `json:"parts"`
	Entries  int       `json:"entries"`
	Taken    time.Time `json:"taken"`             // when the content was read or fetched
	Checked  time.Time `json:"checked"`           // when the source last said that it is still the same
	ETag     string    `json:"etag,omitempty"`    // of a URL
	Modified string    `json:"modified,omitzero"` // the Last-Modified of a URL, as sent
}

// part is one text of a copy: a list has one, a UT1 folder one for each of its files.
type part struct {
	Name   string `json:"name,omitempty"` // "domains", "urls"; "" for a list of one file
	File   string `json:"file"`           // below the shelf's folder
	Digest string `json:"digest"`         // SHA-256 of the bytes
	Size   int64  `json:"size"`
}

// maxRecord bounds a record, in bytes.
const maxRecord = 1 << 20

func (s shelf) recordPath(id string) string { return filepath.Join(s.dir, id+".json") }
func (s shelf) textPath(p part) string      { return filepath.Join(s.dir, p.File) }

// find returns the record of a copy, nil when there is none. It checks that the texts are there and whole.
func (s shelf) find(id string) (*record, error) {
	f, err := os.Open(s.recordPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open record of last good copy: %w", err)
	}
	defer f.Close()
	var r record
	if err := json.NewDecoder(io.LimitReader(f, maxRecord)).Decode(&r); err != nil {
		return nil, fmt.Errorf("read record of last good copy %s: %w", f.Name(), err)
	}
	for _, p := range r.Parts {
		if p.File != filepath.Base(p.File) {
			return nil, fmt.Errorf("record of last good copy %s names a file elsewhere", f.Name())
		}
		digest, _, err := digestFile(s.textPath(p))
		if err != nil {
			return nil, fmt.Errorf("read last good copy: %w", err)
		}
		if digest != p.Digest {
			return nil, fmt.Errorf("last good copy %s is damaged", s.textPath(p))
		}
	}
	return &r, nil
}

// stage writes what r gives to a file of its own, synced. The caller commits or discards it.
func (s shelf) stage(name string, r io.Reader) (p part, err error) {
	f, err := os.CreateTemp(s.dir, "*.tmp")
	if err != nil {
		return part{}, fmt.Errorf("keep a copy: %w", err)
	}
	p = part{Name: name, File: filepath.Base(f.Name())}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			s.discard([]part{p})
		}
	}()
	h := sha256.New()
	if p.Size, err = io.CopyBuffer(io.MultiWriter(f, h), onlyReader{r}, make([]byte, bufSize)); err != nil {
		return p, fmt.Errorf("keep a copy: %w", err)
	}
	p.Digest = hex.EncodeToString(h.Sum(nil))
	if err := f.Sync(); err != nil {
		return p, fmt.Errorf("keep a copy: %w", err)
	}
	return p, nil
}

// onlyReader hides other methods of a reader, so that the buffer given to io.CopyBuffer is used.
type onlyReader struct{ io.Reader }

func (s shelf) discard(parts []part) {
	for _, p := range parts {
		_ = os.Remove(s.textPath(p)) // a leftover is swept later
	}
}

// commit makes staged parts the copy called id, in place of old (nil: none), and returns the record as written.
func (s shelf) commit(id string, r record, old *record) (*record, error) {
	named := make([]part, len(r.Parts))
	for i, p := range r.Parts {
		named[i] = p
		named[i].File = id + "." + strings.Trim(p.Name+"."+p.Digest[:16], ".") + ".list"
		if err := os.Rename(s.textPath(p), s.textPath(named[i])); err != nil {
			s.discard(r.Parts)
			return nil, fmt.Errorf("keep a copy: %w", err)
		}
	}
	r.Parts = named
	if err := s.write(id, r); err != nil {
		return nil, err
	}
	if old != nil {
		for _, p := range old.Parts {
			if !r.holds(p.File) {
				s.discard([]part{p})
			}
		}
	}
	return &r, nil
}

// write puts the record in place: a file beside it, synced, renamed, and the folder synced.
func (s shelf) write(id string, r record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write record of copy: %w", err)
	}
	p, err := s.stage("", strings.NewReader(string(text)+"\n"))
	if err != nil {
		return err
	}
	if err := os.Rename(s.textPath(p), s.recordPath(id)); err != nil {
		s.discard([]part{p})
		return fmt.Errorf("write record of copy: %w", err)
	}
	return syncDir(s.dir)
}

// sweep removes what a crash left behind: files of this folder that no record names, older than before.
func (s shelf) sweep(before time.Time) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("sweep copies: %w", err)
	}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if ext != ".tmp" && ext != ".list" {
			continue
		}
		if info, err := e.Info(); err != nil || info.ModTime().After(before) {
			continue
		}
		id, _, _ := strings.Cut(e.Name(), ".")
		if ext == ".list" && s.names(id, e.Name()) {
			continue
		}
		_ = os.Remove(filepath.Join(s.dir, e.Name())) // next time, then
	}
	return nil
}

// names reports whether the record id names the file, or can't be read: then it may.
func (s shelf) names(id, file string) bool {
	text, err := os.ReadFile(s.recordPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	var r record
	return err != nil || json.Unmarshal(text, &r) != nil || r.holds(file)
}

func (r *record) holds(file string) bool {
	for _, p := range r.Parts {
		if p.File == file {
			return true
		}
	}
	return false
}

// digestFile returns the SHA-256 and the size of a file.
func digestFile(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return digestOf(f)
}

func digestOf(r io.Reader) (string, int64, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(h, onlyReader{r}, make([]byte, bufSize))
	return hex.EncodeToString(h.Sum(nil)), n, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
