package main

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
)

// keepLists runs the keeper in force, and its successors, until ctx ends.
func (s *server) keepLists(ctx context.Context) error {
	s.changing.Lock()
	keeper := s.keeper
	s.changing.Unlock()
	for {
		next, err := s.runKeeper(ctx, keeper)
		if err != nil || next == nil {
			return err
		}
		snapshot, report, err := next.Load(ctx)
		if err != nil {
			s.log.Error("lists not changed; the ones in force stay", zap.String("problem", oneLine(err)))
			continue
		}
		s.changing.Lock()
		s.keeper = next
		s.changing.Unlock()
		s.use(snapshot, report)
		keeper = next
	}
}

// runKeeper runs one keeper until ctx ends, when it returns nil, or a successor comes, which it returns.
func (s *server) runKeeper(ctx context.Context, k *blocklists.Keeper) (next *blocklists.Keeper, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var keeping part
	keeping.start(func() error { return k.Run(ctx, s.use) }, stop)
	select {
	case <-ctx.Done():
	case next = <-s.keepers:
		stop()
	}
	return next, keeping.wait()
}

// feedClient fetches lists: through our own resolver's upstreams, without the environment's proxies.
func (s *server) feedClient(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 nil,
		DialContext:           s.dialFeed,
		TLSClientConfig:       tlsClient(roots),
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       time.Minute,
		MaxIdleConns:          4,
	}}
}

func (s *server) dialFeed(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	host, err := filter.ParseHost(name)
	if err != nil {
		return nil, err
	}
	addrs, err := s.resolver.Lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	var errs []error
	for _, a := range addrs {
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}
