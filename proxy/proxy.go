package proxy

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elazarl/goproxy"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/proxy/page"
)

const (
	maxStreams     = 250      // concurrent requests on one HTTP/2 connection
	maxHeaderBytes = 64 << 10 // of a client's request
	quietInDrain   = 3 * time.Second
	drainTick      = 50 * time.Millisecond
)

// Lookup returns the addresses of a host, and the names that it is an alias of: the resolver's, so that a name means the
// same at both doors.
type Lookup func(ctx context.Context, h filter.Host) (addrs []netip.Addr, aliases []filter.Host, err error)

// Authenticator says who asks, by address and Proxy-Authorization. Its errors are those of package identity.
type Authenticator interface {
	Authenticate(ctx context.Context, addr netip.Addr, authorization string) (filter.Client, error)
}

// Config is what a proxy is made of. Gate, Clients, Certificate, Pages, Lookup and Log must be set.
type Config struct {
	Gate        *gate.Gate
	Clients     Authenticator
	Certificate func(context.Context, filter.Host) (*tls.Certificate, error) // of our authority
	Pages       *page.Pages
	Lookup      Lookup
	Log         *zap.Logger

	Roots  *x509.CertPool // that origins are verified against; nil: the system's
	Realm  string         // of proxy authentication
	Local  http.Handler   // answers requests to the proxy itself; nil: 404
	Limits Limits         // what is zero is a default
}

// Proxy is the HTTP door. Make one with [New].
type Proxy struct {
	gate        *gate.Gate
	clientele   Authenticator
	certificate func(context.Context, filter.Host) (*tls.Certificate, error)
	pages       *page.Pages
	lookup      Lookup
	log         *zap.Logger
	challenge   string
	local       http.Handler
	limits      Limits
	kinds       []filter.Kind
	pseudonym   string // in Via

	engine    *goproxy.ProxyHttpServer
	transport *http.Transport
	starts    *starts
	clients   *table
	origins   *table
	crew      crew
	stats     counters
	withheld  atomic.Int64 // bytes, at most limits.Withheld

	life       context.Context //nolint:containedctx // ends with Serve: dials and look-ups outlive the request that began them
	kill       context.CancelFunc
	self       netip.AddrPort // of the listener; set by Serve
	innerTLS   *handoff       // set by Serve
	innerPlain *handoff       // set by Serve
}

// New returns a proxy that serves nothing yet.
func New(c Config) (*Proxy, error) {
	if c.Gate == nil || c.Clients == nil || c.Certificate == nil || c.Pages == nil || c.Lookup == nil || c.Log == nil {
		return nil, errors.New("proxy: incomplete configuration")
	}
	name := make([]byte, 6)
	_, _ = rand.Read(name) // never fails
	p := &Proxy{
		gate: c.Gate, clientele: c.Clients, certificate: c.Certificate, pages: c.Pages, lookup: c.Lookup, log: c.Log,
		challenge: challenge(c.Realm), local: c.Local, limits: c.Limits.withDefaults(), pseudonym: hex.EncodeToString(name),
		starts: newStarts(),
	}
	for _, k := range content.Kinds() {
		p.kinds = append(p.kinds, filter.Kind(k))
	}
	p.clients, p.origins = newTable(p.limits.Clients), newTable(p.limits.Origins)
	p.life, p.kill = context.WithCancel(context.Background())
	p.transport = p.newTransport(c.Roots)
	p.engine = p.newEngine()
	return p, nil
}

// newEngine returns goproxy with our hooks, and with everything off that it would do by itself.
func (p *Proxy) newEngine() *goproxy.ProxyHttpServer {
	e := goproxy.NewProxyHttpServer()
	e.Logger = silent{}
	e.Verbose = false
	e.Tr = p.transport
	e.ConnectDial = nil // else a dialler that reads the environment
	e.ConnectDialWithReq = nil
	e.KeepAcceptEncoding = true // reduced by us
	e.KeepDestinationHeaders = false
	e.KeepHeader = false
	e.AllowHTTP2 = false
	e.PreventCanonicalization = false
	e.NonproxyHandler = http.HandlerFunc(p.serveNothing)
	e.ConnectionErrHandler = func(io.Writer, *goproxy.ProxyCtx, error) {}
	e.OnRequest().DoFunc(p.onRequest)
	e.OnRequest().HandleConnectFunc(p.onConnect)
	e.OnResponse().DoFunc(p.onResponse)
	return e
}

