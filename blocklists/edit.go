package blocklists

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keersluis/keersluis/filter"
)

// maxNote bounds each part of a note, in bytes.
const maxNote = 500

// Note says who added an entry, when and why. It stands in a comment above the entry.
type Note struct {
	Day    time.Time
	By     string // needed
	Ticket string // one word; "" for none
	Reason string // "" for none
}

// comment returns n as it stands in a list.
func (n Note) comment() (string, error) {
	for name, text := range map[string]string{"name of who adds": n.By, "ticket": n.Ticket, "reason": n.Reason} {
		if len(text) > maxNote || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return "", fmt.Errorf("the %s must be one line of at most %d bytes", name, maxNote)
		}
	}
	if n.By == "" || strings.ContainsFunc(n.By+n.Ticket, unicode.IsSpace) {
		return "", errors.New("the name of who adds and the ticket must be one word each")
	}
	text := "# added " + n.Day.Format(time.DateOnly) + " by " + n.By
	if n.Ticket != "" {
		text += " ticket " + n.Ticket
	}
	if n.Reason != "" {
		text += ": " + n.Reason
	}
	return text, nil
}

// noteForm is how a comment of a [Note] begins; an entry that is removed takes it along.
var noteForm = regexp.MustCompile(`^# added \d{4}-\d{2}-\d{2} by \S`)

// Change is what an edit did to a file.
type Change struct {
	Line    int    // of the entry: where it stands now, or stood
	Comment string // above it; "" when an entry without one was removed
}

// AddEntry puts h at the end of the list file at path, below a comment of n. Everything else in the file stays as it is.
//
// It refuses what the list could not hold (a public suffix, a name that is there or is covered by one that is) and a file in
// which the new line would not be read back as that one entry: a compressed one, say, or one of another format than a name
// a line, a hosts file or an Adblock list.
func AddEntry(path string, f Format, h filter.Host, n Note) (done Change, err error) {
	if err := listable(h); err != nil {
		return Change{}, err
	}
	comment, err := n.comment()
	if err != nil {
		return Change{}, err
	}
	err = editFile(path, func(text []byte) (edited []byte, err error) {
		edited, done, err = withEntry(text, f, h, comment)
		return edited, err
	})
	return done, err
}

// RemoveEntry takes every entry for h itself out of the list file at path, and the comment that [AddEntry] put above it. It
// refuses to take the last entry: a list without any keeps its last good copy in force, so that would remove nothing.
func RemoveEntry(path string, f Format, h filter.Host) (done Change, err error) {
	err = editFile(path, func(text []byte) (edited []byte, err error) {
		edited, done, err = withoutEntry(text, f, h)
		return edited, err
	})
	return done, err
}

// FindEntry returns the first line of the list file at path with an entry for h itself, 0 when there is none. A file that is
// too large to edit is an error.
func FindEntry(path string, f Format, h filter.Host) (line int, err error) {
	text, _, err := readWhole(path)
	if err != nil {
		return 0, err
	}
	s, err := surveyOf(text, f, h)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if len(s.own) > 0 {
		line = s.own[0]
	}
	return line, nil
}

// listable asks the compiler of lists whether it would take h.
func listable(h filter.Host) error {
	_, complaints, err := filter.Compile(filter.List{Name: "new", Entries: func(yield func(filter.Entry) bool) {
		yield(filter.Entry{Line: 1, Host: []byte(h.String())})
	}})
	if err == nil && len(complaints) > 0 {
		err = fmt.Errorf("%s can't be listed: %s", h, complaints[0].Reason)
	}
	return err
}

// survey is what a text says of one host, and a digest of what it says of all others.
type survey struct {
	own      []int  // lines with the host itself
	covering string // the first name that covers it: itself, or one above it
	line     int    // of covering; 0: none
	entries  int
	complain int
	rest     [sha256.Size]byte
}

func surveyOf(text []byte, f Format, h filter.Host) (s survey, err error) {
	if f, err = ParseFormat(string(f)); err != nil {
		return s, err
	}
	rest := sha256.New()
	err = Parse(bytes.NewReader(text), f, func(e filter.Entry) bool {
		s.entries++
		found, err := filter.ParseHost(string(e.Host))
		if err != nil {
			s.entries--
		}
		if e.Path == "" && !e.Exact && s.line == 0 && h.Within(found) {
			s.covering, s.line = found.String(), e.Line
		}
		if e.Path == "" && found == h {
			if len(s.own) == 0 || s.own[len(s.own)-1] != e.Line {
				s.own = append(s.own, e.Line)
			}
			return true
		}
		fmt.Fprintf(rest, "%s\x00%s\x00%t\n", e.Host, e.Path, e.Exact)
		return true
	}, func(filter.Complaint) { s.complain++ })
	copy(s.rest[:], rest.Sum(nil))
	return s, err
}

