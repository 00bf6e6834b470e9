package proxy_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy"
)

// windowsProgram returns n bytes that Windows would run.
func windowsProgram(n int) []byte {
	b := make([]byte, n)
	copy(b, "MZ\x90\x00\x03\x00\x00\x00\x04")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00\x64\x86")
	return b
}

func zstandard(tb testing.TB, b []byte) []byte {
	tb.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// archived returns a tar of one file.
func archived(tb testing.TB, name string, b []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b))}); err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestProgramsAsStreams(t *testing.T) {
	event := []byte("data: 1\n\n")
	for _, tt := range []struct {
		name, kind, coding string
		body               []byte
		piece              int
		clean              bool
		passes             int // bytes, at most, of what isn't
	}{
		{"program", "text/event-stream", "", windowsProgram(4096), 600, false, 0},
		{"program that ends before it is settled", "text/event-stream", "", windowsProgram(0x88), 1, false, 0},
		{"program in one piece", "text/event-stream", "", windowsProgram(4096), 4096, false, 0},
		{"coded program", "text/event-stream", "gzip", zipped(windowsProgram(4096)), 16, false, 0},
		{"program in a coding of blocks", "text/event-stream", "zstd", zstandard(t, windowsProgram(4096)), 16, false, 0},
		{"program in a coding of blocks, at once", "text/event-stream", "zstd", zstandard(t, windowsProgram(4096)), 4096, false, 0},
		{"program for Android", "text/event-stream", "", []byte("dex\n035\x00" + strings.Repeat("\x00", 200)), 1, false, 0},
		{"not in the coding that it says", "text/event-stream", "zstd", event, 100, false, 0},
		{"program as gRPC", "application/grpc", "", windowsProgram(4096), 600, false, 0},
		{"program as text of gRPC", "application/grpc-web-text", "", windowsProgram(4096), 600, false, 0},
		{"program as parts", "multipart/mixed; boundary=b", "", windowsProgram(4096), 600, false, 0},
		{"archive that begins as parts do", "multipart/mixed; boundary=b", "", archived(t, "--b.exe", windowsProgram(600)), 300, false, 300},
		{"events", "text/event-stream", "", bytes.Repeat(event, 10), 9, true, 0},
		{"events after a mark", "text/event-stream", "", []byte("\xef\xbb\xbfdata: 1\n\n"), 1, true, 0},
		{"comments", "text/event-stream", "", []byte(":\n:\n"), 1, true, 0},
		{"fields that nobody knows", "text/event-stream", "", []byte("more: 1\n\n"), 1, true, 0},
		{"coded events", "text/event-stream", "gzip", zipped(event), 5, true, 0},
		{"nothing", "text/event-stream", "", nil, 1, true, 0},
		{"messages", "application/grpc", "", []byte("\x00\x00\x00\x00\x03abc\x00\x00\x00\x00\x01d"), 3, true, 0},
		{"pictures", "multipart/x-mixed-replace; boundary=b", "", []byte("--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\r\n--b--"), 3, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				if tt.coding != "" {
					w.Header().Set("Content-Encoding", tt.coding)
				}
				for b := tt.body; len(b) > 0; b = b[min(tt.piece, len(b)):] {
					_, _ = w.Write(b[:min(tt.piece, len(b))])
					_ = http.NewResponseController(w).Flush()
				}
			})})
			l.each(func(t *testing.T, w way) {
				resp := w.do(t, http.MethodGet, w.base(site)+"/", http.Header{"Accept-Encoding": {"gzip, zstd"}}, nil)
				got, err := io.ReadAll(resp.Body)
				if tt.clean && (err != nil || !bytes.Equal(got, tt.body)) {
					t.Errorf("= %q %v, want all of it", got, err)
				}
				if !tt.clean && (err == nil || len(got) > tt.passes) {
					t.Errorf("= %d bytes, %v, want at most %d and then broken off", len(got), err, tt.passes)
				}
			})
			l.stop()
			for _, e := range l.records.all() {
				if (e.Outcome == logging.Allowed) != tt.clean {
					t.Errorf("recorded %s", e.Outcome)
				}
			}
		})
	}
}

func TestCodedEventsComeAtOnce(t *testing.T) {
	next := make(chan int)
	l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		_ = http.NewResponseController(w).Flush()
		z := gzip.NewWriter(w)
		for i := range next {
			_, _ = fmt.Fprintf(z, "data: %d\n", i)
			_ = z.Flush()
			_ = http.NewResponseController(w).Flush()
			if i == 3 {
				return
			}
		}
	})})
	l.each(func(t *testing.T, w way) {
		resp := w.do(t, http.MethodGet, w.base(site)+"/", http.Header{"Accept-Encoding": {"gzip"}}, nil)
		next <- 0
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(z)
		for i := range 4 {
			if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("event = %q %v, want number %d before the next is sent", line, err, i)
			}
			if i < 3 {
				next <- i + 1
			}
		}
	})
}

func TestOriginThatStopsBeforeItIsJudged(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	l := newLab(t, setup{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.URL.Query().Get("type"))
			w.Header().Set("Content-Encoding", "zstd")
			_, _ = w.Write([]byte("\x28\xb5\x2f\xfd\x04\x58")) // the head of a frame
			_ = http.NewResponseController(w).Flush()
			<-release
		}),
		limits: proxy.Limits{Judge: 200 * time.Millisecond},
	})
	l.each(func(t *testing.T, w way) {
		if resp := w.get(t, w.base(site)+"/?type=application/zip"); resp.StatusCode != 504 {
			t.Errorf("download = %d, want 504", resp.StatusCode)
		}
		resp := w.get(t, w.base(site)+"/?type=text/event-stream")
		if got, err := io.ReadAll(resp.Body); err == nil || isTimeout(err) || len(got) > 0 {
			t.Errorf("stream = %q %v, want it broken off", got, err)
		}
	})
}

func TestWithheldBytesAreBounded(t *testing.T) {
	const enough, large = 4 << 10, 300_000
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write(bytes.Repeat([]byte("text "), large/5))
		case "/program":
			_, _ = w.Write(program(1000))
		}
	})
	for _, tt := range []struct {
		limit int64
		role  filter.Role
		want  map[string]int
	}{
		{enough, filter.Employee, map[string]int{"/large": 200, "/program": 403, "/empty": 200}},
		{enough - 1, filter.Employee, map[string]int{"/large": 503, "/program": 503, "/empty": 503}},
		{enough - 1, administrator, map[string]int{"/large": 200, "/program": 200, "/empty": 200}}, // nothing is withheld
	} {
		t.Run(fmt.Sprint(tt.limit, tt.role), func(t *testing.T) {
			l := newLab(t, setup{handler: handler, limits: proxy.Limits{Withheld: tt.limit}, roles: []filter.Role{tt.role}})
			l.each(func(t *testing.T, w way) {
				for range 3 { // what was held is given back
					for path, want := range tt.want {
						resp := w.get(t, w.base(site)+path)
						if body := text(t, resp); resp.StatusCode != want || want == 200 && path == "/large" && len(body) != large {
							t.Errorf("%s = %d with %d bytes, want %d", path, resp.StatusCode, len(body), want)
						}
					}
				}
			})
		})
	}
}
