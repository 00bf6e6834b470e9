package blocklists

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/keersluis/keersluis/filter"
)

// The files of a UT1 folder.
var ut1Parts = []string{"domains", "urls"}

const ut1Expressions = "expressions"

// racy is how young a file may be for its size and time to prove nothing: within one tick of the file system's clock a
// second write leaves both alike.
const racy = 2 * time.Second

// sight is what a file looked like when it was read.
type sight struct {
	path string
	info fs.FileInfo
	at   time.Time
}

func (v sight) unchanged(path string, info fs.FileInfo) bool {
	return v.path == path && os.SameFile(v.info, info) && v.info.Size() == info.Size() &&
		v.info.ModTime().Equal(info.ModTime()) && v.at.Sub(info.ModTime()) > racy
}

// fresh reports whether the files of s are as they were when they were last read well.
func (s *source) fresh() bool {
	places, _, err := locate(s.Source, s.checked)
	if err != nil || s.err != nil || s.kept == nil || len(places) != len(s.seen) {
		return false
	}
	for i, p := range places {
		info, err := os.Stat(p.path)
		if err != nil || !s.seen[i].unchanged(p.path, info) {
			return false
		}
	}
	return true
}

// readFile takes over what the file or folder of s holds, if it is good, and reports whether the copy in force is another
// than before. What is wrong goes to s.err.
func (k *Keeper) readFile(ctx context.Context, s *source) bool {
	before := s.kept
	s.seen = nil
	s.err = k.takeFile(ctx, s)
	return s.kept != before
}

// lost returns the part of a UT1 folder that the copy in force has and the folder no longer; "" when there is none. A folder
// that is being unpacked has urls before domains, and would open most of a category for that while.
func (s *source) lost(places []place) string {
	if s.kept == nil || s.Format == V2Fly { // whose file says what belongs to it
		return ""
	}
	for _, part := range s.kept.Parts {
		if !slices.ContainsFunc(places, func(p place) bool { return p.part == part.Name }) {
			return part.Name
		}
	}
	return ""
}

func (k *Keeper) takeFile(ctx context.Context, s *source) error {
	places, ignored, err := locate(s.Source, k.now())
	if err != nil {
		return err
	}
	if gone := s.lost(places); gone != "" {
		return fmt.Errorf("%s is empty or not there, and was not before; put it back, or take the list out of the configuration",
			filepath.Join(s.File, gone))
	}
	s.ignored = ignored
	var seen []sight
	same := s.kept != nil && len(s.kept.Parts) == len(places)
	for i, p := range places {
		digest, v, err := p.digest(k.now())
		if err != nil {
			return err
		}
		seen = append(seen, v)
		same = same && s.kept.Parts[i].Name == p.part && s.kept.Parts[i].Digest == digest
	}
	if !same {
		if err := k.copyFile(ctx, s, places); err != nil {
			return err
		}
	}
	s.seen, s.checked = seen, k.now()
	return nil
}

// errTorn is of a file that was written while it was read.
var errTorn = errors.New("changed while it was read; it is read again in a moment")

// place is a file that a source is read from.
type place struct{ part, path string }

// locate returns the files of s, and the names of those that hold what isn't read.
func locate(s Source, now time.Time) (places []place, ignored []string, err error) {
	info, err := os.Stat(s.File)
	if err != nil {
		return nil, nil, mend(s.File, err)
	}
	if info.Mode().IsRegular() && s.Format == V2Fly {
		places, err = locateV2Fly(s.File, now)
		return places, nil, err
	}
	if info.Mode().IsRegular() {
		return []place{{"", s.File}}, nil, nil
	}
	if !info.IsDir() {
		return nil, nil, fmt.Errorf("%s is neither a file nor a folder", s.File)
	}
	if s.Format != UT1 && s.Format != Auto {
		return nil, nil, fmt.Errorf("%s is a folder, which only the ut1 format reads; name a file in it", s.File)
	}
	for _, part := range ut1Parts {
		path := filepath.Join(s.File, part)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
			continue // many folders hold one of the two, or an empty one
		}
		if err != nil {
			return nil, nil, mend(path, err)
		}
		places = append(places, place{part, path})
	}
	if len(places) == 0 {
		return nil, nil, fmt.Errorf("%s holds no file domains or urls with anything in it; put them back, or take the list out of the configuration", s.File)
	}
	if info, err := os.Stat(filepath.Join(s.File, ut1Expressions)); err == nil && info.Size() > 0 {
		ignored = append(ignored, ut1Expressions)
	}
	return places, ignored, nil
}

