package content_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"testing"

	"github.com/keersluis/keersluis/filter/content"
)

// zipOf returns a ZIP file with stored entries of the names.
func zipOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if len(name) == 0 || name[len(name)-1] != '/' {
			if _, err := f.Write([]byte("text")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarOf returns a tar file with entries of the names.
func tarOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: 4}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("text")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchives(t *testing.T) {
	long := string(bytes.Repeat([]byte("long/"), 40))
	tests := []struct {
		name string
		body []byte
		want content.Kind
	}{
		{"documents", zipOf(t, "a.pdf", "b/c.docx"), content.Archive},
		{"saved site", zipOf(t, "www.example.com/", "www.example.com/index.html", "www.example.com/app.js"), content.Archive},
		{"program", zipOf(t, "readme.txt", "bin/setup.EXE"), content.Bundle},
		{"program behind a backslash", zipOf(t, `bin\setup.exe`), content.Bundle},
		{"JAR", zipOf(t, "META-INF/", "META-INF/MANIFEST.MF", "A.class"), content.Package},
		{"APK", zipOf(t, "res/a.png", "AndroidManifest.xml"), content.Package},
		{"MSIX", zipOf(t, "[Content_Types].xml", "AppxManifest.xml"), content.Installer},
		{"NuGet", zipOf(t, "[Content_Types].xml", "a.nuspec"), content.Package},
		{"Word", zipOf(t, "[Content_Types].xml", "word/document.xml"), content.Document},
		{"Word with macros", zipOf(t, "[Content_Types].xml", "word/vbaProject.bin"), content.Macro},
		{"application for a Mac", zipOf(t, "A.app/Contents/MacOS/A"), content.Bundle},
		{"tar of documents", tarOf(t, "a.pdf"), content.Archive},
		{"tar of a program", tarOf(t, "a.pdf", "setup.exe"), content.Bundle},
		{"tar of a long name", tarOf(t, "a.pdf", long+long+"setup.exe"), content.Bundle},
		{"packed tar", encode(t, "gzip", tarOf(t, "setup.exe")), content.Bundle},
		{"packed text", encode(t, "gzip", []byte("text")), content.Archive},
		{"packed twice", encode(t, "gzip", encode(t, "zstd", pe())), content.Bundle},
		{"ZIP in a packed tar's place", encode(t, "gzip", zipOf(t, "setup.exe")), content.Bundle},
	}
	for _, tt := range tests {
		for _, n := range []int{0, 1, 100} {
			e := content.Evidence{URLPath: "/x", Type: []string{"application/octet-stream"}}
			if got := judge(e, tt.body, n); got.Kind != tt.want {
				t.Errorf("%s in pieces of %d = %v, want %s", tt.name, n, got, tt.want)
			}
		}
	}
}

// TestEncrypted sets the flag of an encrypted entry, which the standard library can't write.
func TestEncrypted(t *testing.T) {
	body := zipOf(t, "a.pdf")
	body[6] |= 1
	if got := judge(content.Evidence{}, body, 0); got.Kind != content.Encrypted {
		t.Errorf("judged %v, want %s", got, content.Encrypted)
	}
}

// FuzzArchive walks headers that lie. The verdict doesn't depend on how the body is cut.
func FuzzArchive(f *testing.F) {
	magics := []string{
		"PK\x03\x04", "Rar!\x1a\x07\x01\x00", "Rar!\x1a\x07\x00", "!<arch>\n", "\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd", "BZh9",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "MZ", "x\x01",
	}
	for i := range magics {
		f.Add(uint(i), []byte("\x14\x00\x00\x00\x08\x00"), uint(3))
	}
	f.Add(uint(0), zipOf(f, "a.txt", "b.exe")[4:], uint(7))
	f.Add(uint(len(magics)), tarOf(f, "a.txt", "b.exe"), uint(100))
	f.Fuzz(func(t *testing.T, magic uint, rest []byte, n uint) {
		body := rest
		if i := magic % uint(len(magics)+1); i < uint(len(magics)) {
			body = append([]byte(magics[i]), rest...)
		}
		want := judge(content.Evidence{}, body, 0)
		if got := judge(content.Evidence{}, body, 1+int(n%1000)); got != want {
			t.Errorf("in pieces %v, whole %v", got, want)
		}
	})
}
