package content_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"github.com/keersluis/keersluis/filter/content"
)

// pe returns the start of a Windows program.
func pe() []byte {
	b := make([]byte, 1024)
	copy(b, "MZ\x90\x00\x03\x00\x00\x00\x04\x00")
	b[0x3c] = 0x80
	copy(b[0x80:], "PE\x00\x00\x64\x86")
	return b
}

const page = "<!DOCTYPE html>\n<html><head><title>x</title></head><body>setup.exe</body></html>"

func TestVerdict(t *testing.T) {
	exe, png, pdf := string(pe()), "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "%PDF-1.7\n"
	attach := func(name string) []string { return []string{`attachment; filename="` + name + `"`} }
	type evidence = content.Evidence
	tests := []struct {
		name string
		e    evidence
		body string
		want content.Kind
	}{
		{"program", evidence{URLPath: "/setup.exe", Type: []string{"application/octet-stream"}}, exe, content.Executable},
		{"program as picture", evidence{URLPath: "/a.png", Type: []string{"image/png"}, Dest: "image"}, exe, content.Executable},
		{"program without anything", evidence{}, exe, content.Executable},
		{"name alone", evidence{URLPath: "/setup.exe", Type: []string{"application/octet-stream"}}, "no program", content.Executable},
		{"name in attachment of text", evidence{URLPath: "/get", Disposition: attach("setup.exe"), Type: []string{"text/html"}}, page, content.Executable},
		{"type alone", evidence{URLPath: "/get", Type: []string{"Application/X-MSDownload; x=y"}}, "whatever", content.Executable},
		{"second type", evidence{Type: []string{"text/plain", "application/x-msi"}}, "whatever", content.Installer},
		{"type of software on a PDF", evidence{URLPath: "/get", Type: []string{"application/x-msdownload"}}, pdf, content.Document},
		{"name of a program on a PDF", evidence{Disposition: attach("a.exe"), Type: []string{"application/pdf"}}, pdf, content.Executable},

		{"page about a .com", evidence{URLPath: "/web/http://example.com", Type: []string{"text/html"}}, page, content.WebPage},
		{"page of a CGI program", evidence{URLPath: "/cgi-bin/report.exe", Type: []string{"text/html; charset=utf-8"}}, page, content.WebPage},
		{"map of a CGI program", evidence{URLPath: "/cgi-bin/mapserv.exe", Query: "map=x.map", Type: []string{"image/png"}}, png, content.Media},
		{"page of a script repository", evidence{URLPath: "/a/b/blob/main/install.ps1", Type: []string{"text/html"}}, page, content.WebPage},
		{"page after blanks", evidence{URLPath: "/a/b/blob/main/install.ps1", Type: []string{"text/html"}}, "\n\n\n\n\n\n\n" + page, content.WebPage},
		{"script that calls itself a page", evidence{URLPath: "/install.ps1", Type: []string{"text/html"}}, "Write-Host x", content.Script},
		{"keep-alive of an API", evidence{URLPath: "/x", Type: []string{"application/json"}}, "      {}", content.WebAsset},
		{"raw script of a repository", evidence{URLPath: "/a/b/main/install.ps1", Type: []string{"text/plain"}}, "Write-Host x", content.Script},
		{"answer of an API about a file", evidence{URLPath: "/contents/install.sh", Type: []string{"application/json"}}, `{"a":1}`, content.WebAsset},
		{"plain text under a program's name", evidence{URLPath: "/setup.exe", Type: []string{"text/plain"}}, "not here", content.Executable},
		{"logo of a site", evidence{URLPath: "/logo/example.com", Type: []string{"image/png"}}, png, content.Media},
		{"site in a query", evidence{URLPath: "/check", Query: "site=example.com&ref=allegro.pl", Type: []string{"application/octet-stream"}}, "x", content.Text},
		{"file in a query", evidence{URLPath: "/get", Query: "file=setup.exe", Type: []string{"application/octet-stream"}}, "x", content.Executable},
		{"encoded file in a query", evidence{URLPath: "/get", Query: "file=a%252Fsetup%252Emsi"}, "\x01\x02\x03", content.Installer},
		{"file in a query of a page", evidence{URLPath: "/get", Query: "file=setup.exe", Type: []string{"text/html"}}, page, content.WebPage},
		{"page by PHP", evidence{URLPath: "/index.php", Type: []string{"application/octet-stream"}}, "x", content.Text},
		{"PHP as a file", evidence{URLPath: "/get", Disposition: attach("index.php")}, "x", content.Script},

		{"script of a page", evidence{URLPath: "/app.js", Type: []string{"text/javascript"}, Dest: "script"}, "var a", content.WebAsset},
		{"script of a page, no header", evidence{URLPath: "/app.mjs", Type: []string{"application/javascript"}}, "var a", content.WebAsset},
		{"script of a page, poor type", evidence{URLPath: "/app.js", Type: []string{"text/plain"}, Dest: "script"}, "var a", content.Text},
		{"script of a page, attached", evidence{URLPath: "/app.js", Disposition: attach("app.js"), Type: []string{"text/javascript"}, Dest: "script"}, "var a", content.WebAsset},
		{"script for a shell, on node's line", evidence{URLPath: "/cli.js", Type: []string{"text/javascript"}, Dest: "script"}, "#!/usr/bin/env node\n", content.WebAsset},
		{"script as a file", evidence{URLPath: "/app", Disposition: attach("app.js"), Type: []string{"text/javascript"}}, "var a", content.Script},
		{"script as a file, from its URL", evidence{URLPath: "/app.js", Disposition: []string{"attachment"}, Type: []string{"text/javascript"}}, "var a", content.Script},
		{"script of a page, named", evidence{URLPath: "/get", Disposition: []string{`inline; filename="app.js"`}, Type: []string{"text/javascript"}}, "var a", content.WebAsset},
		{"style", evidence{URLPath: "/a.css", Type: []string{"text/css"}, Dest: "style"}, "a{}", content.WebAsset},
		{"web assembly", evidence{URLPath: "/a.wasm", Type: []string{"application/wasm"}}, "\x00asm\x01\x00\x00\x00", content.WASM},

		{"interpreter line", evidence{URLPath: "/x.txt", Type: []string{"text/plain"}}, "#!/bin/sh\nid\n", content.Script},
		{"batch file as text", evidence{URLPath: "/x.txt", Type: []string{"text/plain"}}, "\r\n@ECHO OFF\r\n", content.Script},
		{"registry file in UTF-16", evidence{}, "\xff\xfeW\x00i\x00n\x00d\x00o\x00w\x00s\x00 \x00R\x00e\x00g\x00i\x00s\x00t\x00r\x00y\x00 \x00E\x00d\x00i\x00t\x00o\x00r\x00 \x00V\x00e\x00r\x00s\x00i\x00o\x00n\x00 \x00", content.Script},
		{"script host file", evidence{Type: []string{"text/xml"}}, `<?xml version="1.0"?><package><job id="a"><script language="VBScript">`, content.Script},
		{"job of an API", evidence{Type: []string{"text/xml"}}, `<?xml version="1.0"?><job><state>done</state></job>`, content.Text},
		{"API description", evidence{Type: []string{"application/xml"}}, `<application xmlns="http://wadl.dev.java.net/2009/02"/>`, content.Text},
		{"ClickOnce", evidence{Type: []string{"text/xml"}}, `<?xml version="1.0"?><!-- x --><asmv1:assembly xmlns:asmv1="x"/>`, content.Installer},
		{"shortcut", evidence{Type: []string{"text/plain"}}, "[InternetShortcut]\r\nURL=file://x", content.Shortcut},
		{"text that begins with MZ", evidence{Type: []string{"text/plain"}}, strings.Repeat("MZ,Mozambique\n", 20), content.Text},
		{"short text that begins with MZ", evidence{}, "MZ", content.Text},
		{"old program", evidence{}, "MZ\x10\x00\x02\x00\x00\x00\x02\x00" + strings.Repeat("\x00", 40), content.Executable},
		{"program whose header is far", evidence{}, "MZ\x90\x00\x03\x00\x00\x00\x04\x00" + strings.Repeat("\x00", 50) + "\x00\x00\x20\x00" + strings.Repeat("x", 70<<10), content.Executable},

		{"no bytes, page", evidence{URLPath: "/x.exe", Type: []string{"text/html"}}, "", content.WebPage},
		{"no bytes, program", evidence{URLPath: "/x.exe", Type: []string{"application/octet-stream"}}, "", content.Executable},
		{"nothing", evidence{}, "", content.Unknown},
		{"unknown coding", evidence{Encoding: []string{"sdch"}, Type: []string{"text/html"}}, page, content.Undecodable},
		{"unknown coding around a program", evidence{Encoding: []string{"sdch"}}, exe, content.Executable},
		{"three codings", evidence{Encoding: []string{"gzip, gzip", "br"}}, "x", content.Undecodable},
		{"coding that is none", evidence{Encoding: []string{"UTF-8"}, Type: []string{"text/html"}}, page, content.WebPage},
		{"false coding", evidence{Encoding: []string{"gzip"}, Type: []string{"text/html"}}, page, content.Undecodable},
		{"false coding on a program", evidence{Encoding: []string{"br"}}, exe, content.Executable},
		{"coded, no bytes", evidence{Encoding: []string{"gzip"}, Type: []string{"text/html"}}, "", content.WebPage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(tt.e, []byte(tt.body), 0); got.Kind != tt.want {
				t.Errorf("judged %+v, want %s", got, tt.want)
			}
			if got := judge(tt.e, []byte(tt.body), 1); got.Kind != tt.want {
				t.Errorf("judged in pieces %+v, want %s", got, tt.want)
			}
		})
	}
}

