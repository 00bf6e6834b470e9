package identity_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/identity"
)

const (
	officer = filter.Role("officer")
	admin   = filter.Role("application-administrator")
)

// now is a clock that stands still.
func now() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

func networks() []identity.Network {
	return []identity.Network{
		{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Device: filter.ManagedPC, Roles: []filter.Role{filter.Employee}},
		{Prefix: netip.MustParsePrefix("10.1.0.0/16"), Device: filter.ManagedMobile},
		{Prefix: netip.MustParsePrefix("10.1.2.0/24"), Device: filter.Guest, Roles: []filter.Role{"visitor", "visitor"}},
		{Prefix: netip.MustParsePrefix("10.1.2.3/32"), Device: filter.Server, Roles: []filter.Role{"machine"}},
		{Prefix: netip.MustParsePrefix("2001:db8::/32"), Device: filter.BYOD},
		{Prefix: netip.MustParsePrefix("fe80::/10"), Device: filter.Server},
		{Prefix: netip.MustParsePrefix("::ffff:192.0.2.0/120"), Device: filter.BYOD},
	}
}

func TestByAddr(t *testing.T) {
	d := directory(t, networks(), nil, identity.Auto)
	tests := []struct {
		name, addr, canonical string
		device                filter.Device
		roles                 []filter.Role
	}{
		{"the only network", "10.9.9.9", "10.9.9.9", filter.ManagedPC, []filter.Role{filter.Employee}},
		{"the smaller of two, without roles", "10.1.9.9", "10.1.9.9", filter.ManagedMobile, []filter.Role{filter.Employee}},
		{"the smallest of three", "10.1.2.4", "10.1.2.4", filter.Guest, []filter.Role{"visitor"}},
		{"one address", "10.1.2.3", "10.1.2.3", filter.Server, []filter.Role{"machine"}},
		{"mapped", "::ffff:10.1.2.3", "10.1.2.3", filter.Server, []filter.Role{"machine"}},
		{"a network written as mapped", "192.0.2.7", "192.0.2.7", filter.BYOD, []filter.Role{filter.Employee}},
		{"IPv6", "2001:db8:1::1", "2001:db8:1::1", filter.BYOD, []filter.Role{filter.Employee}},
		{"a zone", "fe80::1%eth0", "fe80::1", filter.Server, []filter.Role{filter.Employee}},
		{"no network", "192.168.1.1", "192.168.1.1", filter.DeviceUnknown, []filter.Role{filter.Employee}},
		{"no network, IPv6", "::1", "::1", filter.DeviceUnknown, []filter.Role{filter.Employee}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := d.ByAddr(netip.MustParseAddr(tt.addr))
			if got.Addr.String() != tt.canonical || got.Device != tt.device || !slices.Equal(got.Roles, tt.roles) || got.User != "" {
				t.Errorf("ByAddr(%s) = addr %v, device %q, roles %v, user %q; want %s, %q, %v and no user",
					tt.addr, got.Addr, got.Device, got.Roles, got.User, tt.canonical, tt.device, tt.roles)
			}
		})
	}
	if got := d.ByAddr(netip.Addr{}); got.Device != filter.DeviceUnknown || !slices.Equal(got.Roles, []filter.Role{filter.Employee}) {
		t.Errorf("ByAddr of no address = device %q, roles %v", got.Device, got.Roles)
	}
}

func TestByAddrDoesNotAllocate(t *testing.T) {
	d := directory(t, networks(), nil, identity.Auto)
	a := netip.MustParseAddr("::ffff:10.1.2.4")
	if got := testing.AllocsPerRun(100, func() { d.ByAddr(a) }); got != 0 {
		t.Errorf("ByAddr allocates %v times", got)
	}
}

