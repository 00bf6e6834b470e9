package proxy_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
)

// program returns n bytes of an ELF executable.
func program(n int) []byte {
	b := bytes.Repeat([]byte{0x90}, n)
	copy(b, "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00\x01\x00\x00\x00")
	return b
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func TestDownloads(t *testing.T) {
	files := map[string]func(w http.ResponseWriter){
		"/page": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><title>x</title>")
		},
		"/bytes": func(w http.ResponseWriter) { _, _ = w.Write(program(5000)) },
		"/lying": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(program(5000))
		},
		"/coded": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped(program(5000)))
		},
		"/disposition": func(w http.ResponseWriter) {
			w.Header()["Content-Disposition"] = []string{`attachment; filename="a.txt"`, `attachment; filename*=UTF-8''setup%2Eexe`}
			_, _ = io.WriteString(w, "text")
		},
		"/drip": func(w http.ResponseWriter) { // one byte at a time
			for _, c := range program(64) {
				_, _ = w.Write([]byte{c})
				_ = http.NewResponseController(w).Flush()
			}
		},
		"/error": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write(program(5000))
		},
		"/reset": func(w http.ResponseWriter) { // RFC 9110 section 15.3.6: without a body, but who sends one has it passed on
			w.WriteHeader(http.StatusResetContent)
			_, _ = w.Write(program(5000))
		},
		"/reset/empty": func(w http.ResponseWriter) { w.WriteHeader(http.StatusResetContent) },
		"/byteranges": func(w http.ResponseWriter) { // which is for 206 only
			w.Header().Set("Content-Type", "multipart/byteranges; boundary=b")
			_, _ = io.WriteString(w, "--b\r\nContent-Range: bytes 0-4999/5000\r\n\r\n"+string(program(5000))+"\r\n--b--\r\n")
		},
		"/setup.exe": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"/moved.exe": func(w http.ResponseWriter) {
			w.Header().Set("Location", "/bytes")
			w.WriteHeader(http.StatusFound)
		},
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { files[r.URL.Path](w) })
	blocked := map[string]bool{
		"/bytes": true, "/lying": true, "/coded": true, "/disposition": true, "/drip": true, "/error": true,
		"/reset": true, "/byteranges": true,
	}
	for _, role := range []filter.Role{filter.Employee, administrator} {
		t.Run(string(role), func(t *testing.T) {
			l := newLab(t, setup{handler: handler, roles: []filter.Role{role}})
			l.each(func(t *testing.T, w way) {
				for path := range files {
					resp := w.get(t, w.base(site)+path)
					body := text(t, resp)
					page := strings.Contains(resp.Header.Get("Proxy-Status"), "denied")
					if want := blocked[path] && role == filter.Employee; page != want {
						t.Errorf("%s = %d %.60q, blocked %v, want %v", path, resp.StatusCode, body, page, want)
					}
					if page && (resp.StatusCode != 403 || strings.Contains(body, "ELF") || resp.Header.Get("Content-Encoding") != "" ||
						resp.Header.Get("Content-Disposition") != "") {
						t.Errorf("%s: the page is %d with %v", path, resp.StatusCode, resp.Header)
					}
					if !page && path == "/bytes" && body != string(program(5000)) {
						t.Errorf("%s arrived changed", path)
					}
				}
			})
			l.stop()
			n := 0
			for _, e := range l.records.all() {
				if e.Outcome == logging.Blocked && e.Category == "software" {
					n++
				}
			}
			if want := 3 * len(blocked); role == filter.Employee && n != want || role == administrator && n != 0 {
				t.Errorf("%d blocked exchanges recorded", n)
			}
		})
	}
}

func TestStreamThatBecomesSoftware(t *testing.T) {
	l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write(program(64 << 10))
	})})
	l.each(func(t *testing.T, w way) {
		resp, err := w.client.Get(w.base(site) + "/")
		if err != nil {
			return // cut at once
		}
		defer resp.Body.Close()
		if got, err := io.ReadAll(resp.Body); err == nil || len(got) > 0 {
			t.Errorf("%d bytes of a program came as an event stream, end %v", len(got), err)
		}
	})
}

// ranged is an origin of one file in several versions.
type ranged struct {
	mu     sync.Mutex
	file   []byte
	etag   string
	seen   []string // Range fields
	starts []byte   // served for ranges from 0 instead of file
	multi  bool
}

func (o *ranged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, r.Header.Get("Range"))
	w.Header().Set("Content-Type", "application/octet-stream")
	if o.etag != "" {
		w.Header().Set("Etag", o.etag)
	}
	spec, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if !ok {
		_, _ = w.Write(o.file)
		return
	}
	if o.multi && strings.Contains(spec, ",") {
		w.Header().Set("Content-Type", "multipart/byteranges; boundary=b")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "--b\r\n\r\n"+string(o.file)+"\r\n--b--\r\n")
		return
	}
	from, to, _ := strings.Cut(spec, "-")
	first, _ := strconv.Atoi(from)
	last, err := strconv.Atoi(to)
	if err != nil || last >= len(o.file) {
		last = len(o.file) - 1
	}
	body := o.file
	if first == 0 && o.starts != nil {
		body = o.starts
	}
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(o.file)))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(body[first : last+1])
}

