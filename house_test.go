// Package keersluis_test holds the rules of the house: which package may import which, and who alone may use what.
//
// The sources are parsed in this process: a child process such as go list would fool the test cache.
package keersluis_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/keersluis/keersluis"

// floors says, for each package, which packages of ours it may import. Imports go down only.
var floors = map[string][]string{
	"filter":         {},
	"filter/content": {},
	"logging":        {},
	"yamlfile":       {},

	"gate":       {"filter", "logging"},
	"identity":   {"filter"},
	"blocklists": {"filter"},
	"policy":     {"filter", "filter/content", "logging", "yamlfile"},

	"proxy/ca":            {"filter"},
	"proxy/page":          {"filter"},
	"proxy/page/pagetest": {}, // what tests of pages share, as httptest is
	"proxy":               {"filter", "filter/content", "gate", "identity", "proxy/ca", "proxy/page"},
	"resolver":            {"filter", "gate", "identity"},
	"audit":               {"logging", "policy"},

	"portal": {"audit", "blocklists", "filter", "gate", "policy", "proxy/page"}, // one visual language: proxy/page has the layout

	"cmd/keersluis": {
		"audit", "blocklists", "filter", "filter/content", "gate", "identity", "logging", "policy", "portal", "proxy",
		"proxy/ca", "proxy/page", "resolver", "yamlfile",
	},
	".": {},
}

// only names the packages that alone may import a library, with the reason.
var only = map[string]struct {
	may    []string
	reason string
}{
	"github.com/elazarl/goproxy": {[]string{"proxy"}, "its defaults are unsafe; nothing else may see it"},
	"github.com/miekg/dns":       {[]string{"resolver"}, "in maintenance; must be replaceable"},
	"go.etcd.io/bbolt":           {[]string{"logging"}, "one owner of the store"},
	"github.com/spf13/cobra":     {[]string{"cmd/keersluis"}, "flags belong to the command"},
	"github.com/goccy/go-yaml":   {[]string{"yamlfile"}, "YAML is read strictly or not at all"},
}

// banned names what a package may not import directly, with the reason.
var banned = map[string]map[string]string{
	"filter": {
		"os": "pure: no I/O", "net": "pure: no I/O", "net/http": "pure: no I/O", "io": "pure: no I/O", "time/tzdata": "no clock",
		"go.uber.org/zap": "pure: no logger", "sync": "no goroutine", "context": "nothing blocks",
	},
	"filter/content": {"os": "pure: no I/O", "net": "pure: no I/O", "net/http": "pure: no I/O", "go.uber.org/zap": "pure: no logger"},
}

func TestFloors(t *testing.T) {
	seen := map[string]bool{}
	walk(t, func(dir, file string, imports []string) {
		if strings.HasSuffix(file, "_test.go") {
			return // tests may reach across: they stand in for a neighbour
		}
		allowed, ok := floors[dir]
		if !ok {
			t.Errorf("%s: package %s has no floor: add it to the table with what it may import", file, dir)
			return
		}
		seen[dir] = true
		for _, imported := range imports {
			if ours, ok := strings.CutPrefix(imported, module+"/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s: %s may not import %s", file, dir, ours)
			}
			for library, rule := range only {
				if (imported == library || strings.HasPrefix(imported, library+"/")) && !slices.Contains(rule.may, dir) {
					t.Errorf("%s: only %v may import %s: %s", file, rule.may, library, rule.reason)
				}
			}
			if reason, ok := banned[dir][imported]; ok {
				t.Errorf("%s: %s may not import %s: %s", file, dir, imported, reason)
			}
		}
	})
	for dir := range floors {
		if !seen[dir] && dir != "." {
			t.Errorf("the table has a floor for %s, which has no code", dir)
		}
	}
}

// The words that say nothing about what is inside.
func TestNoPackageIsADrawer(t *testing.T) {
	drawers := []string{"internal", "pkg", "util", "utils", "common", "types", "errors", "models", "helpers", "config"}
	walk(t, func(dir, file string, _ []string) {
		for _, part := range strings.Split(dir, "/") {
			if slices.Contains(drawers, part) {
				t.Errorf("%s: a package named %s", file, part)
			}
		}
	})
}

// walk calls f for each Go file of the module, with its folder and its imports.
func walk(t *testing.T, f func(dir, file string, imports []string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"testdata", "tools", "bench", "node_modules"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, name)
		}
		f(path.Clean(filepath.ToSlash(filepath.Dir(file))), file, imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
