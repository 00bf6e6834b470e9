package keersluis_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every command that README.md and the operator's manual show exists, with the flags they give it, and every file they
// point at is there.
func TestREADME(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "keersluis")
	if out, err := exec.Command("go", "build", "-o", binary, "./cmd/keersluis").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	shown := regexp.MustCompile("(?m)(?:^|`)(?:go run ./cmd/)?keersluis ([a-z][^`#\n]*)")
	link := regexp.MustCompile(`\]\(([^):]+)\)`)
	for _, file := range []string{"README.md", "docs/operator.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		commands := 0
		for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
			commands++
			args := append(strings.Fields(m[1]), "--help") // read after the other flags: those must exist
			if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
				t.Errorf("%s: keersluis %s: %v\n%s", file, m[1], err, out)
			}
		}
		if commands == 0 {
			t.Errorf("%s shows no command", file)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s points at %s, which is not there", file, m[1])
			}
		}
	}
}
