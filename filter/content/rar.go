package content

import "encoding/binary"

// lookRAR says what a RAR archive is by the headers in sight. The formats: RARLAB's technote for RAR 5, unrar's sources for 4.
func lookRAR(p prefix) (Kind, int) {
	const marker = 7
	if len(p.b) < marker+1 {
		return Archive, marker + 1
	}
	if p.b[6] == 0 {
		return rar4(p, marker)
	}
	return rar5(p, marker+1)
}

// rar4 walks the blocks of RAR 1.5 to 4.
func rar4(p prefix, at int) (Kind, int) {
	const (
		header    = 7
		fileType  = 0x74
		mainType  = 0x73
		encrypted = 0x04   // a file's flag
		hidden    = 0x80   // the main block's flag: headers encrypted
		hasData   = 0x8000 // a size of data follows the header
	)
	b, found := p.b, Archive
	for {
		if at+header > MaxPrefix {
			return found, 0
		}
		if at+header > len(b) {
			return found, at + header
		}
		kind, flags, size := b[at+2], binary.LittleEndian.Uint16(b[at+3:]), int(binary.LittleEndian.Uint16(b[at+5:]))
		if size < header || at+size > MaxPrefix {
			return found, 0
		}
		if at+size > len(b) {
			return found, at + size
		}
		if kind == mainType && flags&hidden != 0 {
			return Encrypted, 0
		}
		skip := size
		if (flags&hasData != 0 || kind == fileType) && size >= 11 {
			skip += int(min(binary.LittleEndian.Uint32(b[at+7:]), MaxPrefix))
		}
		if kind == fileType && size >= 32 {
			n := int(binary.LittleEndian.Uint16(b[at+26:]))
			if flags&encrypted != 0 {
				found = Encrypted
			}
			if k := entry(string(b[at+32 : at+min(size, 32+n)])); k.Software() {
				return k, 0
			}
		}
		at += skip
	}
}

// rar5 walks the headers of RAR 5.
func rar5(p prefix, at int) (Kind, int) {
	const (
		file       = 2
		encryption = 4
		hasExtra   = 1
		hasData    = 2
		maxHeader  = 2 << 20
	)
	b, found := p.b, Archive
	for at+12 <= MaxPrefix {
		if at+12 > len(b) && !p.final {
			return found, at + 12
		}
		r := fields{b: b, at: at + 4} // after the checksum
		size := r.next()
		end := r.at + size
		if r.bad || size == 0 || size > maxHeader || end > MaxPrefix {
			return found, 0
		}
		if end > len(b) {
			return found, end
		}
		r.b = b[:end]
		kind, flags, data := r.next(), r.next(), 0
		if flags&hasExtra != 0 {
			r.next()
		}
		if flags&hasData != 0 {
			data = min(r.next(), MaxPrefix)
		}
		switch {
		case kind == encryption:
			return Encrypted, 0
		case kind == file && !r.bad:
			if k := entry(r.fileName()); k.Software() {
				return k, 0
			}
		}
		at = end + data
	}
	return found, 0
}

// fields reads the numbers of a RAR 5 header.
type fields struct {
	b   []byte
	at  int
	bad bool // a number ran over the end or was too large
}

// maxNumber is what larger numbers are read as: it is beyond every bound here.
const maxNumber = 1 << 30

// next returns the next number: seven bits a byte, the low ones first.
func (r *fields) next() int {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		if r.at >= len(r.b) {
			break
		}
		c := r.b[r.at]
		r.at++
		v |= uint64(c&0x7f) << shift
		if c&0x80 == 0 {
			return int(min(v, maxNumber))
		}
	}
	r.bad = true
	return 0
}

// fileName returns the name in a file header, after its fixed fields.
func (r *fields) fileName() string {
	const hasTime, hasChecksum = 2, 4
	flags := r.next()
	r.next() // unpacked size
	r.next() // attributes
	if flags&hasTime != 0 {
		r.at += 4
	}
	if flags&hasChecksum != 0 {
		r.at += 4
	}
	r.next() // compression
	r.next() // system
	n := r.next()
	if r.bad || r.at > len(r.b) {
		return ""
	}
	return string(r.b[r.at:min(len(r.b), r.at+n)])
}