// TestNeedsFew holds how many bytes settle a response: what comes in pieces with pauses must not wait for the next one.
func TestNeedsFew(t *testing.T) {
	tests := []struct {
		name, mime, body string
		max              int
	}{
		{"server-sent events", "text/event-stream", "", 0},
		{"gRPC", "application/grpc-web+proto", "", 0},
		{"multipart that replaces itself", "multipart/x-mixed-replace; boundary=x", "", 0},
		{"JSON", "application/json", `{"a":1}`, 2},
		{"plain text", "text/plain", "hello", 2},
		{"text beyond ASCII", "text/plain", "é", 2},
		{"script", "text/javascript", "var a", 2},
		{"page", "text/html", page, 15},
		{"picture", "image/jpeg", "\xff\xd8\xff\xe0", 3},
		{"video", "video/mp4", "\x00\x00\x00\x20ftypisom", 8},
		{"PDF", "application/pdf", "%PDF-1.7", 5},
		{"data", "application/octet-stream", "\x93" + strings.Repeat("\x01", 600), 64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := content.NewJudge(content.Evidence{Type: []string{tt.mime}})
			n := 0
			for ; j.Need() && n < len(tt.body); n++ {
				j.Write([]byte{tt.body[n]})
			}
			if j.Need() || n > tt.max {
				t.Errorf("took %d bytes (still needs more: %v), want at most %d", n, j.Need(), tt.max)
			}
		})
	}
}

