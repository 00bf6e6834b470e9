package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keersluis/keersluis/logging"
)

// Each request inside a tunnel has one record, also one that goes nowhere; the tunnel itself then has none.
func TestOneRecordForEachRequest(t *testing.T) {
	var via atomic.Value
	l := newLab(t, setup{handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { via.Store(r.Header.Get("Via")) })})
	w := l.ways()[0]
	_ = text(t, w.get(t, w.base(site)+"/"))
	loop := "Via: " + via.Load().(string) + "\r\n"
	port := l.port(l.secure)
	authority := site + ":" + port
	for _, tt := range []struct {
		name, target, host, field string
		status                    int
	}{
		{"allowed", "/", authority, "", 200},
		{"blocked", "/", casino + ":" + port, "", 403},
		{"malformed", "http://" + authority + "/", authority, "", 400},
		{"for another port", "/", site + ":99", "", 421},
		{"loop", "/", authority, loop, 508},
	} {
		request := "GET " + tt.target + " HTTP/1.1\r\nHost: " + tt.host + "\r\n" + tt.field + "\r\n"
		for _, n := range []int{1, 2} {
			t.Run(tt.name, func(t *testing.T) {
				before := len(l.records.all())
				c := l.secureTunnel(authority, site)
				sent := 0
				for range n {
					c.send(request)
					resp := c.response(http.MethodGet)
					if _ = text(t, resp); resp.StatusCode != tt.status {
						t.Errorf("= %d, want %d", resp.StatusCode, tt.status)
					}
					if sent++; resp.Close {
						break
					}
				}
				_ = c.Close()
				waitFor(t, func() bool { return l.proxy.Live() <= 1 }) // the client that made the loop
				if got := len(l.records.all()) - before; got != sent {
					t.Errorf("%d records of %d requests", got, sent)
				}
			})
		}
	}
	t.Run("loop in clear text", func(t *testing.T) {
		before := len(l.records.all())
		resp := w.do(t, http.MethodGet, w.base(site)+"/", http.Header{"Via": {via.Load().(string)}}, nil)
		if _ = text(t, resp); resp.StatusCode != 508 || len(l.records.all())-before != 1 {
			t.Errorf("= %d with %d records, want 508 with 1", resp.StatusCode, len(l.records.all())-before)
		}
	})
}

// waitFor waits until done, which nothing tells.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		if done() {
			return
		}
		<-tick.C
	}
	t.Fatal("waited in vain")
}

func TestPanicOfGateIsRecorded(t *testing.T) {
	var armed atomic.Bool
	l := newLab(t, setup{now: func() time.Time {
		if armed.Swap(false) {
			panic("secret.example")
		}
		return time.Now()
	}})
	l.each(func(t *testing.T, w way) {
		_ = text(t, w.get(t, w.base(site)+"/")) // so that there is a tunnel
		before := len(l.records.all())
		armed.Store(true)
		resp := w.get(t, w.base(site)+"/")
		if _ = text(t, resp); resp.StatusCode != 400 {
			t.Errorf("= %d, want 400", resp.StatusCode)
		}
		events := l.records.all()[before:]
		if len(events) != 1 || events[0].Outcome != logging.Blocked || events[0].Rule != "malformed" {
			t.Errorf("recorded %+v, want one that is blocked as malformed", events)
		}
	})
	if n := l.proxy.Stats().Panics; n != 3 {
		t.Errorf("Panics = %d, want 3", n)
	}
}

func TestOriginAsksForProxyCredentials(t *testing.T) {
	l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Proxy-Authenticate", "Basic realm=x")
		w.WriteHeader(http.StatusProxyAuthRequired)
		_, _ = io.WriteString(w, "of the origin")
	})})
	l.each(func(t *testing.T, w way) {
		resp := w.get(t, w.base(site)+"/")
		if body := text(t, resp); resp.StatusCode != 502 || strings.Contains(body, "of the origin") {
			t.Errorf("407 of an origin = %d %q, want 502", resp.StatusCode, body)
		}
	})
}