func TestRanges(t *testing.T) {
	clean := bytes.Repeat([]byte("just some text, and more of it.\n"), 1000)
	for _, tt := range []struct {
		name   string
		origin *ranged
		asks   []string // Range fields; "" for the whole
		want   []int
		seen   string // Range fields that reach the origin
	}{
		{
			"clean file in parts: one look at the start", &ranged{file: clean, etag: `"1"`},
			[]string{"bytes=1000-1999", "bytes=2000-"},
			[]int{206, 206},
			"bytes=1000-1999,bytes=0-163839,bytes=2000-",
		},
		{
			"clean file after a download", &ranged{file: clean, etag: `"1"`},
			[]string{"", "bytes=2000-2999"},
			[]int{200, 206},
			",bytes=2000-2999",
		},
		{
			"program in parts", &ranged{file: program(9000), etag: `"1"`},
			[]string{"bytes=1000-1999", "bytes=2000-2999"},
			[]int{403, 403},
			"bytes=1000-1999,bytes=0-163839,bytes=2000-2999",
		},
		{
			"first byte of a program", &ranged{file: program(9000), etag: `"1"`},
			[]string{"bytes=0-0", "bytes=1-"},
			[]int{403, 403},
			"",
		},
		{
			"no validator: asked each time", &ranged{file: clean},
			[]string{"bytes=1000-1999", "bytes=2000-2999"},
			[]int{206, 206},
			"bytes=1000-1999,bytes=0-163839,bytes=2000-2999,bytes=0-163839",
		},
		{
			"several ranges of a program", &ranged{file: program(9000), etag: `"1"`, multi: true},
			[]string{"bytes=5-9,20-30"},
			[]int{403},
			"",
		},
		{
			"several ranges of a clean file", &ranged{file: clean, etag: `"1"`, multi: true},
			[]string{"bytes=5-9,20-30"},
			[]int{206},
			"",
		},
		{
			"start of another length", &ranged{file: program(9000), etag: `"1"`, starts: clean},
			[]string{"bytes=1000-1999"},
			[]int{206},
			"", // an origin that lies about one version can't be caught
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, setup{handler: tt.origin})
			w := l.ways()[0]
			for i, ask := range tt.asks {
				h := http.Header{}
				if ask != "" {
					h.Set("Range", ask)
				}
				resp := w.do(t, http.MethodGet, w.base(site)+"/file", h, nil)
				body := text(t, resp)
				if resp.StatusCode != tt.want[i] {
					t.Errorf("%q = %d, want %d", ask, resp.StatusCode, tt.want[i])
				}
				if ask == "bytes=1000-1999" && resp.StatusCode == 206 && body != string(tt.origin.file[1000:2000]) {
					t.Errorf("%q arrived changed", ask)
				}
			}
			if got := strings.Join(tt.origin.seen, ","); tt.seen != "" && got != tt.seen {
				t.Errorf("origin saw %q, want %q", got, tt.seen)
			}
		})
	}
}

func TestRangeOfAnotherVersion(t *testing.T) {
	n := 0
	l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("Etag", strconv.Quote(strconv.Itoa(n))) // each answer another version
		w.Header().Set("Content-Range", "bytes 10-19/1000")
		if strings.HasPrefix(r.Header.Get("Range"), "bytes=0-") {
			w.Header().Set("Content-Range", "bytes 0-9/1000")
		}
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "0123456789")
	})})
	w := l.ways()[0]
	if resp := w.do(t, http.MethodGet, w.base(site)+"/", http.Header{"Range": {"bytes=10-19"}}, nil); resp.StatusCode != 502 {
		t.Errorf("part of a file whose start is of another version = %d, want 502", resp.StatusCode)
	}
}

func TestUnreadableRange(t *testing.T) {
	for _, field := range []string{"", "bytes 10-19", "bytes 19-10/100", "lines 1-2/3", "bytes 0-200/100", "bytes -1-2/3"} {
		t.Run(field, func(t *testing.T) {
			l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if field != "" {
					w.Header().Set("Content-Range", field)
				}
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(program(100)[24:])
			})})
			w := l.ways()[0]
			if resp := w.do(t, http.MethodGet, w.base(site)+"/", http.Header{"Range": {"bytes=10-19"}}, nil); resp.StatusCode != 502 {
				t.Errorf("Content-Range %q = %d, want 502", field, resp.StatusCode)
			}
		})
	}
}

func TestHeadOfProgram(t *testing.T) {
	l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment; filename=setup.msi")
	})})
	l.each(func(t *testing.T, w way) {
		resp := w.do(t, http.MethodHead, w.base(site)+"/get", nil, nil)
		if body := text(t, resp); resp.StatusCode != 403 || body != "" {
			t.Errorf("HEAD = %d %q, want 403 without a body", resp.StatusCode, body)
		}
	})
}

func TestSeekingInMedia(t *testing.T) {
	// A player seeks in a video: each part comes, and one look at the start is enough.
	video := append([]byte("\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"), make([]byte, 400_000)...)
	o := &ranged{file: video, etag: `"v"`}
	l := newLab(t, setup{handler: o})
	l.each(func(t *testing.T, w way) {
		for _, first := range []int{0, 300_000, 100_000, 350_000} {
			ask := fmt.Sprintf("bytes=%d-%d", first, first+9999)
			resp := w.do(t, http.MethodGet, w.base(site)+"/film.mp4", http.Header{"Range": {ask}}, nil)
			if body := text(t, resp); resp.StatusCode != 206 || body != string(video[first:first+10_000]) {
				t.Errorf("%s = %d with %d bytes", ask, resp.StatusCode, len(body))
			}
		}
	})
	if n := len(o.seen); n > 3*4+2 {
		t.Errorf("origin was asked %d times for 12 parts", n)
	}
}