// mend says what to do about a file that can't be read.
func mend(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there; put it back, or take the list out of the configuration", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be read; give the user that keersluis runs as the right to read it", path)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// read hands the decoded text of a file to use. It is an error when the file changes meanwhile: what was read may be torn.
func (p place) read(now time.Time, use func(io.Reader) error) (sight, error) {
	f, err := os.Open(p.path)
	if err != nil {
		return sight{}, mend(p.path, err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return sight{}, mend(p.path, err)
	}
	if !before.Mode().IsRegular() {
		return sight{}, fmt.Errorf("%s is not a file", p.path)
	}
	text, err := decode(f)
	if err == nil {
		err = use(text)
	}
	if err != nil {
		return sight{}, fmt.Errorf("%s: %w", p.path, err)
	}
	after, err := os.Stat(p.path)
	v := sight{p.path, before, now}
	if err != nil || !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
		return sight{}, fmt.Errorf("%s %w", p.path, errTorn)
	}
	return v, nil
}

func (p place) digest(now time.Time) (digest string, v sight, err error) {
	v, err = p.read(now, func(r io.Reader) error {
		digest, _, err = digestOf(r)
		return err
	})
	return digest, v, err
}

// copyFile puts what the files hold on the shelf and in force, if it is a list.
func (k *Keeper) copyFile(ctx context.Context, s *source, places []place) error {
	var parts []part
	for _, p := range places {
		_, err := p.read(k.now(), func(r io.Reader) error {
			staged, err := k.shelf.stage(p.part, r)
			if err == nil {
				parts = append(parts, staged)
			}
			return err
		})
		if err != nil {
			k.shelf.discard(parts)
			return err
		}
	}
	entries, err := k.judge(ctx, s.Source, parts)
	if err != nil {
		k.shelf.discard(parts)
		return fmt.Errorf("%s %w", s.File, err)
	}
	return k.accept(s, record{Parts: parts, Entries: entries})
}

// accept makes staged texts the copy in force.
func (k *Keeper) accept(s *source, r record) error {
	r.Name, r.Where, r.Category = s.Name, s.shown(), string(s.Category)
	r.Taken = k.now().UTC().Truncate(time.Second)
	r.Checked = r.Taken
	kept, err := k.shelf.commit(s.id, r, s.kept)
	if err != nil {
		return err
	}
	s.kept, s.checked = kept, kept.Checked
	return nil
}

// judge says whether staged texts are a list: whether there are entries that can be used, and few lines that can't. It returns
// how many entries.
func (k *Keeper) judge(ctx context.Context, s Source, parts []part) (int, error) {
	const (
		few   = 20 // a person may make these mistakes in a list of any length
		share = 20 // one line of so many in a longer one: 5 %
	)
	good, bad := 0, 0
	var first filter.Complaint
	complain := func(c filter.Complaint) {
		if c.Reason == reasonQuery {
			return // understood, and common in good lists of URLs: no sign of a bad one
		}
		if bad++; bad == 1 {
			first = c
		}
	}
	for _, p := range parts {
		n := 0
		err := k.parsePart(s, p, func(e filter.Entry) bool {
			if _, err := filter.ParseHost(string(e.Host)); err == nil {
				good++
			} else {
				complain(filter.Complaint{Line: e.Line, Reason: err.Error()})
			}
			n++
			return n%(1<<16) != 0 || ctx.Err() == nil
		}, complain)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return 0, fmt.Errorf("is not usable: %w", err)
		}
	}
	switch {
	case good == 0 && bad == 0:
		return 0, errors.New("is empty; fill it, or take the list out of the configuration")
	case good == 0:
		return 0, fmt.Errorf("is not a list in the format %s: none of %d lines can be used; the first, %d: %s; set the right format",
			s.Format, bad, first.Line, first.Reason)
	case bad > few && bad*share > good+bad:
		return 0, fmt.Errorf("is quarantined: %d of %d lines can't be used in the format %s, which is more than 5 %%; the first, %d: %s",
			bad, good+bad, s.Format, first.Line, first.Reason)
	}
	return good, nil
}

// parsePart walks a text of the shelf.
func (k *Keeper) parsePart(s Source, p part, entry func(filter.Entry) bool, complain func(filter.Complaint)) error {
	f, err := os.Open(k.shelf.textPath(p))
	if err != nil {
		return err
	}
	defer f.Close()
	switch {
	case s.Format == V2Fly && s.File != "":
		return parseLines(f, v2flyIncluded, entry, complain)
	case p.Name != "": // of a folder
		return Parse(f, UT1, entry, complain)
	}
	return Parse(f, s.Format, entry, complain)
}
