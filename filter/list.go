package filter

import (
	"fmt"
	"iter"
)

// MaxCategories bounds the categories of one snapshot: a set of them fits a machine word.
const MaxCategories = 64

// List is one list as [Compile] takes it.
type List struct {
	Name     string // how the list is called in verdicts and complaints: a file name, mostly
	Category Category
	Entries  iter.Seq[Entry] // walked once, seldom again; must be the same entries each time
}

// Entry is one line of a list (a hosts line with several names gives several entries).
type Entry struct {
	Line  int    // from 1
	Host  []byte // as written in the list; valid only until the next entry
	Path  string // of a URL rule: a prefix of the escaped path, with its leading slash; "" for the whole host
	Exact bool   // this name only, not the names below it
}

// Complaint is a line of a list that could not be used. The rest of the list is.
type Complaint struct {
	List   string
	Line   int
	Text   string // the line, cut to a readable length
	Reason string
}

// String returns the complaint as one line: list:line: reason.
func (c Complaint) String() string {
	return fmt.Sprintf("%s:%d: %s: %q", c.List, c.Line, c.Reason, c.Text)
}
