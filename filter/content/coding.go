package content

import (
	"bytes"
	"compress/bzip2"
	"compress/zlib"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// coding is a way of compressing: a content coding (RFC 9110 section 8.4.1), or a compressed file.
type coding uint8

const (
	gzipCoding coding = iota + 1
	deflateCoding
	brotliCoding
	zstdCoding
	bzipCoding // of files only
)

// maxCodings bounds the content codings of one body.
const maxCodings = 2

// maxRaw bounds the bytes of a coded body that are kept to decode its start, in bytes: zstd gives nothing before the end of its
// first block (RFC 8878: at most 128 KiB).
const maxRaw = 130 << 10

// codings returns the content codings of a body in the order they were applied, and whether all of them can be undone.
// Words that servers send there though they are no codings count as identity, as they do for browsers.
func codings(values []string) ([]coding, bool) {
	var list []coding
	for _, value := range values {
		for word := range strings.SplitSeq(value, ",") {
			var c coding
			switch strings.ToLower(strings.TrimSpace(word)) {
			case "", "identity", "none", "binary", "utf-8", "utf8", "8bit", "iso-8859-1":
				continue
			case "gzip", "x-gzip":
				c = gzipCoding
			case "deflate":
				c = deflateCoding
			case "br":
				c = brotliCoding
			case "zstd":
				c = zstdCoding
			default:
				return nil, false
			}
			if len(list) == maxCodings {
				return nil, false
			}
			list = append(list, c)
		}
	}
	return list, true
}

// The decoders are kept for the next body: making one costs more than what it decodes here.
var (
	gzipPool   = sync.Pool{New: func() any { return new(gzip.Reader) }}
	flatePool  = sync.Pool{New: func() any { return flate.NewReader(nil) }}
	brotliPool = sync.Pool{New: func() any { return brotli.NewReader(nil) }}
	zstdPool   = sync.Pool{New: newZstd}
)

// maxWindow bounds the window that a zstd frame may ask for: RFC 9659 allows the coding 8 MiB.
const maxWindow = 8 << 20

func newZstd() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil
	}
	return d
}

var errNoDecoder = errors.New("no decoder")

// decoder returns a reader of what r holds, decoded, and a function that gives the decoder back.
func decoder(c coding, r io.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	switch c {
	case gzipCoding:
		z := gzipPool.Get().(*gzip.Reader)
		return z, func() { gzipPool.Put(z) }, z.Reset(r)
	case deflateCoding:
		return inflater(r)
	case brotliCoding:
		z := brotliPool.Get().(*brotli.Reader)
		return z, func() { brotliPool.Put(z) }, z.Reset(r)
	case zstdCoding:
		z, ok := zstdPool.Get().(*zstd.Decoder)
		if !ok {
			return nil, nothing, errNoDecoder
		}
		return z, func() { zstdPool.Put(z) }, z.Reset(r)
	case bzipCoding:
		return bzip2.NewReader(r), nothing, nil
	}
	return nil, nothing, errNoDecoder
}

// inflater reads the coding "deflate": with the zlib header that the standard asks for, or without, as some servers
// send it and browsers accept it.
func inflater(r io.Reader) (io.Reader, func(), error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, func() {}, io.ErrUnexpectedEOF
	}
	whole := io.MultiReader(bytes.NewReader(head), r)
	if head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		z, err := zlib.NewReader(whole)
		return z, func() {}, err
	}
	z := flatePool.Get().(io.ReadCloser)
	err := z.(flate.Resetter).Reset(whole, nil)
	return z, func() { flatePool.Put(z) }, err
}

// state is how far a look at coded bytes came.
type state uint8

const (
	hungry  state = iota // more coded bytes are needed
	settled              // the answer stands
	spoilt               // some bytes could be decoded, then no more
	foreign              // the bytes are not in this coding
)

// lookInside looks at what p.b holds when the codings, applied in that order, are undone. It decodes no more than look
// asks for.
func lookInside(list []coding, p prefix) (Kind, state) {
	var r io.Reader = bytes.NewReader(p.b)
	for _, c := range slices.Backward(list) {
		inner, release, err := decoder(c, r)
		defer release()
		if err != nil {
			return ended(prefix{}, err, p.final)
		}
		r = inner
	}
	inside := prefix{quick: p.quick, page: p.page, depth: p.depth, inner: true}
	k, want := look(inside)
	for want > 0 {
		n := len(inside.b)
		inside.b = slices.Grow(inside.b, want-n)[:want]
		got, err := io.ReadFull(r, inside.b[n:])
		inside.b = inside.b[:n+got]
		if err != nil {
			return ended(inside, err, p.final)
		}
		k, want = look(inside)
	}
	return k, settled
}

// ended says what decoded bytes are after which a decoder reported err.
func ended(inside prefix, err error, final bool) (Kind, state) {
	k, want := look(inside)
	if want == 0 {
		return k, settled
	}
	s := after(err, len(inside.b), final)
	if s != hungry {
		inside.final = true
		k, _ = look(inside)
	}
	return k, s
}

// after turns the error that a decoder reported after n bytes into a state. The end of the coded bytes is an end only when
// all of them were there.
func after(err error, n int, final bool) state {
	atEnd := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case atEnd && !final:
		return hungry
	case atEnd && (n > 0 || err == io.EOF):
		return settled
	case n > 0:
		return spoilt
	}
	return foreign
}

// maxDepth bounds the compressed files in one another that are looked into.
const maxDepth = 3

// lookPacked says what a compressed file is: an archive, and one with software when that is what it unpacks to.
func lookPacked(c coding, p prefix) (Kind, int) {
	if p.depth == maxDepth {
		return Archive, 0
	}
	if c == bzipCoding && len(p.b) < MaxPrefix && !p.final {
		return Archive, MaxPrefix // its blocks are so large that sooner there is nothing to see
	}
	p.depth++
	p.quick = false
	inside, s := lookInside([]coding{c}, p)
	switch {
	case s == hungry:
		return grow(Archive, p)
	case !inside.Software():
		return Archive, 0
	case inside == Package, inside == DiskImage:
		return inside, 0
	}
	return Bundle, 0
}

// lookZlib says what a file is that begins as a zlib stream (RFC 1950). Apple's disk images are made of such streams, each a
// whole number of sectors, and end in a trailer.
func lookZlib(p prefix) (Kind, int) {
	const sector = 512
	if !p.final {
		if len(p.b) < MaxPrefix {
			return Data, MaxPrefix
		}
	}
	if n := len(p.b) - sector; p.whole && n > 0 && string(p.b[n:n+8]) == "koly\x00\x00\x00\x04" {
		return DiskImage, 0
	}
	r := bytes.NewReader(p.b)
	z, err := zlib.NewReader(r)
	if err != nil {
		return "", 0
	}
	const maxChunk = 1 << 20 // of hdiutil
	n, err := io.Copy(io.Discard, io.LimitReader(z, maxChunk+1))
	if err != nil || n == 0 || n%sector != 0 || r.Len() < 2 {
		return Data, 0
	}
	if next := p.b[len(p.b)-r.Len():]; next[0] == 'x' && (int(next[0])<<8|int(next[1]))%31 == 0 {
		return DiskImage, 0
	}
	return Data, 0
}
