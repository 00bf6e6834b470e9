package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/keersluis/keersluis/proxy"
)

// socket is an origin that accepts a WebSocket and answers each message.
func socket(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/refuse" {
		http.Error(w, "no sockets here", http.StatusForbidden)
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if string(b) == "bye" {
			_ = c.Close(websocket.StatusNormalClosure, "bye")
			return
		}
		if c.Write(r.Context(), kind, append([]byte("re: "), b...)) != nil {
			return
		}
	}
}

func TestWebSocket(t *testing.T) {
	l := newLab(t, setup{handler: http.HandlerFunc(socket)})
	for _, w := range l.ways()[:2] {
		for _, dial := range []string{"client ends", "origin ends", "connection breaks"} {
			t.Run(w.name+" "+dial, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				url := strings.Replace(w.base(site), "http", "ws", 1) + "/"
				c, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{
					HTTPClient: &http.Client{Transport: w.client.Transport}, Subprotocols: []string{"chat"},
				})
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				if c.Subprotocol() != "chat" || resp.StatusCode != 101 {
					t.Errorf("handshake = %d with subprotocol %q", resp.StatusCode, c.Subprotocol())
				}
				for i := range 3 {
					want := fmt.Sprint("re: message ", i)
					if err := c.Write(ctx, websocket.MessageText, []byte(want[4:])); err != nil {
						t.Fatal(err)
					}
					if _, got, err := c.Read(ctx); err != nil || string(got) != want {
						t.Fatalf("message = %q %v, want %q", got, err, want)
					}
				}
				switch dial {
				case "client ends":
					if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
						t.Errorf("close = %v", err)
					}
				case "origin ends":
					if err := c.Write(ctx, websocket.MessageText, []byte("bye")); err != nil {
						t.Fatal(err)
					}
					if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
						t.Errorf("read after the origin closed = %v", err)
					}
				}
			})
		}
	}
	l.stop()
	events := l.records.all()
	if len(events) != 6 {
		t.Errorf("%d events, want one a socket", len(events))
	}
	for _, e := range events {
		if e.Up < 30 || e.Down < 30 {
			t.Errorf("event = %+v, want the bytes of the messages", e)
		}
	}
}

func TestWebSocketOverConnect(t *testing.T) {
	// Chromium sends CONNECT to port 80 for ws://, and speaks plain HTTP in the tunnel.
	l := newLab(t, setup{handler: http.HandlerFunc(socket)})
	for host, want := range map[string]int{site: 101, casino: 403} {
		authority := host + ":" + l.port(l.plain)
		c := l.connect(authority)
		c.send("GET /chat HTTP/1.1\r\nHost: " + authority + "\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
			"\x81\x82\x00\x00\x00\x00hi") // a frame that does not wait for the answer
		resp := c.response(http.MethodGet)
		if resp.StatusCode != want {
			t.Fatalf("upgrade at %s = %d, want %d", host, resp.StatusCode, want)
		}
		if want != 101 {
			continue
		}
		if got := resp.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
			t.Errorf("Sec-WebSocket-Accept = %q", got)
		}
		frame := make([]byte, 8)
		if _, err := io.ReadFull(c.r, frame); err != nil || string(frame) != "\x81\x06re: hi" {
			t.Errorf("frame = %q %v, want re: hi", frame, err)
		}
	}
	if n := l.proxy.Stats().Foreign; n != 0 {
		t.Errorf("Foreign = %d, want 0", n)
	}
}

func TestRefusedUpgrades(t *testing.T) {
	l := newLab(t, setup{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/trick":
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n\r\nraw")
				_ = c.Close()
			}
		default:
			socket(w, r)
		}
	})})
	base := "http://" + site + ":" + l.port(l.plain)
	for _, tt := range []struct {
		name, request string
		want          int
	}{
		{"origin refuses", "GET " + base + "/refuse HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 403},
		{"switch to something else", "GET " + base + "/trick HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 502},
		{"switch that nobody asked for", "GET " + base + "/trick HTTP/1.1\r\nHost: x\r\n\r\n", 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := l.raw()
			c.send(tt.request)
			if got := c.response(http.MethodGet).StatusCode; got != tt.want {
				t.Errorf("= %d, want %d", got, tt.want)
			}
		})
	}
}

func TestIdleWebSocketEnds(t *testing.T) {
	l := newLab(t, setup{handler: http.HandlerFunc(socket), limits: proxy.Limits{TunnelIdle: 200 * time.Millisecond}})
	for _, w := range l.ways()[:2] {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c, _, err := websocket.Dial(ctx, strings.Replace(w.base(site), "http", "ws", 1)+"/", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: w.client.Transport},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("%s: idle socket was not closed: %v", w.name, err)
		}
		_ = c.CloseNow()
	}
}
