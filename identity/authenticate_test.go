package identity_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/identity"
)

// Addresses of [networks].
var (
	office    = netip.MustParseAddr("10.9.9.9")   // gives the role of an employee
	guestRoom = netip.MustParseAddr("10.1.2.4")   // gives the role of a visitor
	mobile    = netip.MustParseAddr("10.1.9.9")   // gives no role
	elsewhere = netip.MustParseAddr("192.0.3.77") // in no network
)

func bcryptHash(t testing.TB, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

func argonHash(t testing.TB, password string) string {
	t.Helper()
	h, err := identity.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// bakker is the hash of "drie" under argon2id with settings that no one should use, but that are quick.
const bakker = "$argon2id$v=19$m=64,t=1,p=1$aO9OCdHpWRa35wQE57qUNg$ksWC4B5oV5/GPKqLdXHQ5oaYLUxJLoGUA+O+YN+wk80"

func users(t testing.TB) []identity.User {
	return []identity.User{
		{Name: "A.Jansen", PasswordHash: bcryptHash(t, "één:twee"), Roles: []filter.Role{admin, officer}},
		{Name: "bakker", PasswordHash: bakker},
		{Name: "cohen", PasswordHash: strings.Replace(bcryptHash(t, "vier"), "$2a$", "$2y$", 1), Roles: []filter.Role{filter.Employee}},
	}
}

func TestAuthenticate(t *testing.T) {
	d := directory(t, networks(), users(t), identity.Auto)
	required := directory(t, networks(), users(t), identity.Required)
	off := directory(t, networks(), users(t), identity.Off)
	alone := directory(t, networks(), nil, identity.Auto)
	jansen := basic("a.jansen:één:twee")
	tests := []struct {
		name   string
		d      *identity.Directory
		addr   netip.Addr
		header string
		user   string
		roles  []filter.Role
		err    error
	}{
		{name: "without users nobody is asked", d: alone, addr: elsewhere, roles: []filter.Role{filter.Employee}},
		{name: "nor listened to", d: alone, addr: guestRoom, header: "Basic !", roles: []filter.Role{"visitor"}},
		{name: "off", d: off, addr: elsewhere, header: basic("bakker:fout"), roles: []filter.Role{filter.Employee}},
		{name: "a network that speaks", d: d, addr: guestRoom, roles: []filter.Role{"visitor"}},
		{name: "a network without roles", d: d, addr: mobile, err: identity.ErrCredentialsRequired},
		{name: "no network", d: d, addr: elsewhere, err: identity.ErrCredentialsRequired},
		{name: "required in a network that speaks", d: required, addr: guestRoom, err: identity.ErrCredentialsRequired},
		{name: "right elsewhere", d: d, addr: elsewhere, header: jansen, user: "a.jansen", roles: []filter.Role{filter.Employee, admin, officer}},
		{name: "right, name in capitals", d: d, addr: elsewhere, header: basic("A.JANSEN:één:twee"), user: "a.jansen", roles: []filter.Role{filter.Employee, admin, officer}},
		{name: "right, accents composed otherwise", d: d, addr: elsewhere, header: basic("a.jansen:e\u0301e\u0301n:twee"), user: "a.jansen", roles: []filter.Role{filter.Employee, admin, officer}},
		{name: "right in a network that speaks", d: d, addr: guestRoom, header: jansen, user: "a.jansen", roles: []filter.Role{"visitor", admin, officer}},
		{name: "right when required", d: required, addr: guestRoom, header: jansen, user: "a.jansen", roles: []filter.Role{"visitor", admin, officer}},
		{name: "right, without roles of their own", d: d, addr: elsewhere, header: basic("bakker:drie"), user: "bakker", roles: []filter.Role{filter.Employee}},
		{name: "right, a role twice", d: d, addr: office, header: basic("cohen:vier"), user: "cohen", roles: []filter.Role{filter.Employee}},
		{name: "scheme in small letters", d: d, addr: elsewhere, header: "basic  " + basic("bakker:drie")[6:] + " ", user: "bakker", roles: []filter.Role{filter.Employee}},
		{name: "wrong password", d: d, addr: elsewhere, header: basic("bakker:vier"), err: identity.ErrBadCredentials},
		{name: "wrong in a network that speaks", d: d, addr: office, header: basic("bakker:vier"), err: identity.ErrBadCredentials},
		{name: "password in capitals", d: d, addr: elsewhere, header: basic("bakker:DRIE"), err: identity.ErrBadCredentials},
		{name: "unknown user", d: d, addr: elsewhere, header: basic("dekker:drie"), err: identity.ErrBadCredentials},
		{name: "a name that no user has", d: d, addr: elsewhere, header: basic("b a:drie"), err: identity.ErrBadCredentials},
		{name: "a password of spaces", d: d, addr: elsewhere, header: basic("bakker: "), err: identity.ErrBadCredentials},
		{name: "no name", d: d, addr: elsewhere, header: basic(":drie"), err: identity.ErrBadCredentials},
		{name: "no password", d: d, addr: elsewhere, header: basic("bakker:"), err: identity.ErrBadCredentials},
		{name: "no colon", d: d, addr: elsewhere, header: basic("bakker"), err: identity.ErrBadCredentials},
		{name: "a control character", d: d, addr: elsewhere, header: basic("bakker:drie\n"), err: identity.ErrBadCredentials},
		{name: "not UTF-8", d: d, addr: elsewhere, header: basic("bakker:\xe9"), err: identity.ErrBadCredentials},
		{name: "not base64", d: d, addr: elsewhere, header: "Basic bakker:drie", err: identity.ErrBadCredentials},
		{name: "no token", d: d, addr: elsewhere, header: "Basic", err: identity.ErrBadCredentials},
		{name: "another scheme", d: d, addr: office, header: "Negotiate YII=", err: identity.ErrBadCredentials},
		{name: "long", d: d, addr: office, header: basic("bakker:" + strings.Repeat("a", 4096)), err: identity.ErrBadCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, pass := range []string{"first", "remembered"} {
				got, err := tt.d.Authenticate(t.Context(), tt.addr, tt.header)
				if !errors.Is(err, tt.err) || got.User != tt.user || !slices.Equal(got.Roles, tt.roles) {
					t.Errorf("%s: Authenticate = user %q, roles %v, %v; want %q, %v, %v", pass, got.User, got.Roles, err, tt.user, tt.roles, tt.err)
				}
				if err == nil && got.Addr != tt.addr {
					t.Errorf("%s: address %v, want %v", pass, got.Addr, tt.addr)
				}
			}
		})
	}
}

// One person's answer is nobody else's to change.
func TestRolesAreNotShared(t *testing.T) {
	d := directory(t, networks(), users(t), identity.Auto)
	first, err := d.Authenticate(t.Context(), office, basic("a.jansen:één:twee"))
	if err != nil {
		t.Fatal(err)
	}
	_ = append(first.Roles[:1], "intruder")
	second, err := d.Authenticate(t.Context(), office, basic("a.jansen:één:twee"))
	if err != nil || slices.Contains(second.Roles, "intruder") {
		t.Errorf("roles = %v, %v", second.Roles, err)
	}
}

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Who has left does not make us verify, but is told what is remembered: that shows what is.
func TestRemembering(t *testing.T) {
	tests := []struct {
		name, header string
		lasts        time.Duration
		want         error
	}{
		{"right", basic("bakker:drie"), 10 * time.Minute, nil},
		{"wrong", basic("bakker:vier"), 30 * time.Second, identity.ErrBadCredentials},
		{"unknown", basic("dekker:vier"), 30 * time.Second, identity.ErrBadCredentials},
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{at: now()}
			d, err := identity.New(nil, users(t), identity.Options{Now: c.now})
			if err != nil {
				t.Fatal(err)
			}
			expect := func(when string, ctx context.Context, want error) {
				t.Helper()
				if _, err := d.Authenticate(ctx, elsewhere, tt.header); !errors.Is(err, want) {
					t.Errorf("%s: Authenticate = %v, want %v", when, err, want)
				}
			}
			expect("before", left, identity.ErrBusy)
			expect("verifying", t.Context(), tt.want)
			c.add(tt.lasts - 1)
			expect("remembered", left, tt.want)
			c.add(1)
			expect("forgotten", left, identity.ErrBusy)
			expect("verifying again", t.Context(), tt.want)
			expect("remembered again", left, tt.want)
		})
	}
}

