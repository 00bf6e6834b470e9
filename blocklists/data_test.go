package blocklists_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// unpack lays the shared data out once and returns where, or why not.
var unpack = sync.OnceValues(func() (dir, missing string) {
	shared := os.Getenv("KEERSLUIS_SHARED")
	if shared == "" {
		at, err := os.Getwd()
		if err != nil {
			return "", err.Error()
		}
		for ; shared == "" && at != "/"; at = filepath.Dir(at) {
			if _, err := os.Stat(filepath.Join(at, "shared", "data", "unpack")); err == nil {
				shared = filepath.Join(at, "shared")
			}
		}
	}
	if shared == "" {
		return "", "no shared data: set KEERSLUIS_SHARED"
	}
	out, err := exec.Command(filepath.Join(shared, "data", "unpack")).Output()
	if err != nil {
		return "", "unpack shared data: " + err.Error()
	}
	return strings.TrimSpace(string(out)), ""
})

// dataFile returns the path of something in the shared data; without them the test is skipped.
func dataFile(t testing.TB, name string) string {
	t.Helper()
	dir, missing := unpack()
	if missing != "" {
		t.Skip(missing)
	}
	return filepath.Join(dir, name)
}
