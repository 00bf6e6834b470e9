package identity

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/keersluis/keersluis/filter"
)

// Network is a range of addresses and what is known of the clients in it.
type Network struct {
	Prefix netip.Prefix
	Device filter.Device
	Roles  []filter.Role // none: the network does not speak for its clients
}

// User is a person who may authenticate. It never prints itself.
type User struct {
	Name         string        // compared as RFC 8265 UsernameCaseMapped: without regard to case
	PasswordHash string        // bcrypt ($2a$, $2b$, $2y$) or argon2id in PHC form; see [HashPassword]
	Roles        []filter.Role // besides employee
}

// hiddenUser is what a user prints as.
const hiddenUser = "user(hidden)"

// String returns a constant.
func (User) String() string { return hiddenUser }

// GoString returns a constant.
func (User) GoString() string { return hiddenUser }

// MarshalText returns a constant, so that JSON, YAML and zap hide the user too.
func (User) MarshalText() ([]byte, error) { return []byte(hiddenUser), nil }

// Mode says who is asked for credentials.
type Mode uint8

// The modes. Without users, nobody is asked in Auto, and Required is refused by [New].
const (
	Auto     Mode = iota // who comes from a network that gives no roles
	Required             // everybody
	Off                  // nobody, and credentials that are sent are not looked at
)

// UnmarshalText reads a mode from a configuration.
func (m *Mode) UnmarshalText(text []byte) error {
	i := slices.Index([]string{"auto", "required", "off"}, string(text))
	if i < 0 {
		return errors.New("wants auto, required or off")
	}
	*m = Mode(i)
	return nil
}

// Options are the further settings of a [Directory].
type Options struct {
	Mode Mode
	Now  func() time.Time // the clock; required

	// Previous is the directory that this one takes over from, or nil. What it remembers as right is kept for the users
	// whose name and hash are the same, so that not everybody is verified again at once. It is not held on to.
	Previous *Directory
}

// Directory knows the clients. It is immutable but for a cache of verified credentials, and safe for concurrent use.
type Directory struct {
	networks networkTable
	users    map[string]*account // by canonical name
	verifier *verifier           // nil when nobody is asked
	mode     Mode
	least    []filter.Role // of whom nothing more is known
}

// account is a user as the directory keeps it.
type account struct {
	name  string // canonical
	hash  passwordHash
	roles []filter.Role
}

// New returns a directory. The error is [Problems] when networks or users are not right.
func New(networks []Network, users []User, o Options) (*Directory, error) {
	if o.Now == nil {
		return nil, errors.New("identity without a clock")
	}
	var ps Problems
	d := &Directory{mode: o.Mode, least: []filter.Role{filter.Employee}}
	d.networks = newNetworkTable(networks, &ps)
	accounts := newAccounts(users, &ps)
	if o.Mode == Required && len(users) == 0 {
		ps.add("users", "authentication is required, but nobody is listed")
	}
	if len(ps) > 0 {
		return nil, ps
	}
	if len(accounts) > 0 && o.Mode != Off {
		d.users = make(map[string]*account, len(accounts))
		for _, a := range accounts {
			d.users[a.name] = a
		}
		d.verifier = newVerifier(accounts, o.Now)
		if o.Previous != nil && o.Previous.verifier != nil {
			d.verifier.follow(o.Previous.verifier, d.users)
		}
	}
	return d, nil
}

// ByAddr returns who asks as far as the address tells: for an address in several networks the smallest of them counts,
// and in none the client is an employee on an unknown device. The caller must not change the roles.
func (d *Directory) ByAddr(a netip.Addr) filter.Client {
	c, _ := d.byAddr(a)
	return c
}

// byAddr also reports whether the network speaks for the client.
func (d *Directory) byAddr(a netip.Addr) (filter.Client, bool) {
	a = a.Unmap().WithZone("")
	c := filter.Client{Addr: a, Roles: d.least}
	n, ok := d.networks.find(a)
	if !ok {
		return c, false
	}
	c.Device = n.Device
	if len(n.Roles) == 0 {
		return c, false
	}
	c.Roles = n.Roles
	return c, true
}