// TestStreamTurnsOut shows that a stream is judged on its way, and that asking for the verdict early changes nothing.
func TestStreamTurnsOut(t *testing.T) {
	j := content.NewJudge(content.Evidence{Type: []string{"text/event-stream"}})
	if got := j.Finish(); j.Need() || got.Kind.Software() {
		t.Fatalf("before its first byte: %+v, needs %v", got, j.Need())
	}
	for _, c := range pe() {
		if j.Write([]byte{c}) {
			break
		}
	}
	if got, want := j.Finish(), (content.Result{Kind: content.Executable, By: content.ByBytes}); got != want {
		t.Errorf("judged %+v, want %+v", got, want)
	}
	j = content.NewJudge(content.Evidence{Type: []string{"text/event-stream"}, Dest: "document"})
	if !j.Need() {
		t.Error("a stream that a browser would save was let go unseen")
	}
}

func TestNeverMoreThanThePrefix(t *testing.T) {
	zeros := make([]byte, 300<<10)
	zip := append([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00"), zeros...)
	for name, body := range map[string][]byte{"zeros": zeros, "zip": zip, "ole": append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), zeros...)} {
		j := content.NewJudge(content.Evidence{Type: []string{"application/octet-stream"}})
		n := 0
		for j.Need() && n < len(body) {
			j.Write(body[n : n+1000])
			n += 1000
		}
		if j.Need() || n > content.MaxPrefix+1000 {
			t.Errorf("%s: took %d bytes, want at most %d", name, n, content.MaxPrefix)
		}
	}
}

// encoders are the content codings, as a server makes them; raw is the deflate of servers that read the name as it stands.
var encoders = map[string]interface {
	io.WriteCloser
	Reset(w io.Writer)
}{
	"gzip":    made(gzip.NewWriterLevel(nil, gzip.BestSpeed)),
	"deflate": made(zlib.NewWriterLevel(nil, zlib.BestSpeed)),
	"raw":     made(flate.NewWriter(nil, flate.BestSpeed)),
	"br":      brotli.NewWriterLevel(nil, brotli.BestSpeed),
	"zstd":    made(zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))),
}

