package main

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"
)

// search looks for texts, in every form in which a program might write them, in every byte of files and folders, names
// included. It fails when it finds one: search PATH… -- TEXT….
func (s *script) search(ts *testscript.TestScript, args []string) error {
	cut := slices.Index(args, "--")
	if cut < 1 || cut == len(args)-1 {
		return errors.New("usage: search PATH… -- TEXT…")
	}
	forms := make(map[string][]form)
	for _, text := range args[cut+1:] {
		forms[text] = formsOf(text)
	}
	files := 0
	var found []error
	for _, root := range args[:cut] {
		err := filepath.WalkDir(ts.MkAbs(root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			files++
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data = append(data, path[len(ts.MkAbs(root)):]...)
			for text, fs := range forms {
				for _, f := range fs {
					if contains(data, f) {
						found = append(found, fmt.Errorf("%s holds %q (%s)", filepath.Base(path), text, f.name))
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if files == 0 {
		return errors.New("no file to search")
	}
	return errors.Join(found...)
}

// form is one way to write a text.
type form struct {
	name  string
	bytes []byte
	fold  bool // in upper or lower case
}

func contains(data []byte, f form) bool {
	if f.fold {
		return bytes.Contains(bytes.ToLower(data), bytes.ToLower(f.bytes))
	}
	return bytes.Contains(data, f.bytes)
}

// formsOf returns the ways in which a text could be written.
func formsOf(text string) []form {
	b := []byte(text)
	reversed := slices.Clone(b)
	slices.Reverse(reversed)
	var wide []byte
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	out := []form{
		{"plain", b, true},
		{"reversed", reversed, true},
		{"hexadecimal", []byte(hex.EncodeToString(b)), true},
		{"UTF-16", wide, false},
		{"percent", []byte(percent(text)), true},
	}
	if labels := strings.Split(text, "."); len(labels) > 1 {
		slices.Reverse(labels)
		out = append(out, form{"labels reversed", []byte(strings.Join(labels, ".")), true})
	}
	for shift := range 3 {
		out = append(out, form{"base64", inside(base64.RawStdEncoding.EncodeToString, b, shift, 3, 4), false},
			form{"base64 for URLs", inside(base64.RawURLEncoding.EncodeToString, b, shift, 3, 4), false})
	}
	for shift := range 5 {
		out = append(out, form{"base32", inside(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString, b, shift, 5, 8), true})
	}
	// A hash without a key is no pseudonym: whoever has a list of names can make the same.
	md, sha, sha2 := md5.Sum(b), sha1.Sum(b), sha256.Sum256(b)
	for name, sum := range map[string][]byte{"MD5": md[:], "SHA-1": sha[:], "SHA-256": sha2[:]} {
		out = append(out, form{name, sum[:8], false}, form{name + ", hexadecimal", []byte(hex.EncodeToString(sum[:8])), true})
	}
	if a, err := netip.ParseAddr(text); err == nil {
		out = append(out, form{"address", a.AsSlice(), false})
	}
	return slices.DeleteFunc(out, func(f form) bool { return len(f.bytes) < 4 })
}

// inside returns the characters of an encoded text that don't depend on what stands around it, for a text that begins
// shift bytes after the start of a group of bytes that is encoded as a group of chars.
func inside(encode func([]byte) string, b []byte, shift, group, chars int) []byte {
	padded := append(make([]byte, shift), b...)
	first := (shift + group - 1) / group * chars // the first group that is all ours
	last := len(padded) / group * chars
	if last <= first {
		return nil
	}
	return []byte(encode(padded)[first:last])
}

func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

// TestFormsOf hides a text in each way among other bytes: a search that can't find it there would prove nothing.
func TestFormsOf(t *testing.T) {
	const text = "jan.jansen"
	wrap := func(f func([]byte) string) string { return f([]byte("ab" + text + "cdefgh")) }
	hidden := map[string]string{
		"plain":           "user=Jan.Jansen;",
		"reversed":        "nesnaj.naj",
		"labels reversed": "x.jansen.jan",
		"hexadecimal":     wrap(hex.EncodeToString),
		"base64":          wrap(base64.StdEncoding.EncodeToString),
		"base64 for URLs": wrap(base64.URLEncoding.EncodeToString),
		"base32":          wrap(base32.StdEncoding.EncodeToString),
		"UTF-16":          "j\x00a\x00n\x00.\x00j\x00a\x00n\x00s\x00e\x00n\x00",
		"percent":         percent(text),
		"SHA-256":         wrap(func([]byte) string { sum := sha256.Sum256([]byte(text)); return string(sum[:12]) }),
	}
	for name, data := range hidden {
		if !slices.ContainsFunc(formsOf(text), func(f form) bool { return f.name == name && contains([]byte(data), f) }) {
			t.Errorf("%q as %s is not found in %q", text, name, data)
		}
	}
	if !slices.ContainsFunc(formsOf("127.0.0.1"), func(f form) bool { return contains([]byte("x\x7f\x00\x00\x01y"), f) }) {
		t.Error("the bytes of an address are not found")
	}
	for _, f := range formsOf(text) {
		if contains([]byte("nothing of the kind, jan and jansens"), f) {
			t.Errorf("%q as %s found where it is not", text, f.name)
		}
	}
}
