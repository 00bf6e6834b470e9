package proxy

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/proxy/page"
)

const (
	maxStarts  = 8192       // files of which the kind is remembered; some 100 bytes each
	startBytes = 160 * 1024 // of a file that are fetched to judge it: more than a judge wants
)

// errStart is the start of a file that can't be joined to the part that the client asked for.
var errStart = &fault{problem: page.ConnectionRefused, detail: page.ResponseMalformed}

// judgePart says what the file is that a partial response is a part of. A part from the beginning, long enough, speaks for
// itself. Any other says nothing: it takes the start of the same version of the file, remembered or fetched by ourselves.
func (x *exchange) judgePart(r *http.Request, resp *http.Response) (filter.Kind, error) {
	if r.Method != http.MethodGet {
		return "", errStart // RFC 9110 section 14.2: a range is for GET
	}
	version := versionOf(resp)
	if kind, ok := x.proxy.starts.recall(r, version); ok {
		return kind, nil
	}
	if part, ok := parseContentRange(resp); ok && part.first == 0 {
		j := content.NewJudge(evidence(r, resp))
		kept, settled, err := x.readUntil(j, resp.Body)
		if !settled {
			return "", err
		}
		resp.Body = x.putBack(kept, resp.Body, err)
		if err == nil || part.whole() {
			kind := kindOf(j)
			x.proxy.starts.remember(r, version, kind)
			return kind, nil
		}
	}
	kind, err := x.fetchStart(r, resp, version)
	if err != nil {
		return "", err
	}
	x.proxy.starts.remember(r, version, kind)
	return kind, nil
}

// fetchStart asks the origin for the start of the file, as the client would have, and judges it.
func (x *exchange) fetchStart(r *http.Request, part *http.Response, want version) (filter.Kind, error) {
	if x.private {
		return "", errStart // its connection is taken by the part, which nobody asked for: see way
	}
	ctx, cancel := context.WithTimeout(r.Context(), x.proxy.limits.Response)
	defer cancel()
	ask := r.Clone(ctx)
	ask.Body, ask.ContentLength = http.NoBody, 0
	for _, name := range []string{
		"If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Expect", "Connection", "Upgrade",
	} {
		ask.Header.Del(name)
	}
	ask.Header.Set("Range", "bytes=0-"+strconv.Itoa(startBytes-1))
	start, err := x.proxy.transport.RoundTrip(ask)
	if err != nil {
		return "", err
	}
	defer func() { _ = start.Body.Close() }() // the rest is not wanted
	if !isStart(start) || !versionOf(start).same(want) {
		return "", errStart
	}
	e, of := evidence(r, start), evidence(r, part)
	e.Disposition = append(e.Disposition, of.Disposition...)
	if !isMultipart(part) {
		e.Type = append(e.Type, of.Type...)
	}
	j := content.NewJudge(e)
	held := x.held
	_, settled, err := x.readUntil(j, io.LimitReader(start.Body, startBytes))
	x.release(x.held - held)
	if !settled {
		return "", errors.Join(err, errStart)
	}
	return kindOf(j), nil
}

// isStart reports whether a response begins at the beginning.
func isStart(resp *http.Response) bool {
	if resp.StatusCode == http.StatusOK {
		return true
	}
	part, ok := parseContentRange(resp)
	return resp.StatusCode == http.StatusPartialContent && ok && part.first == 0
}

func isMultipart(resp *http.Response) bool {
	return strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "multipart/")
}

// isByteranges reports whether a response says that it is several parts of a file.
func isByteranges(resp *http.Response) bool {
	return slices.ContainsFunc(resp.Header.Values("Content-Type"), func(v string) bool {
		const parts = "multipart/byteranges"
		v = strings.TrimSpace(v)
		return len(v) >= len(parts) && strings.EqualFold(v[:len(parts)], parts)
	})
}

// contentRange is a part of a file: its first and last byte and the length of the whole, -1 when that is unknown.
type contentRange struct{ first, last, total int64 }

func (c contentRange) whole() bool { return c.first == 0 && c.total == c.last+1 }

// parseContentRange reads the one Content-Range of a response (RFC 9110 section 14.4).
func parseContentRange(resp *http.Response) (contentRange, bool) {
	values := resp.Header.Values("Content-Range")
	if len(values) != 1 || isMultipart(resp) {
		return contentRange{}, false
	}
	unit, rest, _ := strings.Cut(values[0], " ")
	span, total, ok := strings.Cut(rest, "/")
	first, last, dash := strings.Cut(span, "-")
	if !strings.EqualFold(unit, "bytes") || !ok || !dash {
		return contentRange{}, false
	}
	c := contentRange{total: -1}
	var err error
	if c.first, err = parseLength(first); err != nil {
		return contentRange{}, false
	}
	if c.last, err = parseLength(last); err != nil {
		return contentRange{}, false
	}
	if total != "*" {
		if c.total, err = parseLength(total); err != nil || c.last >= c.total {
			return contentRange{}, false
		}
	}
	return c, c.first <= c.last
}

func parseLength(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

// version says which file a response is of, or holds a part of: what must be equal for two of them to be joined.
type version struct {
	etag, modified, coding string
	total                  int64 // -1: unknown
}

func versionOf(resp *http.Response) version {
	v := version{
		etag: resp.Header.Get("Etag"), modified: resp.Header.Get("Last-Modified"),
		coding: strings.Join(resp.Header.Values("Content-Encoding"), ","), total: -1,
	}
	if resp.StatusCode == http.StatusPartialContent {
		if part, ok := parseContentRange(resp); ok {
			v.total = part.total
		}
		return v
	}
	v.total = resp.ContentLength
	return v
}

// same reports whether two responses are of one file. A length that one of them does not tell is no difference.
func (v version) same(w version) bool {
	return v.etag == w.etag && v.modified == w.modified && v.coding == w.coding &&
		(v.total == w.total || v.total < 0 || w.total < 0)
}

// validated reports whether the origin says how to tell this version from another.
func (v version) validated() bool { return v.etag != "" || v.modified != "" }

// starts remembers what the starts of files were, bounded, under keys that say nothing without a secret made at start: no
// URL is in memory longer than its request.
type starts struct {
	secret []byte
	kinds  *lru.Cache[[sha256.Size]byte, filter.Kind]
}

func newStarts() *starts {
	s := &starts{secret: make([]byte, sha256.Size)}
	_, _ = rand.Read(s.secret)                                      // never fails
	s.kinds, _ = lru.New[[sha256.Size]byte, filter.Kind](maxStarts) // fails for a size below 1 only
	return s
}

func (s *starts) remember(r *http.Request, v version, k filter.Kind) {
	if v.validated() {
		s.kinds.Add(s.key(r, v), k)
	}
}

func (s *starts) recall(r *http.Request, v version) (filter.Kind, bool) {
	if !v.validated() {
		return "", false
	}
	if k, ok := s.kinds.Get(s.key(r, v)); ok {
		return k, true
	}
	v.total = -1 // as it was sent without a length
	return s.kinds.Get(s.key(r, v))
}

func (s *starts) key(r *http.Request, v version) (key [sha256.Size]byte) {
	h := hmac.New(sha256.New, s.secret)
	for _, part := range []string{
		r.URL.Scheme, r.URL.Host, r.URL.EscapedPath(), r.URL.RawQuery, v.etag, v.modified, v.coding,
		strconv.FormatInt(v.total, 10),
	} {
		_, _ = io.WriteString(h, strconv.Itoa(len(part))+":"+part) // a hash never fails
	}
	h.Sum(key[:0])
	return key
}
