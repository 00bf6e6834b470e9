package blocklists

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/keersluis/keersluis/filter"
)

// Source is one configured list: a file, a folder or a URL, and the category that its names belong to.
type Source struct {
	Name     string // how verdicts and complaints call it; from the last element of File or URL when ""
	Category filter.Category
	Format   Format // "" is [Auto]
	File     string // a file, or a folder of [UT1]
	URL      string // https or http
}

// Validate returns everything that is wrong with s, joined. It looks at no disk.
func (s Source) Validate() error {
	var errs []error
	if (s.File == "") == (s.URL == "") {
		errs = append(errs, errors.New("a list needs either file or url"))
	}
	if s.Category == "" {
		errs = append(errs, errors.New("a list needs a category"))
	}
	if _, err := ParseFormat(string(s.Format)); err != nil {
		errs = append(errs, err)
	}
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("url: %w", cause(err)))
		case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
			errs = append(errs, fmt.Errorf("url %q: a list is fetched over https or http", s.shown()))
		}
	}
	return errors.Join(errs...)
}

// where returns the one place that s comes from.
func (s Source) where() string {
	if s.URL != "" {
		return s.URL
	}
	return s.File
}

// shown returns where without what only the feed's server may know: subscribers' tokens stand in the user part or the
// query, and reports are for everybody.
func (s Source) shown() string {
	if s.URL == "" {
		return s.File
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return "the url"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// cause returns err without the URL that net/url and net/http put before it.
func cause(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// base returns what s is called when it has no name.
func (s Source) base() string {
	if s.URL == "" {
		return filepath.Base(s.File)
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return "feed"
	}
	if b := filepath.Base(u.Path); b != "." && b != "/" {
		return b
	}
	return u.Host
}

// settle returns the sources checked, with absolute paths, known formats and names that differ: a complaint and a verdict
// must name one list.
func settle(sources []Source) ([]Source, error) {
	var errs []error
	taken := map[string]bool{}
	for _, l := range starters() {
		taken[l.name] = true
	}
	settled := make([]Source, 0, len(sources))
	for i, s := range sources {
		if err := s.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("list %d: %w", i+1, err))
			continue
		}
		s.Format, _ = ParseFormat(string(s.Format))
		if s.File != "" {
			abs, err := filepath.Abs(s.File)
			if err != nil {
				errs = append(errs, fmt.Errorf("list %d: %w", i+1, err))
				continue
			}
			s.File = abs
		}
		if s.Name == "" {
			s.Name = s.base()
		}
		for name, n := s.Name, 2; taken[s.Name]; n++ {
			s.Name = fmt.Sprintf("%s (%d)", name, n)
		}
		taken[s.Name] = true
		settled = append(settled, s)
	}
	return settled, errors.Join(errs...)
}
