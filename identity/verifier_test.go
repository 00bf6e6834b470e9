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
	for range maxVerifying {
		d.verifier.turns <- struct{}{}
	}
	return d, func() {
		for range maxVerifying {
			<-d.verifier.turns
		}
	}
}

func authenticate(ctx context.Context, d *Directory, credentials string) error {
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
	_, err := d.Authenticate(ctx, netip.MustParseAddr("192.0.2.1"), header)
	return err
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, release := held(t)
		var wg sync.WaitGroup
		for i := range maxVerifying + maxWaiting {
			wg.Go(func() {
				if err := authenticate(t.Context(), d, fmt.Sprintf("jansen:wrong%d", i)); !errors.Is(err, ErrBadCredentials) {
					t.Errorf("waited and got %v, want ErrBadCredentials", err)
				}
			})
		}
		synctest.Wait()
		if err := authenticate(t.Context(), d, "jansen:pw"); !errors.Is(err, ErrBusy) {
			t.Errorf("with a full queue Authenticate = %v, want ErrBusy", err)
		}
		release()
		wg.Wait()
		if err := authenticate(t.Context(), d, "jansen:pw"); err != nil {
			t.Errorf("with an empty queue Authenticate = %v", err)
		}
	})
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
		if got := len(d.verifier.queue); got != 1 {
			t.Errorf("%d in the queue, want 1", got)
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
