package content_test

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/keersluis/keersluis/filter/content"
)

// BenchmarkJudge is the cost of one response. Budget: 2 µs and 4 allocations for what pages are made of, uncoded.
func BenchmarkJudge(b *testing.B) {
	jpeg := append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF"), make([]byte, 4000)...)
	html := []byte(page + string(bytes.Repeat([]byte("<p>text</p>\n"), 2000)))
	json := []byte(`{"a":[1,2,3]}`)
	data := bytes.Repeat([]byte("\x93\x01\x02\x03"), 1000)
	zip := append([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00"), data...)
	var wide bytes.Buffer
	z, err := zstd.NewWriter(&wide, zstd.WithWindowSize(8<<20), zstd.WithSingleSegment(false))
	if err != nil {
		b.Fatal(err)
	}
	_, _ = z.Write(bytes.Repeat(html, 400))
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	benchmarks := []struct {
		name, path, mime, coding string
		body                     []byte
	}{
		{"jpeg", "/img/photo.jpg", "image/jpeg", "", jpeg},
		{"html", "/index.html", "text/html; charset=utf-8", "", html},
		{"json", "/api/items", "application/json", "", json},
		{"script", "/app.js", "text/javascript", "", []byte("var a = 1")},
		{"data", "/blob", "application/octet-stream", "", data},
		{"zip", "/a.zip", "application/zip", "", zip},
		{"html-gzip", "/index.html", "text/html", "gzip", encode(b, "gzip", html)},
		{"html-br", "/index.html", "text/html", "br", encode(b, "br", html)},
		{"html-zstd", "/index.html", "text/html", "zstd", encode(b, "zstd", html)},
		{"html-zstd-8MiB", "/index.html", "text/html", "zstd", wide.Bytes()},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			e := content.Evidence{URLPath: bm.path, Type: []string{bm.mime}}
			if bm.coding != "" {
				e.Encoding = []string{bm.coding}
			}
			b.ReportAllocs()
			for b.Loop() {
				if r := judge(e, bm.body, 4096); r.Kind.Software() {
					b.Fatal(r)
				}
			}
		})
	}
}
