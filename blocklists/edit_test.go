package blocklists_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

func hostOf(t testing.TB, s string) filter.Host {
	t.Helper()
	h, err := filter.ParseHost(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func contents(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// owner returns the user and the group of a file.
func owner(t testing.TB, path string) [2]uint32 {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return [2]uint32{stat.Uid, stat.Gid}
}

func note() blocklists.Note {
	return blocklists.Note{Day: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), By: "beheer", Ticket: "I2026-7", Reason: "asked for"}
}

const noted = "# added 2026-11-22 by beheer ticket I2026-7: asked for"

func TestAddEntry(t *testing.T) {
	tests := []struct {
		name, text, host string
		format           blocklists.Format
		want             string // the file; the text as it was when err
		line             int
		err              string
	}{
		{"at the end", "# mine\na.example\n", "b.example", blocklists.Auto, "# mine\na.example\n" + noted + "\nb.example\n", 4, ""},
		{"no newline at the end", "a.example", "b.example", blocklists.Auto, "a.example\n" + noted + "\nb.example\n", 3, ""},
		{"an empty file", "", "b.example", blocklists.Auto, noted + "\nb.example\n", 2, ""},
		{"lines of Windows", "a.example\r\n", "b.example", blocklists.Auto, "a.example\r\n" + noted + "\r\nb.example\r\n", 3, ""},
		{"a byte order mark", "\ufeffa.example\n", "b.example", blocklists.Auto, "\ufeffa.example\n" + noted + "\nb.example\n", 3, ""},
		{"a hosts file", "0.0.0.0 a.example\n", "b.example", blocklists.Auto, "0.0.0.0 a.example\n" + noted + "\n0.0.0.0 b.example\n", 3, ""},
		{"a format that is set", "# new\n", "b.example", blocklists.Hosts, "# new\n" + noted + "\n0.0.0.0 b.example\n", 3, ""},
		{"a format that is left out", "0.0.0.0 a.example\n", "b.example", "", "0.0.0.0 a.example\n" + noted + "\n0.0.0.0 b.example\n", 3, ""},
		{"an Adblock list", "||a.example^\n", "b.example", "", "||a.example^\n" + noted + "\n||b.example^\n", 3, ""},
		{"only the name itself is there", "x.example\nfull:a.example\n", "a.example", "", "x.example\nfull:a.example\n" + noted + "\na.example\n", 4, ""},
		{"a bad line stays", "not a name\na.example\n", "b.example", blocklists.Domains, "not a name\na.example\n" + noted + "\nb.example\n", 4, ""},
		{"an international name", "a.example\n", "Café.example", blocklists.Auto, "a.example\n" + noted + "\nxn--caf-dma.example\n", 3, ""},
		{"an address", "a.example\n", "192.0.2.7", blocklists.Auto, "a.example\n" + noted + "\n192.0.2.7\n", 3, ""},
		{"a name above one that is there", "www.a.example\n", "a.example", blocklists.Auto, "www.a.example\n" + noted + "\na.example\n", 3, ""},

		{"there already", "x.example\nA.example. # here\n", "a.example", blocklists.Auto, "", 0, "there already, on line 2"},
		{"covered already", "a.example\n", "www.a.example", blocklists.Auto, "", 0, "covered already by a.example on line 1"},
		{"a public suffix", "a.example\n", "co.uk", blocklists.Auto, "", 0, "public suffix"},
		{"UTF-16", "\xff\xfea\x00.\x00b\x00c\x00\n\x00", "b.example", blocklists.Auto, "", 0, "by hand"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "list.txt")
			write(t, path, test.text)
			got, err := blocklists.AddEntry(path, test.format, hostOf(t, test.host), note())
			text := contents(t, path)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || text != test.text {
					t.Errorf("AddEntry = %v, want %q; the file holds %q", err, test.err, text)
				}
				return
			}
			if err != nil || text != test.want || got.Line != test.line || got.Comment != noted {
				t.Errorf("AddEntry = %+v, %v, want line %d; the file holds %q, want %q", got, err, test.line, text, test.want)
			}
		})
	}
}

func TestAddEntryNotes(t *testing.T) {
	day := note().Day
	tests := []struct {
		note      blocklists.Note
		want, err string
	}{
		{blocklists.Note{Day: day, By: "jan"}, "# added 2026-11-22 by jan", ""},
		{blocklists.Note{Day: day, By: "jan", Reason: "een reden: goed"}, "# added 2026-11-22 by jan: een reden: goed", ""},
		{blocklists.Note{Day: day, By: "jan", Ticket: "T1"}, "# added 2026-11-22 by jan ticket T1", ""},
		{blocklists.Note{Day: day, By: "jan", Reason: "x\nevil.example"}, "", "reason must be one line"},
		{blocklists.Note{Day: day, By: "jan", Ticket: "T1\revil.example"}, "", "ticket must be one line"},
		{blocklists.Note{Day: day, By: "jan", Reason: strings.Repeat("x", 501)}, "", "500 bytes"},
		{blocklists.Note{Day: day, By: "jan jansen"}, "", "one word"},
		{blocklists.Note{Day: day}, "", "one word"},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "list.txt")
		write(t, path, "a.example\n")
		got, err := blocklists.AddEntry(path, blocklists.Auto, hostOf(t, "b.example"), test.note)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("AddEntry with %+v = %v, want %q", test.note, err, test.err)
			}
			continue
		}
		if err != nil || got.Comment != test.want {
			t.Errorf("AddEntry with %+v = %q, %v, want %q", test.note, got.Comment, err, test.want)
		}
	}
}