// silent is a logger for code that would print addresses.
type silent struct{}

// Printf does nothing.
func (silent) Printf(string, ...any) {}

// newServer returns a server with our bounds.
func (p *Proxy) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            p.limits.Header,
		IdleTimeout:                  p.limits.Idle,
		MaxHeaderBytes:               maxHeaderBytes,
		ErrorLog:                     log.New(io.Discard, "", 0), // it prints addresses
		DisableGeneralOptionsHandler: true,
		ConnState:                    p.connState,
		BaseContext:                  func(net.Listener) context.Context { return p.life },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(context.WithValue(ctx, tunnelKey{}, tunnelOf(c)), clientKey{}, underlying(c))
		},
	}
}

// connState counts the goroutine that a server has for each connection.
func (p *Proxy) connState(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		p.crew.join()
	case http.StateClosed, http.StateHijacked:
		p.crew.leave()
	case http.StateActive, http.StateIdle:
	}
}

// Serve answers proxy requests on ln until ctx ends. It then stops accepting, gives what is under way the grace period,
// closes the rest, and returns nil with no goroutine left. It may be called once.
func (p *Proxy) Serve(ctx context.Context, ln net.Listener) error {
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		p.self = tcp.AddrPort()
	}
	p.innerTLS, p.innerPlain = newHandoff(ln.Addr()), newHandoff(ln.Addr())
	outer, innerTLS, innerPlain := p.newServer(http.HandlerFunc(p.serveOuter)), p.newInnerTLS(), p.newInner()
	outer.Protocols = new(http.Protocols)
	outer.Protocols.SetHTTP1(true)

	ended := make(chan error, 3)
	go func() { ended <- outer.Serve(&listener{ln, p}) }()
	go func() { ended <- innerTLS.ServeTLS(p.innerTLS, "", "") }()
	go func() { ended <- innerPlain.Serve(p.innerPlain) }()
	var err error
	running := 3
	select {
	case <-ctx.Done():
	case err = <-ended:
		running--
	}
	p.stop(outer, innerTLS, innerPlain)
	for range running {
		<-ended
	}
	<-p.crew.gone()
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return errors.New("proxy: listener ended: " + reasonOf(err))
	}
	return nil
}

// reasonOf names a listener's error without its address.
func reasonOf(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err.Error()
	}
	return err.Error()
}

// stop drains and closes everything.
func (p *Proxy) stop(servers ...*http.Server) {
	grace, cancel := context.WithTimeout(context.Background(), p.limits.Grace)
	defer cancel()
	drained := make(chan struct{})
	var group sync.WaitGroup
	for _, s := range servers {
		group.Go(func() { _ = s.Shutdown(grace) }) // an error means that time is up: what is left is closed below
	}
	go func() { group.Wait(); close(drained) }()
	p.drain(grace, drained)
	cancel()
	<-drained
	for _, s := range servers {
		_ = s.Close() // closes what Shutdown gave up on
	}
	p.clients.closeAll()
	p.kill()
	p.origins.closeAll()
	p.transport.CloseIdleConnections()
}

// drain waits until the servers and what was hijacked from them have ended, or ctx has. A tunnel through which nothing moves
// is not waited for: a browser opens it anew.
func (p *Proxy) drain(ctx context.Context, servers <-chan struct{}) {
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for p.clients.len() > 0 || servers != nil {
		select {
		case <-ctx.Done():
			return
		case <-servers:
			servers = nil
		case <-tick.C:
			p.clients.closeQuiet(quietInDrain)
		}
	}
}

// PolicyChanged closes the idle connections to origins: they were dialled under the policy before. It is called after
// [gate.Gate.Use].
func (p *Proxy) PolicyChanged() { p.transport.CloseIdleConnections() }
