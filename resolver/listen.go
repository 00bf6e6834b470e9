package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// socketBuffer is asked of the kernel for each direction of a socket, in bytes; it gives what its limits allow.
const socketBuffer = 4 << 20

// ListenUDP opens n sockets on one address, for [Resolver.ServeUDP]: the kernel spreads clients over them, so that every
// core reads its own. One for each of GOMAXPROCS is a good number. Where the system can't share an address, it opens one.
// With port 0 all have the same port. The caller owns the sockets.
func ListenUDP(ctx context.Context, addr netip.AddrPort, n int) ([]*net.UDPConn, error) {
	if !shareable {
		n = 1
	}
	c := net.ListenConfig{Control: control(addr.Addr())}
	var conns []*net.UDPConn
	for range n {
		conn, err := listenOne(ctx, &c, addr)
		if err != nil {
			for _, open := range conns {
				err = errors.Join(err, open.Close())
			}
			return nil, fmt.Errorf("listen for DNS on UDP %s: %w", addr, err)
		}
		conns = append(conns, conn)
		addr = netip.AddrPortFrom(addr.Addr(), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	}
	return conns, nil
}

func listenOne(ctx context.Context, c *net.ListenConfig, addr netip.AddrPort) (*net.UDPConn, error) {
	pc, err := c.ListenPacket(ctx, "udp", addr.String())
	if err != nil {
		return nil, err
	}
	conn := pc.(*net.UDPConn)
	if err := errors.Join(conn.SetReadBuffer(socketBuffer), conn.SetWriteBuffer(socketBuffer)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