func TestNewRefuses(t *testing.T) {
	good := bcryptHash(t, "pw")
	network := func(s string) []identity.Network {
		a, bits, _ := strings.Cut(s, "/")
		n := 0
		fmt.Sscan(bits, &n)
		return []identity.Network{{Prefix: netip.PrefixFrom(netip.MustParseAddr(a), n)}}
	}
	user := func(name, hash string) []identity.User { return []identity.User{{Name: name, PasswordHash: hash}} }
	const salt, key = "c29tZXNhbHQ", "RdescudvJCsgt3ub+b+dWRWJTmaaJObG"
	tests := []struct {
		name     string
		networks []identity.Network
		users    []identity.User
		mode     identity.Mode
		want     string
	}{
		{name: "no prefix", networks: make([]identity.Network, 1), want: "networks[0].cidr: no network; write it as 10.1.2.0/24"},
		{name: "bits beyond", networks: network("10.1.2.3/24"), want: "networks[0].cidr: has bits beyond its length; the network is 10.1.2.0/24"},
		{name: "short mapped", networks: network("::ffff:0.0.0.0/90"), want: "networks[0].cidr: a network of mapped addresses has a length of 96 or more"},
		{name: "twice", networks: append(network("10.0.0.0/8"), network("::ffff:10.0.0.0/104")...), want: "networks[1].cidr: the same network as networks[0]"},
		{
			name: "device", networks: []identity.Network{{Prefix: netip.MustParsePrefix("::/0"), Device: "fridge"}},
			want: "networks[0].device: unknown device class; known are [managed-pc managed-mobile byod server guest]",
		},
		{name: "no name", users: user("", good), want: "users[0].name: a user has a name"},
		{name: "long name", users: user(strings.Repeat("a", 257), good), want: "users[0].name: a user name has at most 256 bytes"},
		{name: "colon", users: user("a:b", good), want: "users[0].name: holds a character that no user name has (RFC 8265)"},
		{name: "control", users: user("a\nb", good), want: "users[0].name: holds a character that no user name has (RFC 8265)"},
		{name: "one name twice", users: append(user("José", good), user("JOSE\u0301", bcryptHash(t, "other"))...), want: "users[1].name: the same name as users[0]"},
		{name: "one hash twice", users: append(user("a", good), user("b", good)...), want: "users[1].password_hash: the same hash as users[0]; a password is one person's (rule A12)"},
		{name: "nobody to ask", mode: identity.Required, want: "users: authentication is required, but nobody is listed"},
		{name: "no hash", users: user("a", ""), want: `users[0].password_hash: neither bcrypt nor argon2id; "keersluis user hash" makes one`},
		{name: "a password", users: user("a", "geheim"), want: `users[0].password_hash: neither bcrypt nor argon2id; "keersluis user hash" makes one`},
		{name: "long hash", users: user("a", good+strings.Repeat("x", 256)), want: `users[0].password_hash: neither bcrypt nor argon2id; "keersluis user hash" makes one`},
		{name: "cut bcrypt", users: user("a", good[:50]), want: "users[0].password_hash: not a bcrypt hash of cost 4 to 15"},
		{name: "costly bcrypt", users: user("a", "$2a$16"+good[6:]), want: "users[0].password_hash: not a bcrypt hash of cost 4 to 15"},
		{name: "bcrypt $2x$", users: user("a", "$2x"+good[3:]), want: "users[0].password_hash: not a bcrypt hash of cost 4 to 15"},
		{name: "argon2i", users: user("a", "$argon2i$v=19$m=64,t=1,p=1$"+salt+"$"+key), want: `users[0].password_hash: neither bcrypt nor argon2id; "keersluis user hash" makes one`},
		{name: "argon2id of another version", users: user("a", "$argon2id$v=16$m=64,t=1,p=1$"+salt+"$"+key), want: "users[0].password_hash: not an argon2id hash of version 19 in PHC form"},
		{name: "argon2id without iterations", users: user("a", "$argon2id$v=19$m=64,t=0,p=1$"+salt+"$"+key), want: "users[0].password_hash: argon2id wants m from 8 × p to 1048576, t from 1 to 16 and p of 1 or more"},
		{name: "argon2id without lanes", users: user("a", "$argon2id$v=19$m=64,t=1,p=0$"+salt+"$"+key), want: "users[0].password_hash: argon2id wants m from 8 × p to 1048576, t from 1 to 16 and p of 1 or more"},
		{name: "costly argon2id", users: user("a", "$argon2id$v=19$m=1048577,t=1,p=1$"+salt+"$"+key), want: "users[0].password_hash: argon2id wants m from 8 × p to 1048576, t from 1 to 16 and p of 1 or more"},
		{name: "slow argon2id", users: user("a", "$argon2id$v=19$m=64,t=17,p=1$"+salt+"$"+key), want: "users[0].password_hash: argon2id wants m from 8 × p to 1048576, t from 1 to 16 and p of 1 or more"},
		{name: "argon2id with an empty key", users: user("a", "$argon2id$v=19$m=64,t=1,p=1$"+salt+"$"), want: "users[0].password_hash: argon2id wants a salt of 8 to 64 bytes and a key of 16 to 64"},
		{name: "argon2id with a short salt", users: user("a", "$argon2id$v=19$m=64,t=1,p=1$c29t$"+key), want: "users[0].password_hash: argon2id wants a salt of 8 to 64 bytes and a key of 16 to 64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := identity.New(tt.networks, tt.users, identity.Options{Mode: tt.mode, Now: now})
			if _, ok := errors.AsType[identity.Problems](err); !ok || err.Error() != tt.want {
				t.Errorf("New = %T %v\nwant Problems %s", err, err, tt.want)
			}
		})
	}
}