// A directory that follows another remembers what is still true: the same name and the same hash. All else is forgotten, and
// stays so when it comes back.
func TestPrevious(t *testing.T) {
	was := users(t)
	changed := bcryptHash(t, "vier")
	left, leave := context.WithCancel(t.Context())
	leave()
	c := &clock{at: now()}
	next := func(previous *identity.Directory, us []identity.User, m identity.Mode) *identity.Directory {
		t.Helper()
		d, err := identity.New(networks(), us, identity.Options{Mode: m, Now: c.now, Previous: previous})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	expect := func(d *identity.Directory, ctx context.Context, credentials string, want error, roles ...filter.Role) {
		t.Helper()
		got, err := d.Authenticate(ctx, elsewhere, basic(credentials))
		if !errors.Is(err, want) || !slices.Equal(got.Roles, roles) {
			t.Errorf("%s: Authenticate = %v, %v; want %v, %v", credentials, got.Roles, err, roles, want)
		}
	}
	first := next(nil, was, identity.Auto)
	expect(first, t.Context(), "a.jansen:één:twee", nil, filter.Employee, admin, officer)
	expect(first, t.Context(), "bakker:drie", nil, filter.Employee)
	expect(first, t.Context(), "cohen:vier", nil, filter.Employee)
	expect(first, t.Context(), "cohen:vijf", identity.ErrBadCredentials)

	c.add(9 * time.Minute)
	second := next(first, []identity.User{
		{Name: "a.jansen", PasswordHash: was[0].PasswordHash, Roles: []filter.Role{officer}}, // other roles
		{Name: "cohen", PasswordHash: changed},
		{Name: "dekker", PasswordHash: was[1].PasswordHash}, // bakker's, who is gone
	}, identity.Auto)
	expect(second, left, "a.jansen:één:twee", nil, filter.Employee, officer)
	expect(second, left, "bakker:drie", identity.ErrBusy)
	expect(second, t.Context(), "bakker:drie", identity.ErrBadCredentials)
	expect(second, left, "dekker:drie", identity.ErrBusy)
	expect(second, left, "cohen:vier", identity.ErrBusy)
	expect(second, left, "cohen:vijf", identity.ErrBusy) // what was wrong may be right now

	third := next(second, was, identity.Auto)
	expect(third, left, "a.jansen:één:twee", nil, filter.Employee, admin, officer)
	expect(third, left, "bakker:drie", identity.ErrBusy)
	expect(third, left, "cohen:vier", identity.ErrBusy)
	expect(next(next(third, was, identity.Off), was, identity.Auto), left, "a.jansen:één:twee", identity.ErrBusy)

	c.add(time.Minute) // ten since it was verified, though not since it was carried over
	expect(third, left, "a.jansen:één:twee", identity.ErrBusy)
	expect(next(third, was, identity.Auto), left, "a.jansen:één:twee", identity.ErrBusy)
}

// Under load every answer is the right one, or says that there is too much of it.
func TestConcurrent(t *testing.T) {
	d := directory(t, networks(), users(t), identity.Auto)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 20 {
				header, user, want := basic("a.jansen:één:twee"), "a.jansen", error(nil)
				switch (i + j) % 4 {
				case 0:
					header, user, want = basic("a.jansen:wrong"), "", identity.ErrBadCredentials
				case 1:
					header, user, want = basic("cohen:vier"), "cohen", nil
				case 2:
					header, user, want = basic("cohen:"+strings.Repeat("x", 1+(i*j)%9)), "", identity.ErrBadCredentials
				}
				got, err := d.Authenticate(t.Context(), elsewhere, header)
				if errors.Is(err, identity.ErrBusy) {
					continue
				}
				if !errors.Is(err, want) || got.User != user {
					t.Errorf("Authenticate = %q, %v; want %q, %v", got.User, err, user, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestHashPassword(t *testing.T) {
	h := argonHash(t, "één geheim")
	if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("HashPassword = %s", h)
	}
	if other := argonHash(t, "één geheim"); h == other {
		t.Error("two hashes of one password are equal: no salt")
	}
	d := directory(t, nil, []identity.User{{Name: "dekker", PasswordHash: h}}, identity.Auto)
	if _, err := d.Authenticate(t.Context(), elsewhere, basic("dekker:één geheim")); err != nil {
		t.Errorf("Authenticate with a hash of ours = %v", err)
	}
	for _, bad := range []string{"", strings.Repeat("x", 1025), "a\nb", "\xff"} {
		if h, err := identity.HashPassword(bad); err == nil {
			t.Errorf("HashPassword(%.10q) = %s, want an error", bad, h)
		}
	}
}

func BenchmarkAuthenticateRemembered(b *testing.B) {
	d := directory(b, networks(), users(b), identity.Auto)
	header := basic("a.jansen:één:twee")
	if _, err := d.Authenticate(b.Context(), office, header); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Authenticate(b.Context(), office, header); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkByAddr(b *testing.B) {
	d := directory(b, networks(), nil, identity.Auto)
	for b.Loop() {
		d.ByAddr(elsewhere)
	}
}