func TestRemoveEntry(t *testing.T) {
	tests := []struct {
		name, text, host, want string
		line                   int
		comment, err           string
	}{
		{"a line", "# mine\na.example\nb.example\n", "a.example", "# mine\nb.example\n", 2, "", ""},
		{"with its note", "b.example\n" + noted + "\na.example\n", "a.example", "b.example\n", 3, noted, ""},
		{"another comment stays", "b.example\n# keep\na.example\n", "a.example", "b.example\n# keep\n", 3, "", ""},
		{"a comment behind it goes", "b.example\na.example # why\n", "a.example", "b.example\n", 2, "", ""},
		{"every spelling", "A.example\nb.example\n*.a.example\n", "a.example", "b.example\n", 1, "", ""},
		{"the last line without newline", "b.example\na.example", "a.example", "b.example\n", 2, "", ""},
		{"of a hosts line", "0.0.0.0 a.example\tb.example c.example # x\n", "b.example", "0.0.0.0 a.example c.example # x\n", 1, "", ""},
		{"the whole hosts line", "0.0.0.0 b.example\n0.0.0.0 a.example\n", "a.example", "0.0.0.0 b.example\n", 2, "", ""},
		{"of an Adblock list", "||a.example^$important\n||b.example^\n", "a.example", "||b.example^\n", 1, "", ""},
		{"a name below stays", "www.a.example\na.example\n", "a.example", "www.a.example\n", 2, "", ""},

		{"not there", "b.example\n", "a.example", "", 0, "", "a.example is not there"},
		{"a name above it is there", "b.example\na.example\n", "www.a.example", "", 0, "", "a.example on line 2 covers it"},
		{"the last entry", "# mine\na.example\n", "a.example", "", 0, "", "last entry"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "list.txt")
			write(t, path, test.text)
			got, err := blocklists.RemoveEntry(path, blocklists.Auto, hostOf(t, test.host))
			text := contents(t, path)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || text != test.text {
					t.Errorf("RemoveEntry = %v, want %q; the file holds %q", err, test.err, text)
				}
				return
			}
			if err != nil || text != test.want || got.Line != test.line || got.Comment != test.comment {
				t.Errorf("RemoveEntry = %+v, %v, want line %d, %q; the file holds %q, want %q", got, err, test.line, test.comment, text, test.want)
			}
		})
	}
}

// The file behind a link is replaced and keeps its mode, and nothing is left beside it.
func TestEditKeepsTheFile(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.txt"), filepath.Join(dir, "link.txt")
	write(t, real, "a.example\n")
	if err := os.Chmod(real, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.txt", link); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // else there is only one owner that a test can give it
		if err := os.Chown(real, 1234, 4321); err != nil {
			t.Fatal(err)
		}
	}
	before := owner(t, real)
	if _, err := blocklists.AddEntry(link, blocklists.Auto, hostOf(t, "b.example"), note()); err != nil {
		t.Fatal(err)
	}
	if got := owner(t, real); got != before {
		t.Errorf("the file is of %v, was of %v", got, before)
	}
	if _, err := blocklists.AddEntry(link, blocklists.Auto, hostOf(t, "a.example"), note()); err == nil {
		t.Error("a name was added twice")
	}
	info, err := os.Lstat(real)
	if err != nil || info.Mode() != 0o640 || !strings.Contains(contents(t, real), "\nb.example\n") {
		t.Errorf("the file is %v, %v", info, err)
	}
	if target, err := os.Readlink(link); err != nil || target != "real.txt" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if _, err := blocklists.AddEntry(dir, blocklists.Auto, hostOf(t, "b.example"), note()); err == nil {
		t.Error("a folder was edited")
	}
}

// Edits at the same moment all arrive.
func TestEditTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	write(t, path, "a.example\n")
	errs := make(chan error)
	const edits = 8
	for i := range edits {
		host := hostOf(t, string(rune('b'+i))+".example")
		go func() {
			_, err := blocklists.AddEntry(path, blocklists.Auto, host, note())
			errs <- err
		}()
	}
	for range edits {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := strings.Count(contents(t, path), "\n"); got != 1+2*edits {
		t.Errorf("the file has %d lines, want %d", got, 1+2*edits)
	}
}

// Whatever the file holds: what is added and removed again leaves every byte as it was, save a newline at the end.
func FuzzEdit(f *testing.F) {
	for _, text := range []string{"", "a.example\n", "0.0.0.0 a.example b.example", "\ufeffa.example\r\n", "||a.example^\n", "\x1f\x8b", "\xff\xfea\x00"} {
		f.Add([]byte(text))
	}
	host, err := filter.ParseHost("added.example")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "list.txt")
		write(t, path, string(text))
		if _, err := blocklists.AddEntry(path, blocklists.Auto, host, note()); err != nil {
			if got := contents(t, path); got != string(text) {
				t.Fatalf("refused, and yet the file became %q", got)
			}
			return
		}
		if !strings.HasPrefix(contents(t, path), string(text)) {
			t.Fatalf("the text before became %q", contents(t, path))
		}
		if _, err := blocklists.RemoveEntry(path, blocklists.Auto, host); err != nil {
			if !strings.Contains(err.Error(), "last entry") {
				t.Fatalf("what was added can't be removed: %v", err)
			}
			return
		}
		if got := []byte(contents(t, path)); !bytes.Equal(bytes.TrimRight(got, "\r\n"), bytes.TrimRight(text, "\r\n")) {
			t.Fatalf("after adding and removing the file holds %q", got)
		}
	})
}
