package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds what one file can make us print.
const maxProblems = 100

// Problem is one thing wrong with a file.
type Problem struct {
	File   string
	Line   int    // from 1
	Column int    // from 1, in characters
	Path   string // keys and list indexes, "users[0].name"; "" for the file as a whole
	Reason string // one line, without a full stop
}

// String returns the problem as one line: file:line:column: path: reason.
func (p Problem) String() string {
	if p.Path == "" {
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Path, p.Reason)
}

// Problems is all that is wrong with a file, in its order; never empty.
type Problems []Problem

// Error returns the problems, one a line.
func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// add notes a problem, unless the same place or one that holds it has one already: the second would be an echo.
func (d *Document) add(at position, path, reason string) {
	if d.unreadable {
		return
	}
	for p := path; ; p = parent(p) {
		if d.faulty[p] {
			return
		}
		if p == "" {
			break
		}
	}
	if path != "" {
		d.faulty[path] = true
	}
	d.note(at, path, reason)
}

// note notes a problem whatever was noted before, and whatever may come.
func (d *Document) note(at position, path, reason string) {
	if len(d.problems) >= maxProblems {
		d.left++
		return
	}
	d.problems = append(d.problems, Problem{d.name, at.line, at.column, path, reason})
}

// Err returns [Problems] when something is wrong with the file, and else nil.
func (d *Document) Err() error {
	if len(d.problems) == 0 {
		return nil
	}
	ps := Problems(slices.Clone(d.problems))
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if d.left > 0 {
		last := ps[len(ps)-1]
		ps = append(ps, Problem{d.name, last.Line, last.Column, "", fmt.Sprintf("and %d problems more", d.left)})
	}
	return ps
}

// parent returns the path of what holds path; "" at the top.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}
