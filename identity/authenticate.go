package identity

import (
	"context"
	"errors"
	"net/netip"

	"github.com/keersluis/keersluis/filter"
)

// The errors of [Directory.Authenticate].
var (
	ErrCredentialsRequired = errors.New("credentials are required")               // 407
	ErrBadCredentials      = errors.New("the credentials are not right")          // 407
	ErrBusy                = errors.New("too many credentials are being checked") // 503: for this client; also when ctx ends
)

// Authenticate returns who asks from a, given the value of the Proxy-Authorization header, "" when there is none. Right credentials
// add the user's roles to those of a network that speaks for its clients; elsewhere the user has their own roles and is an employee.
//
// The first time it takes as long as the password hash does, and as long again for each who waits before: clients take turns,
// and one that sends too many credentials gets [ErrBusy] while others are served. Later calls take a microsecond. The client is only worth something without an error. The caller must not change the roles.
func (d *Directory) Authenticate(ctx context.Context, a netip.Addr, authorization string) (filter.Client, error) {
	c, speaks := d.byAddr(a)
	switch {
	case d.verifier == nil:
		return c, nil
	case authorization == "":
		if speaks && d.mode == Auto {
			return c, nil
		}
		return filter.Client{}, ErrCredentialsRequired
	}
	name, password, ok := parseBasic(authorization)
	if !ok {
		return filter.Client{}, ErrBadCredentials
	}
	user, err := d.verifier.verify(ctx, credentials{c.Addr, name, password}, d.users)
	if err != nil {
		return filter.Client{}, err
	}
	c.User = user.name
	c.Roles = union(c.Roles, user.roles) // without a network that speaks, c has the role of an employee
	return c, nil
}
