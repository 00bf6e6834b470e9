package content

import (
	"bytes"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// MaxPrefix bounds the bytes of a body, decoded, that are looked at.
const MaxPrefix = 64 << 10

// prefix is the start of a file.
type prefix struct {
	b     []byte
	final bool // no more bytes will be shown
	whole bool // these are all the bytes there are
	quick bool // the type promises text: settle on the first bytes
	page  bool // the type promises a page: blanks may go before it
	inner bool // it was decoded, from the start, to be looked at
	depth int  // compressed files around this one
}

// look says what p is the start of. The second result is 0 when the answer is settled: it is the same for every longer
// start of the same file. Otherwise it is the number of bytes from which on another look is worth it, and the answer is the
// best one so far.
func look(p prefix) (Kind, int) {
	if len(p.b) >= MaxPrefix {
		p.b, p.final, p.whole = p.b[:MaxPrefix], true, p.whole && len(p.b) == MaxPrefix
	}
	k, want := recognise(p)
	if p.final || want <= len(p.b) {
		return k, 0
	}
	return k, min(want, MaxPrefix)
}

func recognise(p prefix) (Kind, int) {
	if len(p.b) == 0 {
		return Unknown, 1
	}
	partial := 0
	for _, s := range signatures[p.b[0]] {
		n := min(len(s.magic), len(p.b))
		if string(p.b[:n]) != s.magic[:n] {
			continue
		}
		if n < len(s.magic) {
			partial = len(s.magic)
			continue
		}
		if k, want := s.further(p); k != "" || want != 0 {
			return k, want
		}
	}
	if partial > 0 && !p.final {
		return Unknown, len(p.b) + 1
	}
	if p.quick {
		switch prose(p) {
		case yes:
			return lookText(p)
		case maybe:
			return Unknown, len(p.b) + 1
		}
	}
	return unsigned(p)
}

// The lengths at which a file without a signature at its start is looked at.
const (
	boxLook   = 8
	shortLook = 64
	blockLook = 512
	isoLook   = 0x8006 // the first volume descriptor's identifier (ECMA-119 section 8.1: sector 16, byte 1)
)

// unsigned says what a file is that no signature at its start names.
func unsigned(p prefix) (Kind, int) {
	if len(p.b) < boxLook && !p.final {
		return Unknown, boxLook
	}
	if len(p.b) >= boxLook && mediaBox(p.b[4:boxLook]) {
		return Media, 0
	}
	if len(p.b) < shortLook && !p.final {
		return Unknown, shortLook
	}
	head := p.b[:min(len(p.b), shortLook)]
	plain := !bytes.ContainsFunc(head, control)
	disk := len(head) > 16 && (bootCode(head) || zero(head[:16]))
	if utf16(head) {
		return lookText(p)
	}
	if !plain && !disk && !tarName(head) {
		return tail(head), 0
	}
	if len(p.b) < blockLook && !p.final {
		return Unknown, blockLook
	}
	block := p.b[:min(len(p.b), blockLook)]
	switch {
	case len(block) >= 263 && string(block[257:262]) == "ustar":
		return lookTar(p)
	case disk:
		return lookDisk(p)
	case plain && !bytes.ContainsFunc(block, control):
		return lookText(p)
	}
	return tail(block), 0
}

// tail asks the library what a harmless file is: software has been looked for before.
func tail(b []byte) Kind {
	for m := mimetype.Detect(b); m != nil; m = m.Parent() {
		if k := kindOfType(mediaType(m.String())); k != "" && !k.Software() && k != Text {
			return k
		}
	}
	return Data
}

// answer is a reply that may have to wait for more bytes.
type answer uint8

const (
	no answer = iota
	yes
	maybe
)

// prose says whether p begins as text does: in ASCII, in UTF-8 or with a byte order mark.
func prose(p prefix) answer {
	if p.b[0] < utf8.RuneSelf || p.b[0] >= 0xfe {
		if texty(p.b[0]) {
			return yes
		}
		return no
	}
	if !utf8.FullRune(p.b) {
		return maybe
	}
	if r, n := utf8.DecodeRune(p.b); r == utf8.RuneError && n == 1 {
		return no
	}
	return yes
}

// texty reports whether text can begin with c.
func texty(c byte) bool {
	return c >= ' ' && c != 0x7f || c == '\t' || c == '\n' || c == '\r' || c == '\f'
}

// control reports whether r does not occur in text. Bytes above ASCII do: text may have any code page.
func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != 0x1b
}

// utf16 reports whether b begins with a byte order mark of UTF-16.
func utf16(b []byte) bool {
	return len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff)
}

// tarName reports whether b can be the start of a tar header: a name, and NULs up to the end.
func tarName(b []byte) bool {
	n := bytes.IndexByte(b, 0)
	return n > 0 && !bytes.ContainsFunc(b[:n], control) && zero(b[n:])
}

// mediaBox reports whether name is the type of a box that a file of the ISO base media family (ISO/IEC 14496-12, QuickTime)
// begins with, after four bytes of length.
func mediaBox(name []byte) bool {
	switch string(name) {
	case "ftyp", "moov", "mdat", "free", "skip", "wide", "pnot", "styp", "sidx", "moof", "emsg", "prft":
		return true
	}
	return false
}

// bootCode reports whether b begins as boot sectors do: with a jump, or with the first instructions of common loaders.
func bootCode(b []byte) bool {
	switch {
	case b[0] == 0xeb && b[2] == 0x90, b[0] == 0xe9, b[0] == 0xfa, b[0] == 0xfc, b[0] == 0xea:
		return true
	case b[0] == 0x33, b[0] == 0x31: // xor reg, reg
		return b[1] >= 0xc0
	case b[0] == 0x45: // "ER": an Apple driver map, or code that reads as one
		return b[1] == 0x52 && b[2] < 0x10
	}
	return false
}

// zero reports whether b is all zero.
func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// lookBoot says whether a file that begins with the code of a boot loader is a disk image.
func lookBoot(p prefix) (Kind, int) {
	if len(p.b) < blockLook {
		return Data, blockLook
	}
	return lookDisk(p)
}

// lookDisk says what a file is that begins with boot code or nothing, as disk images do. It wants the 32 KiB at which the
// volume descriptors of ISO 9660 and UDF stand only when the boot sector is no proof.
func lookDisk(p prefix) (Kind, int) {
	b := p.b
	if len(b) >= blockLook && b[510] == 0x55 && b[511] == 0xaa {
		return DiskImage, 0
	}
	if b[0] == 0xea { // a far jump at the start: a network boot loader, which is all code
		return Executable, 0
	}
	if len(b) >= isoLook {
		switch string(b[0x8001:isoLook]) {
		case "CD001", "BEA01", "NSR02", "NSR03", "TEA01", "CDROM": // ECMA-119, ECMA-167, High Sierra
			return DiskImage, 0
		}
		return tail(b[:blockLook]), 0
	}
	return tail(b[:min(len(b), blockLook)]), isoLook
}
