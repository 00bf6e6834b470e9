package portal

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// The bounds of one portal.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = time.Minute
	grace          = 5 * time.Second // for requests under way when the context ends
	maxHeader      = 16 << 10        // bytes
	maxConnections = 256
)

// Serve answers connections of ln with h until ctx ends; then it lets the requests under way finish, for a few seconds. It
// returns nil after ctx ended, and why it could not go on otherwise. It closes ln and leaves nothing behind.
func Serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(io.Discard, "", 0), // its lines name addresses of clients
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(ln, maxConnections)) }()
	select {
	case err := <-ended:
		_ = server.Close()
		return fmt.Errorf("serve the portal: %w", err)
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		_ = server.Close() // who is not done by now is cut off
	}
	<-ended
	return nil
}
