package blocklists_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

// update is one call of a keeper's user.
type update struct {
	snap   *filter.Snapshot
	report blocklists.Report
}

// keep loads and runs k until the test ends, and returns what it tells.
func keep(t testing.TB, k *blocklists.Keeper) <-chan update {
	t.Helper()
	load(t, k)
	ctx, cancel := contextOf(t)
	updates := make(chan update, 100)
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := k.Run(ctx, func(s *filter.Snapshot, r blocklists.Report) { updates <- update{s, r} }); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wait.Wait() })
	return updates
}

// await returns the first update that is as wanted.
func await(t testing.TB, updates <-chan update, what string, wanted func(update) bool) update {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case u := <-updates:
			if wanted(u) {
				return u
			}
		case <-late:
			t.Fatalf("no update: %s", what)
		}
	}
}

// awaitHost waits for a host to be listed. How long that may take is BenchmarkChange's to say: tests share the machine.
func awaitHost(t testing.TB, updates <-chan update, host string) {
	t.Helper()
	await(t, updates, host, func(u update) bool { return holds(t, u.snap, "gambling", host, "/") })
}

func TestChangesAreLive(t *testing.T) {
	tests := []struct {
		name   string
		file   string // of the source
		before func(t *testing.T, dir string)
		change func(t *testing.T, dir string)
	}{
		{
			"saved in place", "own.txt",
			func(t *testing.T, dir string) { write(t, dir+"/own.txt", "a.example\n") },
			func(t *testing.T, dir string) { write(t, dir+"/own.txt", "new.example\n") },
		},
		{
			"saved by an editor that renames", "own.txt",
			func(t *testing.T, dir string) { write(t, dir+"/own.txt", "a.example\n") },
			func(t *testing.T, dir string) {
				must(t, os.Rename(dir+"/own.txt", dir+"/own.txt~"))
				write(t, dir+"/.own.swp", "new.example\n")
				must(t, os.Rename(dir+"/.own.swp", dir+"/own.txt"))
			},
		},
		{
			"first made later, folder and all", "deep/er/own.txt",
			func(*testing.T, string) {},
			func(t *testing.T, dir string) { write(t, dir+"/deep/er/own.txt", "new.example\n") },
		},
		{
			"a file of a folder", "ut1",
			func(t *testing.T, dir string) { write(t, dir+"/ut1/domains", "a.example\n") },
			func(t *testing.T, dir string) { write(t, dir+"/ut1/domains", "new.example\n") },
		},
		{
			"a second file in a folder", "ut1",
			func(t *testing.T, dir string) { write(t, dir+"/ut1/domains", "a.example\n") },
			func(t *testing.T, dir string) { write(t, dir+"/ut1/urls", "new.example/\n") },
		},
		{
			"a link turned to another folder", "current/own.txt",
			func(t *testing.T, dir string) {
				write(t, dir+"/v1/own.txt", "a.example\n")
				write(t, dir+"/v2/own.txt", "new.example\n")
				must(t, os.Symlink("v1", dir+"/current"))
			},
			func(t *testing.T, dir string) {
				must(t, os.Symlink("v2", dir+"/next"))
				must(t, os.Rename(dir+"/next", dir+"/current"))
			},
		},
		{
			"the file behind a link", "own.txt",
			func(t *testing.T, dir string) {
				write(t, dir+"/elsewhere/real.txt", "a.example\n")
				must(t, os.Symlink(dir+"/elsewhere/real.txt", dir+"/own.txt"))
			},
			func(t *testing.T, dir string) { write(t, dir+"/elsewhere/real.txt", "new.example\n") },
		},
		{
			"a folder thrown away and made anew", "deep/own.txt",
			func(t *testing.T, dir string) { write(t, dir+"/deep/own.txt", "a.example\n") },
			func(t *testing.T, dir string) {
				must(t, os.RemoveAll(dir+"/deep"))
				write(t, dir+"/deep/own.txt", "new.example\n")
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test.before(t, dir)
			k := newKeeper(t, t.TempDir(), blocklists.Source{File: dir + "/" + test.file, Category: "gambling"})
			updates := keep(t, k)
			k.Reload() // the answer to it says that the watch is set
			await(t, updates, "reload", func(update) bool { return true })
			test.change(t, dir)
			awaitHost(t, updates, "new.example")
		})
	}
}

// Between Load and Run nobody watches: what changes then must be found nevertheless.
func TestChangeBeforeRun(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/own.txt", "a.example\n")
	k := newKeeper(t, t.TempDir(), blocklists.Source{File: dir + "/own.txt", Category: "gambling"})
	load(t, k)
	write(t, dir+"/own.txt", "b.example\n")
	ctx, cancel := contextOf(t)
	defer cancel()
	found := false
	err := k.Run(ctx, func(s *filter.Snapshot, _ blocklists.Report) {
		found = holds(t, s, "gambling", "b.example", "/")
		cancel()
	})
	if err != nil || !found {
		t.Errorf("found %t, %v", found, err)
	}
}

