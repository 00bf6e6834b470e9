package content_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/keersluis/keersluis/filter/content"
)

// TestCostIsBounded judges bodies that were made to be dear: files packed in one another, bombs, prologues without an end,
// in tiny pieces. The bound is generous, for slow machines; without bounds of our own these take minutes.
func TestCostIsBounded(t *testing.T) {
	noise := make([]byte, 200<<10)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	zeros := make([]byte, 8<<20)
	nest := append([]byte("PK\x03\x04"), noise...)
	for range 5 {
		nest = encode(t, "gzip", nest)
	}
	tests := []struct {
		name, coding string
		body         []byte
	}{
		{"nest", "gzip", encode(t, "gzip", nest)},
		{"nest in two codings", "gzip, br", encode(t, "br", encode(t, "gzip", nest))},
		{"bomb", "gzip", encode(t, "gzip", zeros)},
		{"bomb in a bomb", "gzip, gzip", encode(t, "gzip", encode(t, "gzip", zeros))},
		{"zstd bomb", "zstd", encode(t, "zstd", zeros)},
		{"comment without an end", "br", encode(t, "br", append([]byte("<!--"), bytes.Repeat([]byte("x"), 100<<10)...))},
		{"headers of nothing", "", bytes.Repeat([]byte("PK\x03\x04"), 50<<10)},
		{"noise", "deflate", noise},
		{"bzip2", "gzip", encode(t, "gzip", append([]byte("BZh9\x31\x41\x59\x26\x53\x59"), noise...))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			judge(content.Evidence{Encoding: []string{tt.coding}, Type: []string{"text/html"}}, tt.body, 3)
			took := time.Since(start)
			if took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			t.Logf("took %v", took)
		})
	}
}

// TestJudgeIsSmall holds what a response that settles at once costs.
func TestJudgeIsSmall(t *testing.T) {
	e := content.Evidence{URLPath: "/photo.jpg", Type: []string{"image/jpeg"}}
	body := append([]byte("\xff\xd8\xff\xe0"), make([]byte, 4096)...)
	got := testing.AllocsPerRun(100, func() {
		j := content.NewJudge(e)
		j.Write(body)
		j.Finish()
	})
	if got > 2 {
		t.Errorf("%v allocations, want at most 2", got)
	}
}
