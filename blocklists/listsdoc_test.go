package blocklists_test

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

var writeDocs = flag.Bool("update", false, "write docs/lists.md anew")

const listsHead = `# What comes of real lists

Written by ` + "`go test ./blocklists -run TestRealListsInDocs -update`" + ` from the collection of lists that the tests use, each as it was
published and in the format that is told from its content. A folder of small files is one row. Names are each counted
once a list; the other lines are left out, for the reasons given. Not in force is a list of which more than 5 % of the lines can't
be used, without those that have a query: in a running server the copy that was good before stays.

| List | Names | Lines left out | Why |
|---|--:|--:|---|
`

// outcome is what a list, or a folder of small ones, came to.
type outcome struct {
	files, names, lines int
	reasons             map[string]int
}

func (o *outcome) refuse(reason string, n int) {
	o.reasons[reason] += n
	o.lines += n
}

var moreLines = regexp.MustCompile(`^and (\d+) more lines`)

// readWhole adds what the file at path comes to.
func (o *outcome) readWhole(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	o.files++

	snap, refused, err := filter.Compile(filter.List{Name: "list", Category: "test", Entries: func(yield func(filter.Entry) bool) {
		err := blocklists.Parse(f, blocklists.Auto, yield, func(c filter.Complaint) { o.refuse(c.Reason, 1) })
		if err != nil {
			o.reasons["the whole file: "+err.Error()]++
		}
	}})
	must(t, err)
	o.names += snap.Len()
	for _, c := range refused {
		if more := moreLines.FindStringSubmatch(c.Reason); more != nil {
			n, err := strconv.Atoi(more[1])
			must(t, err)
			o.refuse("more that the compiler refuses", n)
			continue
		}
		o.refuse(c.Reason, 1)
	}
}

// row is a line of the table. A list that the product would not take says so in its last column.
func (o *outcome) row(name string, refused bool) string {
	why := slices.SortedFunc(maps.Keys(o.reasons), func(a, b string) int {
		return cmp.Or(o.reasons[b]-o.reasons[a], strings.Compare(a, b))
	})
	for i, reason := range why {
		why[i] = fmt.Sprintf("%d: %s", o.reasons[reason], strings.ReplaceAll(reason, "|", `\|`))
	}
	if refused {
		why = slices.Insert(why, 0, "**not in force**")
	}
	if o.files > 1 {
		name = fmt.Sprintf("%s (%d files)", name, o.files)
	}
	return fmt.Sprintf("| %s | %d | %d | %s |\n", name, o.names, o.lines, strings.Join(why, "; "))
}

// isRealList tells the lists of the collection from what goes with them: licences, rankings of good names, traffic.
func isRealList(name string) bool {
	folder, _, _ := strings.Cut(name, "/")
	base := filepath.Base(name)
	switch {
	case slices.Contains([]string{"top", "traffic", "tb0hdan", "traps", "feeds", "INDEX.tsv"}, folder):
		return false
	case strings.HasPrefix(base, "LICENSE"), strings.HasPrefix(base, "README"), base == "SOURCE.txt", base == "COPYING":
		return false
	case base == "extracted-domains.txt": // nobody publishes it
		return false
	case folder == "ut1":
		return base == "domains" || base == "urls"
	}
	return true
}

// rowOf returns the row that a file counts in.
func rowOf(name string) string {
	for _, folder := range []string{"v2fly", "nextdns-services", "nextdns-piracy", "nextdns-metadata"} {
		if strings.HasPrefix(name, folder+"/") {
			return folder
		}
	}
	return name
}

func TestRealListsInDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("three million names")
	}
	root := dataFile(t, "lists/raw")
	outcomes := map[string]*outcome{}
	var sources []blocklists.Source
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if info, _ := d.Info(); err != nil || !isRealList(name) || info == nil || info.Size() == 0 {
			return err
		}
		row := rowOf(name)
		if outcomes[row] == nil {
			outcomes[row] = &outcome{reasons: map[string]int{}}
		}
		outcomes[row].readWhole(t, path)
		if row == name && outcomes[row].lines*20 >= outcomes[row].names { // others come in force
			sources = append(sources, blocklists.Source{Name: name, File: path, Category: "test"})
		}
		return nil
	}))
	_, report := load(t, newKeeper(t, t.TempDir(), sources...))
	var text strings.Builder
	text.WriteString(listsHead)
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		o := outcomes[name]
		text.WriteString(o.row(name, slices.ContainsFunc(report.Sources, func(s blocklists.Status) bool {
			return s.Name == name && s.State != blocklists.OK
		})))
	}
	const doc = "../docs/lists.md"
	if *writeDocs {
		must(t, os.WriteFile(doc, []byte(text.String()), 0o644))
	}
	have, err := os.ReadFile(doc)
	must(t, err)
	if string(have) != text.String() {
		t.Errorf("docs/lists.md is not what the lists come to: go test ./blocklists -run TestRealListsInDocs -update")
	}
}
