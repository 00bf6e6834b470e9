package yamlfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

const (
	maxCompared = 64 // bytes; the distance is quadratic, and no word we know is longer
	maxQuoted   = 60 // characters of a value that a reason repeats
	maxNamed    = 20 // words that a reason lists
)

// Unknown says that got is no known thing of the sort what ("role", "category"), and which was probably meant:
//
//	unknown role "emploee"; did you mean "employee"?
func Unknown(what, got string, known []string) error {
	return fmt.Errorf("unknown %s %s%s", what, quote(got), hint(got, known))
}

// hint returns what to say after an unknown word.
func hint(got string, known []string) string {
	near, ok := nearest(got, known)
	switch {
	case ok:
		return fmt.Sprintf("; did you mean %q?", near)
	case len(known) == 0:
		return ""
	case len(known) > maxNamed:
		return "; known are " + strings.Join(known[:maxNamed], ", ") + ", …"
	}
	return "; known are " + strings.Join(known, ", ")
}

// nearest returns the word of known that got is probably a misspelling of. Of equally near words it is the first.
func nearest(got string, known []string) (string, bool) {
	if len(got) > maxCompared {
		return "", false
	}
	plain := strings.NewReplacer("_", "-", " ", "-")
	got = plain.Replace(strings.ToLower(got))
	mistakes := min(3, max(1, (utf8.RuneCountInString(got)+1)/3)) // two letters that changed places are two
	best, least := "", mistakes+1
	for _, k := range known {
		if d := distance(got, plain.Replace(strings.ToLower(k))); d < least {
			best, least = k, d
		}
	}
	return best, best != ""
}

// distance counts edits; two letters changed over, the commonest slip of all, are one.
func distance(a, b string) int {
	if len(a) == len(b) {
		for i := range len(a) - 1 {
			if a[i] == b[i+1] && a[i+1] == b[i] && a[:i]+a[i+2:] == b[:i]+b[i+2:] {
				return 1
			}
		}
	}
	return levenshtein.ComputeDistance(a, b)
}

// quote returns a value fit to be repeated in one line.
func quote(s string) string {
	if utf8.RuneCountInString(s) > maxQuoted {
		s = string([]rune(s)[:maxQuoted]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
