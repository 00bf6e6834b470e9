package identity

// These tests stand inside the package to hold the turns: only then is it certain who waits.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

// held returns a directory of one user, jansen with password pw, in which nobody gets a turn until release.
func held(t *testing.T) (d *Directory, release func()) {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte("pw"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	d, err = New(nil, []User{{Name: "jansen", PasswordHash: string(h)}}, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	l := d.verifier.line
	l.free = 0
	return d, func() {
		for i := range maxVerifying {
			l.leave(netip.PrefixFrom(netip.IPv6Unspecified(), i)) // whoever that is
		}
	}
}

// The clients of these tests: each in a site of its own.
func client(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) }

func authenticate(ctx context.Context, d *Directory, credentials string) error {
	return authenticateFrom(ctx, d, client(1), credentials)
}

func authenticateFrom(ctx context.Context, d *Directory, from netip.Addr, credentials string) error {
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
	_, err := d.Authenticate(ctx, from, header)
	return err
}

// guess lets from try n wrong passwords at once, and returns when they wait. The outcomes come over the channel.
func guess(ctx context.Context, d *Directory, from netip.Addr, n int) <-chan error {
	outcomes := make(chan error, n)
	for i := range n {
		go func() { outcomes <- authenticateFrom(ctx, d, from, fmt.Sprintf("jansen:%v-%d", from, i)) }()
		synctest.Wait() // so that they are in order
	}
	return outcomes
}

// tally receives n outcomes and returns how many were wrong credentials and how many too busy.
func tally(t *testing.T, outcomes <-chan error, n int) (wrong, busy int) {
	t.Helper()
	for range n {
		switch err := <-outcomes; {
		case errors.Is(err, ErrBadCredentials):
			wrong++
		case errors.Is(err, ErrBusy):
			busy++
		default:
			t.Errorf("a guess got %v", err)
		}
	}
	return wrong, busy
}

// One address that guesses is refused by itself: others get their turn.
func TestFloodFromOneAddressIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, release := held(t)
		const tries = 2 * maxWaiting
		outcomes := guess(t.Context(), d, client(66), tries)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := authenticate(t.Context(), d, "jansen:pw"); err != nil {
				t.Errorf("beside a flood Authenticate = %v", err)
			}
		})
		synctest.Wait()
		release()
		wg.Wait()
		if wrong, busy := tally(t, outcomes, tries); wrong != maxWaitingEach || busy != tries-maxWaitingEach {
			t.Errorf("%d guesses verified and %d refused, want %d and %d", wrong, busy, maxWaitingEach, tries-maxWaitingEach)
		}
	})
}

// A full line has room for an address with fewer in it than another has; one that has as many is refused.
func TestFullLineHasRoomForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, release := held(t)
		const floods = maxWaiting / maxWaitingEach
		var outcomes [floods + 2]<-chan error
		for i := range outcomes[:floods] {
			outcomes[i] = guess(t.Context(), d, client(i), maxWaitingEach)
		}
		if d.verifier.line.waiting != maxWaiting {
			t.Fatalf("%d wait, want %d", d.verifier.line.waiting, maxWaiting)
		}
		outcomes[floods] = guess(t.Context(), d, client(floods), maxWaitingEach)
		release()
		verified := 0
		for i, from := range outcomes[:floods+1] {
			wrong, _ := tally(t, from, maxWaitingEach)
			verified += wrong
			if fair := maxWaiting / (floods + 1); wrong < fair || wrong > fair+1 {
				t.Errorf("address %d had %d verified, want %d or one more", i, wrong, fair)
			}
		}
		if verified != maxWaiting {
			t.Errorf("%d verified, want %d", verified, maxWaiting)
		}
	})
}

// Turns go round: one address after another, in each its own order, and an address never has two at a time.
func TestTurnsGoRound(t *testing.T) {
	l := newLine()
	l.free = 0
	got := make(chan string, 8)
	site := func(c byte) netip.Prefix { return siteOf(client(int(c))) }
	synctest.Test(t, func(t *testing.T) {
		for i, c := range []byte("aaabbc") {
			go func() {
				if err := l.enter(t.Context(), site(c)); err != nil {
					t.Errorf("enter = %v", err)
				}
				got <- fmt.Sprintf("%c%d", c, i)
			}()
			synctest.Wait()
		}
		order := ""
		l.mu.Lock()
		l.free = 1
		l.serve()
		l.mu.Unlock()
		for range 6 {
			who := <-got
			order += who
			l.leave(site(who[0]))
		}
		if want := "a0b3c5a1b4a2"; order != want {
			t.Errorf("turns went %s, want %s", order, want)
		}
		if l.free != 1 || l.waiting != 0 || len(l.sites) != 0 {
			t.Errorf("afterwards: %d free, %d waiting, %d sites", l.free, l.waiting, len(l.sites))
		}
		l.free = 2
		for range 2 {
			go func() { _ = l.enter(t.Context(), site('a')); got <- "a" }()
		}
		synctest.Wait()
		if l.free != 1 || l.waiting != 1 {
			t.Errorf("one address: %d free and %d waiting, want 1 and 1", l.free, l.waiting)
		}
		for range 2 {
			<-got
			l.leave(site('a'))
		}
	})
}

