package content

import (
	"slices"
	"strings"
	"testing"
)

// TestTables holds that no row of a table hides another, and that lookups can find every row.
func TestTables(t *testing.T) {
	seen := map[string]Kind{}
	for _, row := range extensionRows {
		for name := range strings.FieldsSeq(row.names) {
			if k, ok := seen[name]; ok {
				t.Errorf("extension %s is %s and %s", name, k, row.kind)
			}
			if e, ok := extensionOf("x." + name); !ok || e.kind != row.kind || name != strings.ToLower(name) || len(name) > maxExtension {
				t.Errorf("extension %s is not found: %v", name, e)
			}
			seen[name] = row.kind
		}
		if row.source == "" || !slices.Contains(kinds[:software], row.kind) {
			t.Errorf("extensions %q: no source, or no software", row.names)
		}
	}
	for name := range strings.FieldsSeq(domains) {
		if _, ok := extensions[name]; !ok {
			t.Errorf("domain %s is no extension", name)
		}
	}
	clear(seen)
	for _, row := range typeRows {
		for name := range strings.FieldsSeq(row.names) {
			if k, ok := seen[name]; ok {
				t.Errorf("type %s is %s and %s", name, k, row.kind)
			}
			if got := kindOfType(mediaType(strings.ReplaceAll(name, "*", "x") + "; q=1")); got != row.kind && !strings.Contains(name, "*") {
				t.Errorf("type %s is %q, want %s", name, got, row.kind)
			}
			seen[name] = row.kind
		}
		if row.source == "" || !slices.Contains(kinds[:], row.kind) {
			t.Errorf("types %q: no source, or no kind", row.names)
		}
	}
	for _, s := range signatureRows {
		if len(s.magic) < 2 || !slices.Contains(kinds[:], s.kind) {
			t.Errorf("signature %q: too short, or no kind", s.magic)
		}
	}
}
