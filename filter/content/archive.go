package content

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
)

// entry says what an archive is that holds an entry of this name: a kind of software, Document for the parts that only office
// files have, or "" where the name says nothing. Scripts and servers' files of web pages don't make an archive software:
// people save and send pages.
func entry(name string) Kind {
	lower := strings.ToLower(strings.ReplaceAll(name, `\`, "/"))
	base := lower[strings.LastIndexByte(lower, '/')+1:]
	switch base {
	case "manifest.mf", "androidmanifest.xml", "appmanifest.xaml", "extension.vsixmanifest", ".pkginfo":
		return Package
	case "appxmanifest.xml", "appxbundlemanifest.xml":
		return Installer
	case "vbaproject.bin":
		return Macro
	case "[content_types].xml":
		return Document
	}
	if strings.HasSuffix(base, ".nuspec") || strings.HasPrefix(lower, "web-inf/") || strings.HasPrefix(base, ".sign.rsa.") {
		return Package
	}
	if strings.Contains(lower, ".app/contents/") {
		return Bundle
	}
	if strings.HasSuffix(lower, "/") { // a folder, of a saved site maybe: "www.example.com/"
		return ""
	}
	if e, ok := extensionOf(name); ok && (e.use == loose || e.use == rigid) {
		if e.kind == Macro {
			return Macro
		}
		return Bundle
	}
	return ""
}

// maxEntry bounds what is read of an entry's name, from its end, in bytes: headers may overlap, so that their names add up to
// far more than the file.
const maxEntry = 300

// lookZip says what a ZIP file is by the local headers in sight (APPNOTE 4.3.7). It finds them by their signature and not
// by adding sizes, which streamed entries don't have and liars choose.
func lookZip(p prefix) (Kind, int) {
	const header = 30
	b := p.b
	found := Archive
	for at, headers := 0, 0; ; {
		i := bytes.Index(b[at:], []byte("PK"))
		if i < 0 || at+i+4 > len(b) {
			break
		}
		at += i
		switch string(b[at+2 : at+4]) {
		case "\x01\x02", "\x05\x06": // central directory: every local header has been seen
			return found, 0
		case "\x03\x04":
			if at+header > len(b) {
				return grow(found, p)
			}
			n := int(binary.LittleEndian.Uint16(b[at+26:]))
			if at+header+n > len(b) && n <= maxName {
				return grow(found, p)
			}
			if n > maxName {
				break
			}
			if headers++; headers > MaxPrefix/header { // they overlap
				return Undecodable, 0
			}
			k := entry(string(b[at+header+max(0, n-maxEntry) : at+header+n]))
			if k.Software() {
				return k, 0
			}
			if b[at+6]&1 != 0 {
				k = Encrypted
			}
			found = zipKind(found, k, b[at:], n)
		}
		at += 2
	}
	return grow(found, p)
}

// zipKind returns what a ZIP file is that was found so far, after an entry of kind k whose local header begins b. OpenDocument and EPUB
// begin with an entry "mimetype", stored, whose content is the type.
func zipKind(found, k Kind, b []byte, name int) Kind {
	const header = 30
	if found != Archive {
		return stricter(k, found)
	}
	if string(b[header:header+name]) == "mimetype" && bytes.HasPrefix(b[header+name:], []byte("application/")) {
		return Document
	}
	if k != "" {
		return k
	}
	return found
}

// grow asks for more of a container that may still show a stricter entry. What has to be decoded again for each look, perhaps
// several files deep, is asked for at once.
func grow(k Kind, p prefix) (Kind, int) {
	if p.inner {
		return k, MaxPrefix
	}
	return k, max(2*len(p.b), blockLook)
}

// lookAr says what a file of ar(5) is: a Debian package, or a library of object files.
func lookAr(p prefix) (Kind, int) {
	const member = 8
	if len(p.b) < member+16 && !p.final {
		return Bundle, member + 16
	}
	if bytes.HasPrefix(p.b[member:], []byte("debian")) {
		return Installer, 0
	}
	return Bundle, 0
}

// lookTar says what a tape archive is by the headers in sight (POSIX.1-2017 pax, ustar).
func lookTar(p prefix) (Kind, int) {
	const block = 512
	b := p.b
	for at := int64(0); ; {
		if at+block > MaxPrefix {
			return Archive, 0
		}
		if at+block > int64(len(b)) {
			return Archive, int(at + block)
		}
		h := b[at : at+block]
		if h[0] == 0 {
			return Archive, 0
		}
		if k := entry(cString(h[:100])); k.Software() {
			return k, 0
		}
		size, err := strconv.ParseInt(strings.Trim(string(h[124:136]), " \x00"), 8, 64)
		if err != nil || size < 0 || size > MaxPrefix {
			return Archive, 0
		}
		if h[156] == 'L' || h[156] == 'x' { // GNU and pax: the name of the next entry is this one's content
			next := at + block + size
			if next > MaxPrefix {
				return Archive, 0
			}
			if next > int64(len(b)) {
				return Archive, int(next)
			}
			if k := entry(longName(b[at+block : next])); k.Software() {
				return k, 0
			}
		}
		at += block + (size+block-1)/block*block
	}
}

// longName returns the name in the content of a GNU or pax header.
func longName(b []byte) string {
	if i := bytes.Index(b, []byte(" path=")); i >= 0 {
		b = b[i+len(" path="):]
		if j := bytes.IndexByte(b, '\n'); j >= 0 {
			b = b[:j]
		}
	}
	return cString(b)
}

// cString returns b up to its first NUL.
func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
