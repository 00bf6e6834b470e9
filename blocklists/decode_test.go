package blocklists_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

// Made with xz: the text of TestParseUnwraps, and the same with a header that asks for a dictionary of 512 MiB.
const (
	xzText  = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AAVABNdADCLiKfDaatHPGJffBl68+VwAAAAAJc6Ya3UUuoEAAEvFhc4TsYftvN9AQAAAAAEWVo="
	xzGreed = "/Td6WFoAAATm1rRGAgAhASIAAACCQKzc4AAVABNdADCLiKfDaatHPGJffBl68+VwAAAAAJc6Ya3UUuoEAAEvFhc4TsYftvN9AQAAAAAEWVo="
)

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	must(t, err)
	return b
}

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	must(t, err)
	must(t, z.Close())
	return b.Bytes()
}

// tarred returns an archive of files, given as names and texts in turn.
func tarred(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	must(t, w.WriteHeader(&tar.Header{Name: "folder/", Typeflag: tar.TypeDir, Mode: 0o700}))
	for i := 0; i < len(files); i += 2 {
		must(t, w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o600, Size: int64(len(files[i+1]))}))
		_, err := io.WriteString(w, files[i+1])
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func zipped(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		must(t, err)
		_, err = io.WriteString(f, files[i+1])
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func TestParseUnwraps(t *testing.T) {
	const text = "a.example\r\nb.example\r\n"
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for name, b := range map[string][]byte{
		"gzip":            gzipped(t, []byte(text)),
		"xz":              unbase64(t, xzText),
		"zip":             zipped(t, "folder/", "", "LICENSE", "x y", "list.txt", text, "__MACOSX/list.txt", "\x00"),
		"tar":             tarred(t, "README.md", "x y", "list", text),
		"tar.gz":          gzipped(t, tarred(t, "list", text)),
		"UTF-16":          wide,
		"UTF-16 in a zip": zipped(t, "list.txt", string(wide)),
		"UTF-8 with mark": []byte("\ufeff" + text),
	} {
		entries, complaints := read(t, bytes.NewReader(b), blocklists.Auto)
		if diff := cmp.Diff([]string{"1 a.example", "2 b.example"}, entries); diff != "" || complaints != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, complaints, diff)
		}
	}
}

func TestParseRefusesWrappings(t *testing.T) {
	many := make([]string, 0, 2002)
	for i := range 1001 {
		many = append(many, fmt.Sprintf("README.%d", i), "")
	}
	list := strings.Repeat("a.example\n", 100)
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"half a gzip":         {gzipped(t, []byte(list))[:20], "unexpected EOF"},
		"half an xz":          {unbase64(t, xzText)[:60], "truncated"},
		"half a zip":          {zipped(t, "a", list)[:60], "not a valid zip file"},
		"half a tar":          {tarred(t, "a", list)[:1100], "unexpected EOF"},
		"bomb":                {gzipped(t, make([]byte, 20<<20)), "too much"},
		"bomb in a tar":       {gzipped(t, tarred(t, "README", strings.Repeat("a", 20<<20), "list", list)), "too much"},
		"bomb in a zip":       {zipped(t, "list", strings.Repeat("a.example\n", 2<<20)), "too much"},
		"dictionary":          {unbase64(t, xzGreed), "xz"},
		"two lists":           {zipped(t, "a/list", list, "b/list", list), "several lists"},
		"two UT1 folders":     {tarred(t, "a/domains", list, "b/domains", list), "several lists"},
		"no list":             {zipped(t, "README", "x"), "without a list"},
		"many files in a zip": {zipped(t, many...), "more than 1000"},
		"many files in a tar": {tarred(t, many...), "more than 1000"},
	} {
		err := blocklists.Parse(bytes.NewReader(test.text), blocklists.Domains, func(filter.Entry) bool { return true }, func(filter.Complaint) {})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error that says %q", name, err, test.want)
		}
	}
}

// An archive of UT1 serves as its folder does, from a file and from a URL.
func TestArchiveOfUT1(t *testing.T) {
	folder := gzipped(t, tarred(t, "adult/urls", "mixed.example/adult\n", "adult/domains", "adult.example", "adult/usage", "black", "adult/expressions", "x"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(folder) }))
	defer server.Close()
	file := t.TempDir() + "/adult.tar.gz"
	write(t, file, string(folder))
	k := newKeeper(t, t.TempDir(), blocklists.Source{File: file, Category: "file"}, blocklists.Source{URL: server.URL + "/adult.tar.gz", Category: "url"})
	updates := keep(t, k)
	await(t, updates, "both", func(u update) bool {
		return holds(t, u.snap, "file", "adult.example", "/") && holds(t, u.snap, "file", "mixed.example", "/adult/x") &&
			!holds(t, u.snap, "file", "mixed.example", "/") &&
			holds(t, u.snap, "url", "adult.example", "/") && holds(t, u.snap, "url", "mixed.example", "/adult/x")
	})
}

func FuzzWrapped(f *testing.F) {
	fuzzParse(f, blocklists.Auto, string(unbase64(f, xzText)), string(unbase64(f, xzGreed)), string(zipped(f, "a", "b\n")),
		string(tarred(f, "a/domains", "b", "a/urls", "b/c")), string(gzipped(f, tarred(f, "a", "b"))))
}
