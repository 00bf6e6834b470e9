package content

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on names, in bytes. What is longer is looked at from its end, where the extension is.
const (
	maxName      = 4 << 10
	maxExtension = 24
)

// extensionOf returns what the file name says, as the systems that would save it read it: the part after the last path
// separator, without what Windows drops (trailing dots and spaces, an alternate data stream) or a screen hides (bidi and
// zero-width controls).
func extensionOf(name string) (extension, bool) {
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	if head, _, cut := strings.Cut(name, "\x00"); cut { // C code stops at a NUL, other code drops it
		if e, ok := extensionOf(head); ok {
			return e, true
		}
	}
	base := baseName(name)
	ext, base := cutExtension(base)
	if listed(packings, ext) {
		if inner, _ := cutExtension(base); inner != "" {
			if e, ok := lookup(inner); ok && e.use != asset && e.use != server && (ext != "br" || !e.host) { // not www.example.com.br
				return extension{kind: Bundle, use: e.use, host: e.host}, true
			}
		}
	}
	return lookup(ext)
}

// lookup returns the row of an extension. A name that ends in a class identifier opens what the class says (Windows shell).
func lookup(ext string) (extension, bool) {
	if len(ext) == 38 && ext[0] == '{' && ext[37] == '}' {
		return extension{kind: Shortcut}, true
	}
	e, ok := extensions[ext]
	return e, ok
}

// cutExtension splits a base name at its last dot; the extension is lower case and "" where there is none.
func cutExtension(base string) (ext, rest string) {
	i := strings.LastIndexByte(base, '.')
	if i < 0 || len(base)-i > 2*maxExtension {
		return "", base
	}
	return strings.ToLower(base[i+1:]), base[:i]
}

// baseName returns the last part of a name as it would be written to disk.
func baseName(name string) string {
	if strings.ContainsFunc(name, odd) {
		name = strings.Map(plain, name)
	}
	name = strings.TrimRight(name, "/\\ .\"'")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	if i := strings.IndexByte(name, ':'); i >= 0 { // an NTFS stream: "setup.exe::$DATA" is setup.exe
		if strings.Contains(name[:i], ".") {
			name = name[:i]
		}
	}
	return strings.Trim(name, " .\"'")
}

// odd reports whether plain changes r.
func odd(r rune) bool {
	return r < ' ' || r == 0x7f || r >= utf8.RuneSelf
}

// plain drops what no system shows in a name, and makes the look-alikes of a dot, a space and a separator plain.
func plain(r rune) rune {
	switch {
	case r < ' ', r == 0x7f, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Cc, r):
		return -1
	case r < utf8.RuneSelf:
		return r
	case unicode.IsSpace(r), r == 0x3164, r == 0x2800: // Hangul filler, blank Braille
		return ' '
	case r == 0xff0e, r == 0x2024, r == 0x3002, r == 0xff61:
		return '.'
	case 0xff21 <= r && r <= 0xff3a, 0xff41 <= r && r <= 0xff5a, 0xff10 <= r && r <= 0xff19: // full width
		return r - 0xfee0
	}
	return r
}

// unescape undoes percent-encoding where s is well-formed; a name that is not stays as it is, as browsers leave it.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}

// decodings calls yield with s and with s percent-decoded once and twice.
func decodings(s string, yield func(string)) {
	yield(s)
	for range 2 {
		t := unescape(s)
		if t == s {
			return
		}
		yield(t)
		s = t
	}
}

// pathNames calls yield with the file names that an escaped URL path can be read as: its last segment that is not
// empty, with and without path parameters.
func pathNames(path string, yield func(string)) {
	if len(path) > maxName {
		path = path[len(path)-maxName:]
	}
	path = strings.TrimRight(path, "/")
	segment := path[strings.LastIndexByte(path, '/')+1:]
	if segment == "" {
		return
	}
	decodings(segment, yield)
	if head, _, cut := strings.Cut(segment, ";"); cut {
		decodings(head, yield)
	}
}

// maxQueryNames bounds how many values of a query are looked at.
const maxQueryNames = 64

// queryNames calls yield with each value of a raw query that has a dot in it, and with a key that stands alone.
func queryNames(query string, yield func(string)) {
	if len(query) > maxName {
		query = query[:maxName]
	}
	for range maxQueryNames {
		if query == "" {
			return
		}
		end := strings.IndexAny(query, "&;")
		pair := query
		if end >= 0 {
			pair, query = query[:end], query[end+1:]
		} else {
			query = ""
		}
		value := pair[strings.IndexByte(pair, '=')+1:]
		if strings.ContainsAny(value, ".%") {
			decodings(strings.ReplaceAll(value, "+", " "), yield)
		}
	}
}
