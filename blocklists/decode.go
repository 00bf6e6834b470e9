package blocklists

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/mikelolasagasti/xz"
	"golang.org/x/text/encoding/unicode"
)

const (
	maxArchive    = 64 << 20 // bytes of a zip file, which must be in memory whole
	maxDictionary = 64 << 20 // bytes; what xz -9 asks of who decompresses
	maxRatio      = 200      // of a text to its compressed form; lists have 3 to 20
	ratioFree     = 8 << 20  // bytes of text that need no such proof
)

var (
	errRatio   = errors.New("decompresses to too much to be a list")
	errArchive = errors.New("larger than the limit for a zip file")
)

// decode returns the text of a list as plain UTF-8 without a byte order mark, whatever wrapping it came in: gzip, xz, zip,
// tar, or the UTF-16 that Windows PowerShell writes. Reading more than maxText bytes is an error, as is a text that is more
// than maxRatio times what it was made from.
func decode(r io.Reader) (io.Reader, error) {
	in := &counted{r: r}
	br, err := decompress(in)
	if err == nil {
		br, err = unpack(br)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress list: %w", err)
	}
	head, err := br.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read list: %w", err)
	}
	var text io.Reader = br
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		if _, err := br.Discard(3); err != nil {
			return nil, fmt.Errorf("read list: %w", err)
		}
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		text = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(br)
	}
	return &proportioned{r: &bounded{r: text, left: maxText}, in: in}, nil
}

func decompress(in *counted) (*bufio.Reader, error) {
	br := bufio.NewReaderSize(in, bufSize)
	var z io.Reader
	var err error
	head, _ := br.Peek(6)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err = gzip.NewReader(br)
	case bytes.Equal(head, []byte("\xfd7zXZ\x00")):
		z, err = xz.NewReader(br, maxDictionary)
	default:
		return br, nil
	}
	if err != nil {
		return nil, err
	}
	// Bounded here too: of a tar only some reaches the text.
	return bufio.NewReaderSize(&proportioned{r: &bounded{r: z, left: maxText}, in: in}, bufSize), nil
}

// unpack returns the text of the list in an archive; what is no archive comes back as it is.
func unpack(br *bufio.Reader) (*bufio.Reader, error) {
	const tarMagic = 257 // where a header has "ustar"
	head, _ := br.Peek(tarMagic + 5)
	var next nextMember
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		text, err := io.ReadAll(&bounded{r: br, left: maxArchive})
		if errors.Is(err, errTooLarge) {
			err = errArchive
		}
		if err != nil {
			return nil, err
		}
		if next, err = zipMembers(text); err != nil {
			return nil, err
		}
	case len(head) > tarMagic && string(head[tarMagic:]) == "ustar":
		next = tarMembers(br)
	default:
		return br, nil
	}
	return bufio.NewReaderSize(&archive{next: next}, bufSize), nil
}

func zipMembers(text []byte) (nextMember, error) {
	// Before the library makes a value of each: the directory of a small file can have hundreds of thousands.
	if bytes.Count(text, []byte("PK\x01\x02")) > maxMembers {
		return nil, errMembers
	}
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, err
	}
	files := z.File
	return func() (string, io.Reader, error) {
		for len(files) > 0 {
			f := files[0]
			if files = files[1:]; !f.Mode().IsRegular() {
				continue
			}
			r, err := f.Open()
			return f.Name, r, err
		}
		return "", nil, io.EOF
	}, nil
}

func tarMembers(r io.Reader) nextMember {
	t := tar.NewReader(r)
	return func() (string, io.Reader, error) {
		for {
			h, err := t.Next()
			if err != nil {
				return "", nil, err
			}
			if h.Typeflag == tar.TypeReg {
				return h.Name, t, nil
			}
		}
	}
}

// counted counts what was read.
type counted struct {
	r io.Reader
	n int64
}

// Read reads from the reader below.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// proportioned ends a text that is out of proportion to what it is made from.
type proportioned struct {
	r  io.Reader
	in *counted
	n  int64
}

// Read reads from the reader below until the text is too much.
func (p *proportioned) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if p.n += int64(n); p.n > ratioFree && p.n > maxRatio*p.in.n {
		return 0, errRatio
	}
	return n, err
}

// bounded is an io.LimitedReader that says when there was more.
type bounded struct {
	r    io.Reader
	left int64
}

// Read reads from the reader below until the bound is passed.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
