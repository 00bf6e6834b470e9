//go:build linux

package resolver

import (
	"errors"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// shareable says that several sockets may be bound to one address.
const shareable = true

// control readies a UDP socket before it is bound to addr: others may be bound to the same address, and when that is the
// address of no interface in particular, the kernel says with each query to which one it came, so that the answer
// leaves from there.
func control(addr netip.Addr) func(string, string, syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			switch {
			case !addr.IsUnspecified():
			case network == "udp4":
				set = errors.Join(set, unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1))
			default:
				set = errors.Join(set, unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1))
			}
		})
		return errors.Join(err, set)
	}
}
