package blocklists

import (
	"bytes"
	"embed"
	"path"
	"slices"
	"strings"

	"github.com/keersluis/keersluis/filter"
)

//go:embed starter/*.txt
var starterFiles embed.FS

// starter is one embedded list.
type starter struct {
	name     string // "starter/porn.txt"
	category filter.Category
	text     []byte
}

// starters returns the embedded lists in the order of their names. The file's name is the category.
func starters() []starter {
	entries, err := starterFiles.ReadDir("starter")
	if err != nil {
		return nil // the folder is embedded: a test holds that it isn't empty
	}
	lists := make([]starter, 0, len(entries))
	for _, e := range entries {
		name := path.Join("starter", e.Name())
		text, err := starterFiles.ReadFile(name)
		if err != nil {
			continue
		}
		lists = append(lists, starter{name, filter.Category(strings.TrimSuffix(e.Name(), ".txt")), text})
	}
	return slices.Clip(lists)
}

// Starters returns the embedded lists: curated, small, one a category. A [Keeper] loads them by itself.
func Starters() []filter.List {
	var lists []filter.List
	for _, s := range starters() {
		lists = append(lists, filter.List{Name: s.name, Category: s.category, Entries: s.entries(&tally{})})
	}
	return lists
}

func (s starter) entries(t *tally) func(func(filter.Entry) bool) {
	return func(yield func(filter.Entry) bool) {
		t.reset()
		t.err = Parse(bytes.NewReader(s.text), Domains, t.count(yield), t.complain(s.name))
	}
}
