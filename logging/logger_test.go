package logging_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/keersluis/keersluis/logging"
)

func TestNewLogger(t *testing.T) {
	var b bytes.Buffer
	log := logging.NewLogger(&b, zapcore.InfoLevel, logging.JSON)
	log.Debug("not shown")
	log.Info("lists swapped", zap.Int("hosts", 12), zap.Duration("took", 3*time.Second))
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%q: %v", b.String(), err)
	}
	at, _ := got["time"].(string)
	if _, err := time.Parse(time.RFC3339, at); err != nil || !strings.HasSuffix(at, "Z") {
		t.Errorf("time = %q, want RFC 3339 in UTC", at)
	}
	delete(got, "time")
	if len(got) != 4 || got["level"] != "info" || got["msg"] != "lists swapped" || got["hosts"] != 12.0 || got["took"] != "3s" {
		t.Errorf("entry = %v", got)
	}
	b.Reset()
	logging.NewLogger(&b, zapcore.WarnLevel, logging.Console).Warn("disk nearly full", zap.Int("percent", 95))
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "\twarn\tdisk nearly full\t") {
		t.Errorf("line = %q", got)
	}
}

// The store's own entries tell what is wrong and nothing of the traffic.
func TestStoreLogsNoTraffic(t *testing.T) {
	var b bytes.Buffer
	dir := t.TempDir()
	o := logging.Options{Mode: logging.Pseudonymous, Logger: logging.NewLogger(&b, zapcore.DebugLevel, logging.JSON)}
	s, stop := running(t, dir, o)
	s.Record(someEvent)
	stop()
	write(t, dir+"/segments/2026/2026-11-21.db", []byte("nonsense"))
	s, stop = running(t, dir, o)
	s.Record(someEvent)
	stop()
	if !strings.Contains(b.String(), "set aside") {
		t.Errorf("log = %s, want the damaged file in it", b.String())
	}
	for _, never := range []string{someEvent.Identity, "example.nl"} {
		if strings.Contains(b.String(), never) {
			t.Errorf("log holds %q: %s", never, b.String())
		}
	}
}
