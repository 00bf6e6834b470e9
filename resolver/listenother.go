//go:build !linux

package resolver

import (
	"net/netip"
	"syscall"
)

// shareable says that several sockets may be bound to one address. Other systems have SO_REUSEPORT too, but with another
// meaning: the last socket gets everything.
const shareable = false

// control leaves the socket as it is.
func control(netip.Addr) func(string, string, syscall.RawConn) error { return nil }