func TestSiteOf(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32",
		"2001:db8::1": "2001:db8::/64", "2001:db8:0:1::1%eth0": "2001:db8:0:1::/64",
	} {
		if got := siteOf(netip.MustParseAddr(a)); got.String() != want {
			t.Errorf("siteOf(%s) = %v, want %s", a, got, want)
		}
	}
	if got := siteOf(netip.Addr{}); got.IsValid() {
		t.Errorf("siteOf no address = %v", got)
	}
}

func TestEqualCredentialsAreVerifiedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, release := held(t)
		var wg sync.WaitGroup
		for range 4 * maxWaiting {
			wg.Go(func() {
				if err := authenticate(t.Context(), d, "jansen:pw"); err != nil {
					t.Errorf("Authenticate = %v", err)
				}
			})
		}
		synctest.Wait()
		if got := d.verifier.line.waiting; got != 1 {
			t.Errorf("%d in the line, want 1", got)
		}
		release()
		wg.Wait()
		if n := len(d.verifier.flights); n != 0 {
			t.Errorf("%d flights did not land", n)
		}
	})
}

func TestAnotherLeadsWhenTheFirstLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, release := held(t)
		leaving, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := authenticate(leaving, d, "jansen:pw"); !errors.Is(err, ErrBusy) {
				t.Errorf("who left got %v, want ErrBusy", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if err := authenticate(t.Context(), d, "jansen:pw"); err != nil {
				t.Errorf("who stayed got %v", err)
			}
		})
		wg.Go(func() {
			if err := authenticate(leaving, d, "jansen:pw"); !errors.Is(err, ErrBusy) {
				t.Errorf("who followed and left got %v, want ErrBusy", err)
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		release()
		wg.Wait()
	})
}

// What two directories verify at the same time is bounded together: a reload under load doesn't double the work.
func TestPreviousSharesTheLine(t *testing.T) {
	d, release := held(t)
	release()
	h := d.verifier.accounts[0].hash.text
	next, err := New(nil, []User{{Name: "jansen", PasswordHash: h}}, Options{Now: time.Now, Previous: d})
	if err != nil {
		t.Fatal(err)
	}
	if next.verifier.line != d.verifier.line {
		t.Error("the next directory has a line of its own")
	}
	if next.verifier.right == d.verifier.right || next.verifier.wrong == d.verifier.wrong {
		t.Error("the next directory remembers what the old one will")
	}
}

// The memory holds no name and no password, only digests that differ from process to process.
func TestDigests(t *testing.T) {
	d, release := held(t)
	release()
	other, release := held(t)
	release()
	v := d.verifier
	if v.digest("a", "b:c") == v.digest("a", "b") || v.digest("a", "b") == v.digest("b", "a") {
		t.Error("different credentials have equal digests")
	}
	if first, again := v.digest("a", "b"), v.digest("a", "b"); first != again {
		t.Error("equal credentials have different digests")
	}
	if v.digest("a", "b") == other.verifier.digest("a", "b") {
		t.Error("two verifiers have one key")
	}
}

// A name that isn't known costs as much as one that is: it is verified against a user's hash, of a like kind each time.
func TestUnknownNamesAreVerified(t *testing.T) {
	d, release := held(t)
	release()
	v := d.verifier
	for _, credentials := range []string{"dekker:pw", "jansen:wrong", strings.Repeat("x", 300) + ":pw", "jan sen:pw"} {
		if err := authenticate(t.Context(), d, credentials); !errors.Is(err, ErrBadCredentials) {
			t.Errorf("Authenticate = %v, want ErrBadCredentials", err)
		}
	}
	if got, want := v.wrong.Len(), 4; got != want {
		t.Errorf("%d remembered as wrong, want %d", got, want)
	}
	if v.right.Len() != 0 {
		t.Error("something is remembered as right")
	}
}

func FuzzParseBasic(f *testing.F) {
	for _, s := range []string{"", "Basic", "Basic ", "basic YTpi", "Basic YTpi ", "Basic YTpi=", "Negotiate YTpi", "Basic OmI=", "Basic YTo=", "Basic w6k6w6k6w6k="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		name, password, ok := parseBasic(value)
		if !ok {
			return
		}
		if name == "" || password == "" || strings.Contains(name, ":") || !utf8.ValidString(name+password) || strings.ContainsAny(name+password, "\x00\n\r\x7f") {
			t.Errorf("parseBasic(%q) = %q, %q", value, name, password)
		}
		again, same, ok := parseBasic("Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
		if !ok || again != name || same != password {
			t.Errorf("what parseBasic(%q) read, %q and %q, is not read back", value, name, password)
		}
		if canonical, err := canonicalName(name); err == nil {
			if twice, err := canonicalName(canonical); err != nil || twice != canonical {
				t.Errorf("canonicalName(%q) = %q, but of that %q, %v", name, canonical, twice, err)
			}
		}
	})
}

func FuzzParseHash(f *testing.F) {
	f.Add("$2a$04$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde")
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		quick := h.argon2 && strings.Contains(s, "$m=64,t=1,p=1$") || !h.argon2 && strings.Contains(s, "$04$")
		if err == nil && quick {
			h.verify("pw") // doesn't panic
		}
	})
}
