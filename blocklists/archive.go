package blocklists

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxMembers bounds the files and folders of an archive.
const maxMembers = 1000

var (
	errMembers  = fmt.Errorf("an archive with more than %d files", maxMembers)
	errNoMember = errors.New("an archive without a list")
)

// nextMember returns the next file of an archive; the error is io.EOF after the last.
type nextMember func() (name string, text io.Reader, err error)

// archive reads the one list in an archive: its only file that isn't about the list, or the domains and the urls of one UT1
// folder, one behind the other.
type archive struct {
	next   nextMember
	text   io.Reader // of the member that is being read; nil: between two
	chosen string    // the member before
	seen   int
}

// Read reads the text of the list. That there is none, or more than one, is an error.
func (a *archive) Read(p []byte) (int, error) {
	for {
		if a.text == nil {
			if err := a.open(); err != nil {
				return 0, err
			}
		}
		n, err := a.text.Read(p)
		if errors.Is(err, io.EOF) {
			a.text, err = nil, nil
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// open goes to the next member that belongs to the list.
func (a *archive) open() error {
	for {
		name, text, err := a.next()
		if errors.Is(err, io.EOF) && a.chosen == "" {
			return errNoMember
		}
		if err != nil {
			return err
		}
		if a.seen++; a.seen > maxMembers {
			return errMembers
		}
		switch {
		case !isList(name):
			continue
		case a.chosen == "":
			a.text = text
		case path.Dir(name) == path.Dir(a.chosen) && isPart(name) && isPart(a.chosen):
			a.text = io.MultiReader(strings.NewReader("\n"), text)
		default:
			return fmt.Errorf("an archive of several lists (%.80q, %.80q); unpack it and name the one", a.chosen, name)
		}
		a.chosen = name
		return nil
	}
}

// isPart reports whether a member is one of the files of a UT1 folder.
func isPart(name string) bool {
	base := path.Base(name)
	return base == ut1Parts[0] || base == ut1Parts[1]
}

// isList reports whether a member may be a list: not one of the files that go with one.
func isList(name string) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(name, "__MACOSX/") {
		return false
	}
	word, _, _ := strings.Cut(strings.ToLower(base), ".")
	switch word {
	case "license", "licence", "copying", "readme", "source", "authors", "changelog", "usage", "expressions",
		"very_restrictive_expression":
		return false
	}
	return true
}
