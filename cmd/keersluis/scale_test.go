package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMillionNames starts with 1.35 million names of real lists, once without and once with a last good copy: the server
// is ready within 5 seconds and never holds more than 250 MiB.
func TestMillionNames(t *testing.T) {
	const ready, limit = 5 * time.Second, 250
	lists := sharedLists(t)
	web := newWeb(t)
	dir := t.TempDir()
	s, vars := web.newScript(t, dir)
	config := strings.Replace(basic, "lists:\n", "lists:\n"+
		fmt.Sprintf("  - {file: %q, category: porn}\n", filepath.Join(lists, "adult.txt"))+
		fmt.Sprintf("  - {file: %q, category: gambling}\n", filepath.Join(lists, "gambling.txt"))+
		fmt.Sprintf("  - {file: %q, category: hate}\n", filepath.Join(lists, "hate.txt"))+
		fmt.Sprintf("  - {file: %q, category: software}\n", filepath.Join(lists, "download.txt")), 1)
	config = strings.Replace(config, "file: gambling.txt", "name: own, file: gambling.txt", 1)
	if err := os.WriteFile(filepath.Join(dir, "keersluis.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.fillFiles(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	addrs := []string{vars["PROXY"], "127.0.0.1:" + vars["DNS_PORT"], vars["PORTAL"]}
	factor := 1
	if raceEnabled {
		factor = raceFactor
	}
	for _, start := range []string{"first", "second"} {
		began := time.Now()
		p, err := startServe(dir, os.Environ(), addrs, "--config", "keersluis.yaml")
		if err != nil {
			t.Fatal(err)
		}
		s.server = p
		took := time.Since(began)
		if n := metric(t, vars["PORTAL"], "keersluis_lists_entries"); n < 1_340_000 {
			t.Errorf("%s start: %d entries, want 1.35 million", start, n)
		}
		peak, err := p.peak()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s start: ready after %s, peak %d MiB", start, took.Round(time.Millisecond), peak)
		if took > ready*time.Duration(factor) {
			t.Errorf("%s start: ready after %s, want %s", start, took, ready*time.Duration(factor))
		}
		if peak > limit*factor {
			t.Errorf("%s start: peak %d MiB, want at most %d", start, peak, limit*factor)
		}
		s.server = nil
		if err := p.stop(patience); err != nil {
			t.Errorf("%s start: stop: %v", start, err)
		}
	}
}

// sharedLists returns the folder of real lists that the project shares, which are not ours to put in the repository.
func sharedLists(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("KEERSLUIS_SHARED")
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; shared == "" && at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "shared", "data", "unpack")); err == nil {
			shared = filepath.Join(at, "shared")
		}
	}
	if shared == "" {
		t.Skip("no shared data: set KEERSLUIS_SHARED")
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(shared, "data", "unpack")).Output()
	if err != nil {
		t.Fatalf("unpack the shared data: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "lists", "scale")
}
