package resolver_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/resolver"
)

func parseAddrs(ss ...string) []netip.Addr {
	var as []netip.Addr
	for _, s := range ss {
		as = append(as, netip.MustParseAddr(s))
	}
	return as
}

func TestLookup(t *testing.T) {
	up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
		if dns.CanonicalName(q.Question[0].Name) == "broken.example." {
			return [][]byte{pack(nothing(q, dns.RcodeServerFailure, 1, 1))}
		}
		return zone(public)(q, network)
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	tests := []struct {
		host string
		want []netip.Addr
		err  error
	}{
		{"www.example", parseAddrs("93.184.216.34", "2a00::34"), nil},
		{"casino.example", nil, resolver.ErrNoSuchHost}, // not in the zone; that it is blocked is for the caller to know
		{"cloaked.example", parseAddrs("93.184.216.35"), nil},
		{"rebind.example", parseAddrs("93.184.216.34", "127.0.0.1", "10.0.0.1"), nil},
		{"gone.example", nil, resolver.ErrNoSuchHost},
		{"broken.example", nil, resolver.ErrUnavailable},
		{"localhost", parseAddrs("127.0.0.1", "::1"), nil},
		{"a.onion", nil, resolver.ErrNoSuchHost},
		{"192.0.2.1", parseAddrs("192.0.2.1"), nil},
		{"2001:db8::1", parseAddrs("2001:db8::1"), nil},
	}
	for range 2 {
		for _, tt := range tests {
			got, err := w.Lookup(t.Context(), host(t, tt.host))
			if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("Lookup(%s) = %v, %v, want %v, %v", tt.host, got, err, tt.want, tt.err)
			}
		}
	}
	if events := w.log.take(); len(events) != 0 {
		t.Errorf("look-ups were recorded: %+v", events)
	}
}

// A family whose servers are silent does not hold up the other.
func TestLookupDoesNotWaitForASilentFamily(t *testing.T) {
	for _, silent := range []uint16{dns.TypeA, dns.TypeAAAA} {
		up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
			if q.Question[0].Qtype == silent {
				return nil
			}
			return zone(public)(q, network)
		})
		w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Try: 4 * time.Second})
		begin := time.Now()
		got, err := w.Lookup(t.Context(), host(t, "www.example"))
		if len(got) != 1 || err != nil || time.Since(begin) > 3*time.Second {
			t.Errorf("without %s: %v, %v after %s", dns.TypeToString[silent], got, err, time.Since(begin))
		}
	}
}

func TestLookupEndsWithItsContext(t *testing.T) {
	up := serveUpstream(t, func(*dns.Msg, string) [][]byte { return nil })
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Try: 4 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // both questions are under way
		<-up.asked
		<-up.asked
		cancel()
	}()
	begin := time.Now()
	if got, err := w.Lookup(ctx, host(t, "www.example")); !errors.Is(err, context.Canceled) || time.Since(begin) > 3*time.Second {
		t.Errorf("Lookup = %v, %v after %s, want canceled at once", got, err, time.Since(begin))
	}
}

// One who gives up does not take others with him who wait for the same answer.
func TestLookupGivenUpIsTakenOver(t *testing.T) {
	first := make(chan struct{}, 1)
	first <- struct{}{}
	up := serveUpstream(t, func(q *dns.Msg, network string) [][]byte {
		if q.Question[0].Qtype == dns.TypeA {
			select {
			case <-first:
				return nil // the question of the one who gives up
			default:
			}
		}
		return zone(public)(q, network)
	})
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}, Try: 8 * time.Second, Total: 8 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := w.Lookup(ctx, host(t, "cloaked.example"))
		gaveUp <- err
	}()
	for q := range up.asked {
		if q.Question[0].Qtype == dns.TypeA {
			break
		}
	}
	go cancel()
	got, err := w.Lookup(t.Context(), host(t, "cloaked.example"))
	if len(got) != 1 || err != nil {
		t.Errorf("Lookup = %v, %v", got, err)
	}
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who gave up got %v", err)
	}
}
