package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// perConnection is an origin with a login in three legs that counts for the connection, as NTLM is.
type perConnection struct {
	mu    sync.Mutex
	state map[string]string // by the address of the connection: "challenged" or who logged in
}

func (o *perConnection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	user, last := strings.CutPrefix(token, "I-am-")
	switch state := o.state[r.RemoteAddr]; {
	case state != "" && state != "challenged":
		_, _ = io.WriteString(w, "you are "+state)
	case last && state == "challenged":
		o.state[r.RemoteAddr] = user
		_, _ = io.WriteString(w, "you are "+user)
	case token == "hello":
		o.state[r.RemoteAddr] = "challenged"
		w.Header().Set("WWW-Authenticate", scheme+" challenge")
		w.WriteHeader(http.StatusUnauthorized)
	default:
		w.Header().Set("WWW-Authenticate", "NTLM")
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func TestLoginOfConnection(t *testing.T) {
	l := newLab(t, setup{handler: &perConnection{state: map[string]string{}}})
	mine, theirs := l.ways(), l.ways()
	ask := func(t *testing.T, w way, authorization string) string {
		t.Helper()
		h := http.Header{}
		if authorization != "" {
			h.Set("Authorization", authorization)
		}
		return text(t, w.do(t, http.MethodGet, w.base(site)+"/", h, nil))
	}
	for i, w := range mine {
		for _, scheme := range []string{"NTLM", "negotiate"} {
			t.Run(w.name+" "+scheme, func(t *testing.T) {
				for _, leg := range []struct{ authorization, want string }{
					{"", ""},
					{scheme + " hello", ""},
					{scheme + " I-am-alice", "you are alice"},
					{"", "you are alice"},
				} {
					if got := ask(t, w, leg.authorization); got != leg.want {
						t.Fatalf("%q = %q, want %q", leg.authorization, got, leg.want)
					}
					if got := ask(t, theirs[i], ""); got != "" {
						t.Fatalf("after %q another client is told %q", leg.authorization, got)
					}
				}
			})
			w.client.CloseIdleConnections() // the next login is on a connection of its own
		}
	}
}

// Two users whose requests come over one connection, as from a proxy behind this one, have no login in common.
func TestLoginOfOneUserOfConnection(t *testing.T) {
	l := newLab(t, setup{handler: &perConnection{state: map[string]string{}}, clients: byName{}})
	c := l.raw()
	ask := func(user, authorization string) string {
		c.send("GET http://" + site + ":" + l.port(l.plain) + "/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic " + user +
			"\r\nAuthorization: " + authorization + "\r\n\r\n")
		return text(t, c.response(http.MethodGet))
	}
	const alice, bob = "YWxpY2U6eA==", "Ym9iOng="
	_ = ask(alice, "NTLM hello")
	if got := ask(alice, "NTLM I-am-alice"); got != "you are alice" {
		t.Fatalf("login = %q", got)
	}
	for _, authorization := range []string{"", "NTLM hello"} {
		if got := ask(bob, authorization); got != "" {
			t.Errorf("another user with %q is told %q", authorization, got)
		}
	}
}

func TestRangeAfterLogin(t *testing.T) {
	o := &ranged{file: program(9000), etag: `"1"`}
	l := newLab(t, setup{handler: o})
	w := l.ways()[0]
	for range 2 { // of a program: the whole is asked for, and judged
		resp := w.do(t, http.MethodGet, w.base(site)+"/", http.Header{"Authorization": {"NTLM x"}, "Range": {"bytes=1000-"}}, nil)
		if resp.StatusCode != 403 {
			t.Errorf("part of a program over a connection of one's own = %d, want 403", resp.StatusCode)
		}
	}
}
