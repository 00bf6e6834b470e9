package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/logging"
)

func TestAllowed(t *testing.T) {
	l := newLab(t, setup{})
	l.each(func(t *testing.T, w way) {
		resp := w.get(t, w.base(site)+"/path?q=1")
		if got := text(t, resp); resp.StatusCode != 200 || got != "hello" {
			t.Errorf("GET = %d %q, want 200 hello", resp.StatusCode, got)
		}
		if w.name == "inspected h2" && resp.ProtoMajor != 2 {
			t.Errorf("protocol = %s, want HTTP/2", resp.Proto)
		}
	})
	l.stop()
	events := l.records.all()
	if len(events) != 3 {
		t.Fatalf("%d events, want one a request: %+v", len(events), events)
	}
	for _, e := range events {
		if e.Host != site || e.Outcome != logging.Allowed || e.Door != "http" || e.Down != 5 || e.Up != 0 {
			t.Errorf("event = %+v, want an allowed exchange with %s of 5 bytes down", e, site)
		}
	}
}

func TestBlocked(t *testing.T) {
	reached := false
	l := newLab(t, setup{handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })})
	l.each(func(t *testing.T, w way) {
		resp := w.get(t, w.base(casino)+"/")
		if body := text(t, resp); resp.StatusCode != 403 || !strings.Contains(body, "geblokkeerd") {
			t.Errorf("GET = %d %.80q, want 403 with the block page", resp.StatusCode, body)
		}
	})
	l.stop()
	if reached {
		t.Error("the origin was reached")
	}
	events := l.records.all()
	if len(events) != 3 {
		t.Fatalf("%d events, want one a request", len(events))
	}
	for _, e := range events {
		if e.Host != casino || e.Outcome != logging.Blocked || e.Category != "gambling" {
			t.Errorf("event = %+v, want a blocked exchange", e)
		}
	}
}
