package identity

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with the networks or users given to [New].
type Problem struct {
	Path   string // of the value, as in keersluis.yaml: "users[2].password_hash"
	Reason string // names nobody
}

// Problems is all that is wrong; never empty when it is an error.
type Problems []Problem

// Error returns the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Path + ": " + p.Reason
	}
	return strings.Join(lines, "\n")
}

func (ps *Problems) add(path, format string, args ...any) {
	*ps = append(*ps, Problem{path, fmt.Sprintf(format, args...)})
}