func made[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func encode(t testing.TB, name string, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := encoders[name]
	w.Reset(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCodings is the corpus in every coding and cut in every way: the verdict is that of the plain file.
func TestCodings(t *testing.T) {
	seen := map[string]bool{} // bodies that the corpus has under several names
	for i, s := range corpus(t) {
		if seen[string(s.body)] {
			continue
		}
		seen[string(s.body)] = true
		body := s.body[:min(len(s.body), 40<<10)] // past the descriptor of an ISO
		e := content.Evidence{URLPath: "/x", Type: []string{"text/plain"}}
		want := judge(e, body, 0)
		for _, n := range []int{1, 13, 4096} {
			if got := judge(e, body, n); got != want {
				t.Errorf("%s (%s) in pieces of %d = %v, want %v", s.name, s.kind, n, got, want)
			}
		}
		for k, coding := range slices.Sorted(maps.Keys(encoders)) {
			if (i+k)%2 > 0 && !hasPrefix(must, s.kind) {
				continue // for time
			}
			coded := encode(t, coding, body)
			e.Encoding = []string{strings.Replace(coding, "raw", "deflate", 1)}
			same := want
			if len(body) == 0 {
				continue
			}
			if strings.HasPrefix(s.kind, "dmg") {
				same.Kind = content.DiskImage // the trailer is seen in plain bodies only
			}
			for _, n := range []int{1 + len(coded)/50, 0} {
				if got := judge(e, coded, n); got != same {
					t.Errorf("%s (%s) in %s, pieces of %d = %v, want %v", s.name, s.kind, coding, n, got, same)
				}
			}
		}
		if i%4 > 0 {
			continue
		}
		twice := encode(t, "br", encode(t, "gzip", body))
		e.Encoding = []string{"gzip, br"}
		if got := judge(e, twice, 777); got != want {
			t.Errorf("%s (%s) in two codings = %v, want %v", s.name, s.kind, got, want)
		}
	}
}

// TestFlushed is a coded stream of which each piece must be seen when it comes.
func TestFlushed(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(`{"tick":1}`))
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	j := content.NewJudge(content.Evidence{Type: []string{"application/json"}, Encoding: []string{"gzip"}})
	if j.Write(b.Bytes()); j.Need() {
		t.Error("the first piece of a coded stream is held")
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(pe(), "/a.exe", "f=a.exe", `attachment; filename="x.exe"`, "text/html", "gzip", uint64(1))
	f.Add([]byte("PK\x03\x04\x14\x00\x01\x00\x08\x00"), "/", "", "", "", "", uint64(2))
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), "", "", "", "", "br", uint64(3))
	f.Add([]byte("Rar!\x1a\x07\x01\x00"), "", "", "", "text/plain", "zstd", uint64(4))
	f.Add([]byte("Rar!\x1a\x07\x00\xcf\x90\x73\x00\x00\x0d\x00"), "", "", "", "", "deflate", uint64(5))
	f.Add([]byte("\xff\xfe<\x00?\x00x\x00m\x00l"), "", "", "", "text/plain", "", uint64(6))
	f.Add([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "", "", "", "", "", uint64(7))
	f.Fuzz(func(t *testing.T, body []byte, path, query, disposition, mime, coding string, seed uint64) {
		e := content.Evidence{
			URLPath: path, Query: query, Disposition: []string{disposition}, Type: []string{mime}, Encoding: []string{coding},
		}
		want := judge(e, body, 0)
		j := content.NewJudge(e)
		r := rand.New(rand.NewPCG(seed, 1))
		var early content.Result
		done := false
		for rest := body; len(rest) > 0; {
			n := 1 + r.IntN(min(len(rest), 1+r.IntN(600)))
			settled := j.Write(rest[:n])
			rest = rest[n:]
			if settled && !done {
				early, done = j.Finish(), true
			}
		}
		got := j.Finish()
		if got != want && (j.Need() || content.NewJudge(e).Need()) {
			t.Errorf("in pieces %v, whole %v", got, want)
		}
		if done && got != early {
			t.Errorf("settled on %v, then %v", early, got)
		}
	})
}
