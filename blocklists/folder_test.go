package blocklists_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keersluis/keersluis/blocklists"
)

// A UT1 folder of which one file is emptied or gone, as while it is unpacked anew, keeps what was good.
func TestFolderThatLosesAPart(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"emptied": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			folder, shelf := t.TempDir(), t.TempDir()
			for file, text := range map[string]string{"domains": "adult.example\n", "urls": "mixed.example/adult\n"} {
				if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			load := func() blocklists.Status {
				t.Helper()
				source := blocklists.Source{Name: "adult", Category: "porn", Format: blocklists.UT1, File: folder}
				keeper, err := blocklists.New(shelf, []blocklists.Source{source}, blocklists.Options{Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				_, report, err := keeper.Load(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return report.Sources[len(report.Sources)-1]
			}
			if s := load(); s.State != blocklists.OK || s.Entries != 2 {
				t.Fatalf("at first: %s, %d entries, %v", s.State, s.Entries, s.Err)
			}
			if err := lose(filepath.Join(folder, "domains")); err != nil {
				t.Fatal(err)
			}
			if s := load(); s.State != blocklists.LastGood || s.Entries != 2 || s.Err == nil {
				t.Errorf("after: %s, %d entries, %v; want last-good, 2 and an error", s.State, s.Entries, s.Err)
			}
		})
	}
}
