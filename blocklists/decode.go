package blocklists

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/unicode"
)

// decode returns the text of a list as plain UTF-8 without a byte order mark, whatever wrapping it came in: gzip, or the
// UTF-16 that Windows PowerShell writes. Reading more than maxText bytes is an error.
func decode(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, bufSize)
	if head, _ := br.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("decompress list: %w", err)
		}
		br = bufio.NewReaderSize(z, bufSize)
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
	return &bounded{r: text, left: maxText}, nil
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