func TestBreakingAndMendingWhileRunning(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/own.txt", "a.example\n")
	write(t, dir+"/other.txt", "c.example\n")
	updates := keep(t, newKeeper(t, t.TempDir(),
		blocklists.Source{File: dir + "/own.txt", Category: "gambling"},
		blocklists.Source{File: dir + "/other.txt", Category: "gambling"}))

	write(t, dir+"/own.txt", "")
	u := await(t, updates, "last-good", func(u update) bool { // perhaps after a look that fell in the middle of the writing
		s := status(t, u.report, "own.txt")
		return s.State == blocklists.LastGood && strings.Contains(s.Err.Error(), "is empty")
	})
	if !holds(t, u.snap, "gambling", "a.example", "/") {
		t.Error("the last good copy is not in force")
	}

	write(t, dir+"/own.txt", "b.example\n")
	u = await(t, updates, "mended", func(u update) bool { return status(t, u.report, "own.txt").State == blocklists.OK })
	if !holds(t, u.snap, "gambling", "b.example", "/") || !holds(t, u.snap, "gambling", "c.example", "/") {
		t.Error("mended: not both lists are in force")
	}

	// A bad line costs the line alone.
	write(t, dir+"/own.txt", "b.example\n&&&\nd.example\n")
	u = await(t, updates, "bad line", func(u update) bool { return status(t, u.report, "own.txt").Complained == 1 })
	s := status(t, u.report, "own.txt")
	if s.State != blocklists.OK || s.Entries != 2 || s.Complaints[0].Line != 2 || s.Complaints[0].List != "own.txt" {
		t.Errorf("bad line: %+v", s)
	}
}

func TestReloadsCoalesce(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	for range 100 {
		k.Reload()
	}
	updates := keep(t, k)
	await(t, updates, "reload", func(update) bool { return true })
	k.Reload()
	await(t, updates, "second reload", func(update) bool { return true })
	if n := len(updates); n != 0 {
		t.Errorf("%d more updates, want none", n)
	}
}

func TestRunNeedsLoad(t *testing.T) {
	if err := newKeeper(t, t.TempDir()).Run(t.Context(), func(*filter.Snapshot, blocklists.Report) {}); err == nil {
		t.Error("no error")
	}
}

// Copies that vanish while the keeper runs are made anew from their sources.
func TestVanishedCopy(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/own.txt", "a.example\n")
	write(t, dir+"/other.txt", "b.example\n")
	updates := keep(t, newKeeper(t, dir+"/copies",
		blocklists.Source{File: dir + "/own.txt", Category: "gambling"},
		blocklists.Source{File: dir + "/other.txt", Category: "gambling"}))
	for name := range copies(t, dir+"/copies") {
		must(t, os.Remove(dir+"/copies/"+name))
	}
	write(t, dir+"/other.txt", "c.example\n")
	u := await(t, updates, "other", func(u update) bool { return holds(t, u.snap, "gambling", "c.example", "/") })
	if !holds(t, u.snap, "gambling", "a.example", "/") || len(u.report.Errors()) != 0 {
		t.Errorf("own.txt was not read again: %v", u.report.Errors())
	}
}

// Another process may put a newer copy on the shelf, and take the old away.
func TestCopyReplacedByAnother(t *testing.T) {
	dir := t.TempDir()
	sources := []blocklists.Source{
		{File: dir + "/own.txt", Category: "gambling"}, {File: dir + "/other.txt", Category: "gambling"},
	}
	write(t, dir+"/own.txt", "a.example\n")
	write(t, dir+"/other.txt", "b.example\n")
	k := newKeeper(t, dir+"/copies", sources...)
	load(t, k)

	write(t, dir+"/own.txt", "new.example\n")
	load(t, newKeeper(t, dir+"/copies", sources...))
	must(t, os.Remove(dir+"/own.txt"))
	write(t, dir+"/other.txt", "c.example\n")

	ctx, cancel := contextOf(t)
	defer cancel()
	var last update
	err := k.Run(ctx, func(s *filter.Snapshot, r blocklists.Report) { last = update{s, r}; cancel() })
	if err != nil || last.snap == nil {
		t.Fatalf("Run: %v", err)
	}
	if s := status(t, last.report, "own.txt"); s.State != blocklists.LastGood || !holds(t, last.snap, "gambling", "new.example", "/") {
		t.Errorf("own.txt: %v, %v; want the copy of the other keeper", s.State, s.Err)
	}
}
