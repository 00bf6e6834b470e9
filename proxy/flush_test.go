package proxy_test

import (
	"io"
	"net/http"
	"testing"
)

// What an origin sends of a body of known length is passed on when it comes, not when the rest does.
func TestPieceOfKnownLengthArrives(t *testing.T) {
	release := make(chan struct{}, 8)
	l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "20")
		_, _ = io.WriteString(w, "first half")
		_ = http.NewResponseController(w).Flush()
		<-release
		_, _ = io.WriteString(w, "other half")
	})})
	l.each(func(t *testing.T, w way) {
		resp := w.get(t, w.base(site)+"/")
		defer resp.Body.Close()
		piece := make([]byte, 10)
		if _, err := io.ReadFull(resp.Body, piece); err != nil || string(piece) != "first half" {
			t.Fatalf("read %q, %v before the origin went on", piece, err)
		}
		release <- struct{}{}
		if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "other half" {
			t.Errorf("then %q, %v", rest, err)
		}
	})
}
