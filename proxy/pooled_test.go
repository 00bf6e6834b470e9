package proxy_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
)

// This file is about connections to origins that clients with different rights share.

// byName is an authenticator that believes the user name; "admin" is an administrator.
type byName struct{}

func (byName) Authenticate(_ context.Context, a netip.Addr, authorization string) (filter.Client, error) {
	encoded := strings.TrimPrefix(authorization, "Basic ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	name, _, _ := strings.Cut(string(decoded), ":")
	c := filter.Client{Addr: a, User: name, Roles: []filter.Role{filter.Employee}}
	if name == "admin" {
		c.Roles = append(c.Roles, administrator)
	}
	return c, err
}

// waysOf returns the ways of a user.
func (l *lab) waysOf(user string) []way {
	ways := l.ways()
	for _, w := range ways {
		w.client.Transport.(*http.Transport).Proxy = http.ProxyURL(
			&url.URL{Scheme: "http", Host: l.addr, User: url.UserPassword(user, "secret")})
	}
	return ways
}

// aliasLab is a lab in which site is an alias of the casino, which an administrator may visit.
func aliasLab(t *testing.T, handler http.Handler) *lab {
	alias, err := filter.ParseHost("www." + casino)
	if err != nil {
		t.Fatal(err)
	}
	return newLab(t, setup{
		handler: handler, clients: byName{},
		lookup: func(context.Context, filter.Host) ([]netip.Addr, []filter.Host, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, []filter.Host{alias}, nil
		},
		policy: func(r *filter.Rules) {
			r.Categories[0].Roles = map[filter.Role]filter.Action{administrator: filter.Allow}
		},
	})
}

func TestAliasesOfPooledConnection(t *testing.T) {
	l := aliasLab(t, nil)
	admin, employee := l.waysOf("admin"), l.waysOf("jansen")
	for i := range admin {
		t.Run(admin[i].name, func(t *testing.T) {
			for range 2 {
				if resp := admin[i].get(t, admin[i].base(site)+"/"); resp.StatusCode != 200 || text(t, resp) != "hello" {
					t.Fatalf("GET by an administrator = %d, want 200", resp.StatusCode)
				}
				resp := employee[i].get(t, employee[i].base(site)+"/")
				if body := text(t, resp); resp.StatusCode != 403 || !strings.Contains(body, "KS-") {
					t.Errorf("GET by an employee over the connection of an administrator = %d, want the block page", resp.StatusCode)
				}
			}
		})
	}
	l.stop()
	for _, e := range l.records.all() {
		if want := e.Identity == "admin"; (e.Outcome == logging.Allowed) != want {
			t.Errorf("recorded %s for %s", e.Outcome, e.Identity)
		}
	}
}

// A connection that is refused to one goes on to serve the others.
func TestRefusedConnectionStaysOpen(t *testing.T) {
	release := make(chan struct{})
	l := aliasLab(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "one ")
		if r.URL.Path == "/long" {
			_ = http.NewResponseController(w).Flush()
			<-release
		}
		_, _ = io.WriteString(w, "two")
	}))
	admin, employee := l.waysOf("admin")[2], l.waysOf("jansen")[2]
	long := admin.get(t, admin.base(site)+"/long")
	for range 3 {
		if resp := employee.get(t, employee.base(site)+"/"); resp.StatusCode != 403 {
			t.Errorf("GET by an employee = %d, want 403", resp.StatusCode)
		}
	}
	close(release)
	if got := text(t, long); got != "one two" {
		t.Errorf("the stream of another gave %q, want all of it", got)
	}
}

// The request of one to whom a connection is refused never reaches the origin.
func TestRefusedRequestIsNotSent(t *testing.T) {
	seen := make(chan string, 100)
	l := aliasLab(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.URL.Path }))
	admin, employee := l.waysOf("admin"), l.waysOf("jansen")
	for i := range admin {
		for range 5 {
			_ = text(t, admin[i].get(t, admin[i].base(site)+"/admin"))
			_ = text(t, employee[i].get(t, employee[i].base(site)+"/employee"))
		}
	}
	l.stop()
	close(seen)
	for path := range seen {
		if path != "/admin" {
			t.Errorf("the origin was asked for %s", path)
		}
	}
}
