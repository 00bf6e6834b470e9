package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy"
	"github.com/keersluis/keersluis/proxy/ca"
	"github.com/keersluis/keersluis/proxy/page"
	"github.com/keersluis/keersluis/resolver"
)

// This file turns settings into what each part takes.

// maxRoots bounds a file of root certificates, in bytes: all of Mozilla's take 0.2 MB.
const maxRoots = 8 << 20

// amsterdam is the time zone of the law, the log and the people. The database is embedded, so it can't be missing.
func amsterdam() *time.Location {
	l, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		return time.UTC
	}
	return l
}

func (s *settings) logOptions(log *zap.Logger) logging.Options {
	l := s.policy.Logging
	return logging.Options{
		Mode: l.Mode, Retention: l.Months, Organisation: s.policy.Organisation.Name,
		Location: amsterdam(), Now: time.Now, Logger: log,
	}
}

func (s *settings) portalURL() string {
	return cmp.Or(s.Portal.URL, "http://"+reachable(string(s.Portal.Listen)))
}

func (s *settings) caOptions() ca.Options {
	return ca.Options{Organisation: s.policy.Organisation.Name, CRLURL: s.portalURL() + "/crl", Now: time.Now}
}

func (s *settings) resolverConfig(sv *server, upstreams []netip.AddrPort) resolver.Config {
	return resolver.Config{Gate: sv.gate, Clients: &sv.clients, Upstreams: upstreams, Logger: sv.log, Now: time.Now}
}

// upstreams returns the configured resolvers, or those of the system.
func (s *settings) upstreams(ctx context.Context, log *zap.Logger) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, u := range s.Resolver.Upstreams {
		addrs, err := bootstrap(ctx, u.host)
		if err != nil {
			return nil, fmt.Errorf("resolver.upstreams: %w", err)
		}
		for _, a := range addrs {
			out = append(out, netip.AddrPortFrom(a, u.port))
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	var own []netip.AddrPort
	if a, err := netip.ParseAddrPort(string(s.Resolver.Listen)); err == nil {
		own = append(own, a)
	}
	out, err := resolver.SystemUpstreams("/etc/resolv.conf", own...)
	if err != nil || len(out) == 0 {
		log.Warn("no resolver to forward to: names can't be looked up; set resolver.upstreams", zap.Error(err))
	}
	return out, nil
}

// bootstrap returns the addresses of an upstream by the system's resolver: ours can't be asked where its own upstream is.
func bootstrap(ctx context.Context, host filter.Host) ([]netip.Addr, error) {
	if a, ok := host.Addr(); ok {
		return []netip.Addr{a}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host.String())
	if err != nil {
		return nil, fmt.Errorf("look up the upstream %s: %w; give its address instead", host, err)
	}
	return addrs, nil
}

// lookup is the resolver's look-up with the errors that the proxy's pages tell apart, which are those of net.
func lookup(r *resolver.Resolver) proxy.Lookup {
	return func(ctx context.Context, h filter.Host) ([]netip.Addr, []filter.Host, error) {
		addrs, aliases, err := r.LookupChain(ctx, h)
		switch {
		case errors.Is(err, resolver.ErrNoSuchHost):
			err = &net.DNSError{Err: "no such host", IsNotFound: true}
		case errors.Is(err, resolver.ErrUnavailable):
			err = &net.DNSError{Err: "no answer", IsTemporary: true}
		}
		return addrs, aliases, err
	}
}

func (s *settings) proxyConfig(sv *server, roots *x509.CertPool) proxy.Config {
	return proxy.Config{
		Gate: sv.gate, Clients: &sv.clients, Certificate: sv.authority.Certificate, Lookup: lookup(sv.resolver), Roots: roots,
		Pages: sv.pages, Realm: s.policy.Organisation.Name, Local: http.HandlerFunc(sv.local), Log: sv.log,
		Limits: proxy.Limits{Grace: s.Proxy.Grace},
	}
}

// organisation returns who the pages say they are of.
func (s *settings) organisation() page.Organisation {
	o := s.policy.Organisation
	return page.Organisation{
		Name: o.Name,
		ServiceDesk: page.Contact{
			Name: o.ServiceDesk.Name, Phone: o.ServiceDesk.Phone, Mail: o.ServiceDesk.Mail, URL: o.ServiceDesk.URL,
		},
		Regulation: s.policy.Regulation.Name, RegulationURL: s.policy.Regulation.URL,
	}
}

func (s *settings) newKeeper(feeds *http.Client, log *zap.Logger) (*blocklists.Keeper, error) {
	return s.keeperIn(filepath.Join(s.Data, "lists"), feeds, log)
}

func (s *settings) keeperIn(dir string, feeds *http.Client, log *zap.Logger) (*blocklists.Keeper, error) {
	return blocklists.New(dir, s.sources(), blocklists.Options{Client: feeds, Now: time.Now, Logger: log})
}

// snapshotOnce compiles the lists for a command, beside a running server or without one. It fetches nothing: of a feed it
// has the copy in the data folder, where there is one.
func (s *settings) snapshotOnce(ctx context.Context) (*filter.Snapshot, blocklists.Report, error) {
	keeper, done, err := s.keeperOnce()
	if err != nil {
		return nil, blocklists.Report{}, err
	}
	defer done()
	return keeper.Load(ctx)
}

// keeperOnce returns a keeper for a command, with the copies of the data folder where there are any. The caller calls done.
func (s *settings) keeperOnce() (k *blocklists.Keeper, done func(), err error) {
	dir, done := filepath.Join(s.Data, "lists"), func() {}
	if _, err := os.Stat(dir); err != nil {
		if dir, err = os.MkdirTemp("", "keersluis-lists-"); err != nil {
			return nil, nil, fmt.Errorf("a folder for copies of lists: %w", err)
		}
		done = func() { os.RemoveAll(dir) }
	}
	if k, err = s.keeperIn(dir, new(http.Client), zap.NewNop()); err != nil {
		done()
		return nil, nil, err
	}
	return k, done, nil
}

// roots returns the system's roots and the configured ones.
func (s *settings) roots() (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, file := range s.TLS.Roots {
		pem, err := readRoots(file)
		if err != nil {
			return nil, fmt.Errorf("tls.roots: %w", err)
		}
		pool.AppendCertsFromPEM(pem)
	}
	return pool, nil
}

// readRoots returns a PEM file that holds at least one certificate.
func readRoots(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, maxRoots))
	if err != nil {
		return nil, err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pem, nil
}

func tlsClient(roots *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}