// rule: A12
func TestSharedAccountsAreRefused(t *testing.T) {
	tests := []struct {
		name   string
		shared bool
	}{
		{"gast", true},
		{"Gast1", true},
		{"guest-02", true},
		{"balie_3@gemeente.example", true},
		{`VOORBEELD\algemeen`, true},
		{"anne.gast", false},
		{"gasterij", false},
		{"guestavo", false},
		{"p.publiek@gemeente.example", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := identity.New(nil, []identity.User{{Name: tt.name, PasswordHash: bcryptHash(t, "pw")}}, identity.Options{Now: now})
			if got := err != nil; got != tt.shared {
				t.Errorf("New(%q) = %v, want refused: %v", tt.name, err, tt.shared)
			}
		})
	}
}

func TestNewTellsAllAtOnceAndNamesNobody(t *testing.T) {
	_, err := identity.New(
		[]identity.Network{{Prefix: netip.PrefixFrom(netip.MustParseAddr("10.1.2.3"), 8)}},
		[]identity.User{{Name: "jansen", PasswordHash: "geheim"}, {Name: "JANSEN", PasswordHash: "$2y$geheim"}, {Name: "guest"}},
		identity.Options{Now: now},
	)
	ps, ok := errors.AsType[identity.Problems](err)
	if !ok || len(ps) != 6 {
		t.Fatalf("New = %v, want six problems", err)
	}
	for _, secret := range []string{"jansen", "JANSEN", "geheim", `"guest"`} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error has %q in it: %v", secret, err)
		}
	}
}

func TestNewWantsAClock(t *testing.T) {
	if _, err := identity.New(nil, nil, identity.Options{}); err == nil {
		t.Error("New without a clock succeeds")
	}
}

func TestDirectoryKeepsCopies(t *testing.T) {
	in := networks()
	d := directory(t, in, nil, identity.Auto)
	in[0].Roles[0] = "changed"
	if got := d.ByAddr(netip.MustParseAddr("10.9.9.9")).Roles; !slices.Equal(got, []filter.Role{filter.Employee}) {
		t.Errorf("after a change of the argument roles are %v", got)
	}
}

func TestUserIsHidden(t *testing.T) {
	u := identity.User{Name: "jansen", PasswordHash: "$2a$geheim"}
	j, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %s", u, u, u, &u), string(j)} {
		if strings.Contains(s, "jansen") || strings.Contains(s, "geheim") {
			t.Errorf("a user prints as %s", s)
		}
	}
}

func TestMode(t *testing.T) {
	for want, word := range []string{"auto", "required", "off"} {
		var got identity.Mode
		if err := got.UnmarshalText([]byte(word)); err != nil || got != identity.Mode(want) {
			t.Errorf("UnmarshalText(%q) = %d, %v, want %d", word, got, err, want)
		}
	}
	m := identity.Off
	if err := m.UnmarshalText([]byte("on")); err == nil || m != identity.Off {
		t.Errorf("UnmarshalText of no mode = %d, %v", m, err)
	}
}

func directory(t testing.TB, networks []identity.Network, users []identity.User, m identity.Mode) *identity.Directory {
	t.Helper()
	d, err := identity.New(networks, users, identity.Options{Mode: m, Now: now})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return d
}
