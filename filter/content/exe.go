package content

import (
	"bytes"
	"encoding/binary"
)

// lookLettered says what a file is whose signature is a few letters, which a text could begin with as well: it has to go on as no text does.
func lookLettered(p prefix, kind Kind) (Kind, int) {
	const reach = 32
	b := p.b[:min(len(p.b), reach)]
	if bytes.ContainsFunc(b, control) {
		return kind, 0
	}
	if len(b) < reach && !p.final {
		return Unknown, len(b) + 1
	}
	return "", 0
}

// lookExe says what a file that begins with the letters MZ is: text, or a program for DOS, OS/2 or Windows. A file offset
// of 16 MiB or more to the new header is not believed, so text never looks like one: its last byte would be a NUL.
func lookExe(p prefix) (Kind, int) {
	const (
		dosHeader = 0x1c
		newHeader = 0x3c // offset of e_lfanew
	)
	b := p.b
	if text := bytes.IndexFunc(b[:min(len(b), dosHeader)], control) < 0; text && len(b) >= newHeader+4 && b[newHeader+3] != 0 {
		return "", 0
	}
	if len(b) < newHeader+4 {
		if !p.final {
			return Unknown, newHeader + 4
		}
		return dos(b), 0
	}
	at := int(binary.LittleEndian.Uint32(b[newHeader:]))
	switch {
	case b[newHeader+3] != 0:
		return dos(b), 0
	case at+4 > MaxPrefix:
		return Executable, 0
	case at+4 > len(b) && !p.final:
		return Executable, at + 4
	case at+4 > len(b):
		return Executable, 0
	}
	switch string(b[at : at+2]) {
	case "PE", "NE", "LE", "LX":
		return Executable, 0
	}
	return dos(b), 0
}

// lookELF says whether a file is what its first letters say: class and byte order follow them (System V ABI, chapter 4).
func lookELF(p prefix) (Kind, int) {
	const ident = 6
	switch {
	case len(p.b) < ident && !p.final:
		return Executable, ident
	case len(p.b) < ident, p.b[4] < 1, p.b[4] > 2, p.b[5] < 1, p.b[5] > 2:
		return "", 0
	}
	return Executable, 0
}

// dos returns Executable when the fields of a DOS header (pages, bytes in the last one, paragraphs of header) agree with one
// another, else nothing.
func dos(b []byte) Kind {
	if len(b) < 0x1c {
		return ""
	}
	last, pages, header := binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[8:])
	if last <= 512 && pages > 0 && pages < 0x2000 && header >= 2 && int(header)*16 <= int(pages)*512 {
		return Executable
	}
	return ""
}

// lookCOFF says whether a file that begins with a machine number is an object file: a header of 20 bytes with a modest number
// of sections, and the name of the first section after it (Microsoft PE format, COFF file header).
func lookCOFF(p prefix) (Kind, int) {
	const header = 20
	b := p.b
	if len(b) < header+8 {
		if p.final {
			return "", 0
		}
		return Unknown, header + 8
	}
	sections, optional := binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint16(b[16:])
	if sections == 0 || sections > 4096 || optional != 0 || b[header] != '.' && b[header] != '/' {
		return "", 0
	}
	return Executable, 0
}

// The class identifiers of Windows Installer files (package, patch, transform), as MS-CFB section 2.6.1 stores them: all
// of them 000C108x-0000-0000-C000-000000000046.
var (
	installerClass = []byte{0x10, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46}
	macroStorages  = [][]byte{wide("Macros\x00"), wide("_VBA_PROJECT"), wide("VBA\x00")}
)

// wide returns s in UTF-16, little endian.
func wide(s string) []byte {
	var b []byte
	for _, c := range []byte(s) {
		b = append(b, c, 0)
	}
	return b
}

// lookOLE says what a compound file (MS-CFB) is, by the class of its root entry and by the names in the first sector of its
// directory. The directory of a large file is often out of reach: then what the summary of every installer says is looked for.
func lookOLE(p prefix) (Kind, int) {
	const (
		header    = 512
		shiftAt   = 0x1e
		directory = 0x30
		classAt   = 0x50
	)
	b := p.b
	if len(b) < header {
		return Document, header
	}
	shift := binary.LittleEndian.Uint16(b[shiftAt:])
	if shift < 7 || shift > 16 {
		return Document, 0
	}
	size := int64(1) << shift
	at := (int64(binary.LittleEndian.Uint32(b[directory:])) + 1) * size
	if at+size > MaxPrefix {
		if len(b) < MaxPrefix && !p.final {
			return Document, MaxPrefix
		}
		return summary(b), 0
	}
	if at+size > int64(len(b)) && !p.final {
		return Document, int(at + size)
	}
	if at+classAt+16 > int64(len(b)) {
		return summary(b), 0
	}
	sector := b[at:min(int64(len(b)), at+size)]
	if c := sector[classAt : classAt+16]; c[0]&0xf0 == 0x80 && bytes.Equal(c[1:], installerClass) {
		return Installer, 0
	}
	for _, name := range macroStorages {
		if bytes.Contains(sector, name) {
			return Macro, 0
		}
	}
	return Document, 0
}

// summary looks for the title that Windows Installer requires in the summary information of a package, patch or transform.
func summary(b []byte) Kind {
	for _, title := range []string{"Installation Database", "Windows Installer", "MsiPatch"} {
		if bytes.Contains(b, []byte(title)) {
			return Installer
		}
	}
	return Document
}
