package content_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/filter/content"
)

// sample is a file of the shared corpus.
type sample struct {
	class, kind, mime, name string
	body                    []byte
}

// corpus returns the files of the shared corpus.
func corpus(t testing.TB) []sample {
	t.Helper()
	dir := shared(t)
	out, err := exec.Command(filepath.Join(dir, "data", "unpack")).Output()
	if err != nil {
		t.Fatalf("unpack the shared data: %v", err)
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "corpus")
	manifest, err := os.ReadFile(filepath.Join(root, "manifest.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var samples []sample
	for line := range strings.Lines(string(manifest)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if f[0] == "path" {
			continue
		}
		body, err := os.ReadFile(filepath.Join(root, f[0]))
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, sample{f[1], f[2], f[3], filepath.Base(f[0]), body})
	}
	return samples
}

// shared returns the folder of shared data: KEERSLUIS_SHARED, or the first one found on the way up.
func shared(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("KEERSLUIS_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if s := filepath.Join(dir, "shared"); exists(filepath.Join(s, "data", "unpack")) {
			return s
		}
	}
	t.Skip("the shared data is not here: set KEERSLUIS_SHARED")
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// judge feeds body in pieces of n bytes, all at once for 0.
func judge(e content.Evidence, body []byte, n int) content.Result {
	j := content.NewJudge(e)
	if n <= 0 {
		n = max(len(body), 1)
	}
	for piece := range slices.Chunk(body, n) {
		if !j.Need() {
			break
		}
		j.Write(piece)
	}
	return j.Finish()
}

// must are the kinds of the corpus that are recognised whatever they are called, by prefix: those of the issue, and what
// else is seen at the start of a file. The others of class bad need their name or type, or what lies deeper.
var must = []string{
	"pe", "exe", "elf", "mach-o", "macho", "msi", "shell", "jar", "apk", "xapk", "deb", "rpm", "dmg", "iso", "udf",
}

// deep are the kinds of the corpus that no first 64 KiB and no name give away.
var deep = []string{
	"pdf-", "poly-", "jpeg-with", "rtf-ole", "html-smuggling", "svg-s", "archive-7z", "archive-pw.7z", "archive-zip-in.7z",
	"archive-vol.7z.001", "archive-tar.", "zip-rar-exe", "zip-exe-last", "decompression-bomb", "xsl-script",
}

func hasPrefix(list []string, s string) bool {
	return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(s, p) })
}

func TestCorpusAsPublished(t *testing.T) {
	for _, s := range corpus(t) {
		e := content.Evidence{URLPath: "/dl/" + url.PathEscape(s.name), Type: []string{s.mime}}
		if s.mime == "" {
			e.Type = nil
		}
		check(t, s, e, "")
	}
}

func TestCorpusAsAttachment(t *testing.T) {
	for _, s := range corpus(t) {
		if slices.Contains([]string{"js", "mjs", "js-blob-download"}, s.kind) {
			continue // a script of a page, saved as a file, is a script
		}
		check(t, s, content.Evidence{
			URLPath:     "/download",
			Query:       "id=12",
			Disposition: []string{`attachment; filename="` + s.name + `"`},
			Type:        []string{"application/octet-stream"},
		}, "")
	}
}

func TestCorpusLying(t *testing.T) {
	for _, s := range corpus(t) {
		for _, mime := range []string{"text/plain", "image/png", "text/html", "application/json", "video/mp4", "application/pdf", ""} {
			e := content.Evidence{URLPath: "/notes.txt", Type: []string{mime}}
			got := judge(e, s.body, 0)
			if s.class == "good" && got.Kind.Software() && s.kind != "md-with-shebang" {
				t.Errorf("%s (%s) as %q = %v, want no software", s.name, s.kind, mime, got)
			}
			if s.class == "bad" && hasPrefix(must, s.kind) && !got.Kind.Software() {
				t.Errorf("%s (%s) as %q = %v, want software", s.name, s.kind, mime, got)
			}
		}
	}
}

// TestCorpusLyingAboutType has the true names in the URL, and a type that a browser would show.
func TestCorpusLyingAboutType(t *testing.T) {
	for _, s := range corpus(t) {
		for _, mime := range []string{"text/html", "text/plain", "image/png", "application/octet-stream"} {
			if mime == "text/html" && s.kind == "hta" || s.kind == "md-with-shebang" {
				continue // such an HTML is a page, and a script above a text is a text when the type agrees
			}
			check(t, s, content.Evidence{URLPath: "/dl/" + url.PathEscape(s.name), Type: []string{mime}}, " as "+mime)
		}
	}
}

func check(t *testing.T, s sample, e content.Evidence, note string) {
	t.Helper()
	got := judge(e, s.body, 0)
	switch {
	case s.class == "good" && got.Kind.Software():
		t.Errorf("%s (%s, %s)%s = %v, want no software", s.name, s.kind, s.mime, note, got)
	case s.class == "bad" && !got.Kind.Software() && !hasPrefix(deep, s.kind):
		t.Errorf("%s (%s, %s)%s = %v, want software", s.name, s.kind, s.mime, note, got)
	case s.class == "bad" && !got.Kind.Software():
		t.Logf("not seen: %s (%s) = %v", s.name, s.kind, got)
	}
}