// errForm is of a file that is a list, but not of a form that commands can edit.
var errForm = errors.New("only lists with a name a line, hosts files and Adblock lists, as plain text, are edited by command; edit this one by hand")

func withEntry(text []byte, f Format, h filter.Host, comment string) ([]byte, Change, error) {
	before, err := surveyOf(text, f, h)
	switch {
	case err != nil:
		return nil, Change{}, err
	case before.covering == h.String():
		return nil, Change{}, fmt.Errorf("%s is there already, on line %d", h, before.line)
	case before.line > 0:
		return nil, Change{}, fmt.Errorf("%s is covered already by %s on line %d", h, before.covering, before.line)
	}
	end := "\n"
	if bytes.HasSuffix(text, []byte("\r\n")) {
		end = "\r\n"
	}
	start := bytes.Clone(text)
	if len(start) > 0 && start[len(start)-1] != '\n' {
		start = append(start, end...)
	}
	line := bytes.Count(start, []byte("\n")) + 2
	forms := []string{"%s", "0.0.0.0 %s", "||%s^"}
	if likeHosts(text) {
		forms[0], forms[1] = forms[1], forms[0]
	}
	for _, form := range forms {
		edited := append(bytes.Clone(start), comment+end+fmt.Sprintf(form, h)+end...)
		after, err := surveyOf(edited, f, h)
		if err == nil && after.line == line && after.rest == before.rest && after.complain == before.complain {
			return edited, Change{line, comment}, nil
		}
	}
	return nil, Change{}, errForm
}

// likeHosts reports whether the last line that says something begins with an address: where a text may be read in more than
// one way, the next line is to be like it.
func likeHosts(text []byte) bool {
	lines := bytes.Split(text, []byte("\n"))
	for _, line := range slices.Backward(lines) {
		if line = trim(line); !isComment(line) {
			first, rest := nextField(uncomment(line))
			return len(rest) > 0 && isAddress(first)
		}
	}
	return false
}

func withoutEntry(text []byte, f Format, h filter.Host) ([]byte, Change, error) {
	before, err := surveyOf(text, f, h)
	switch {
	case err != nil:
		return nil, Change{}, err
	case len(before.own) == 0 && before.line > 0:
		return nil, Change{}, fmt.Errorf("%s is not there itself; %s on line %d covers it, and an exception in the policy opens it alone",
			h, before.covering, before.line)
	case len(before.own) == 0:
		return nil, Change{}, fmt.Errorf("%s is not there", h)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	done := Change{Line: before.own[0]}
	for _, number := range before.own {
		i := number - 1
		lines[i] = withoutName(lines[i], h)
		if lines[i] == nil && i > 0 && noteForm.Match(lines[i-1]) {
			done.Comment = string(trim(lines[i-1]))
			lines[i-1] = nil
		}
	}
	edited := bytes.Join(lines, nil)
	after, err := surveyOf(edited, f, h)
	switch {
	case err == nil && after.entries == 0:
		return nil, Change{}, fmt.Errorf("%s is the last entry, and a list without entries is taken for a mistake: its last good copy stays in "+
			"force; take the list out of the configuration instead", h)
	case err != nil, len(after.own) > 0, after.rest != before.rest, after.complain != before.complain:
		return nil, Change{}, fmt.Errorf("line %d: %w", before.own[0], errForm)
	}
	return edited, done, nil
}

// withoutName returns a line that lists h without it: nil when nothing else is on it.
func withoutName(line []byte, h filter.Host) []byte {
	rest := uncomment(line)
	others := 0
	var edited []byte
	for len(trim(rest)) > 0 {
		word, after := nextField(rest)
		gap := bytes.Index(rest, word)
		found, err := filter.ParseHost(string(unstar(word)))
		if err != nil || found != h {
			edited = append(edited, rest[:gap+len(word)]...)
			if !isAddress(word) {
				others++
			}
		}
		rest = rest[gap+len(word):]
		if len(after) == 0 {
			break
		}
	}
	if others == 0 || len(bytes.Fields(uncomment(line))) == 1 {
		return nil
	}
	edited = append(edited, rest...)
	return append(edited, line[len(uncomment(line)):]...)
}
