package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/gate"
	"github.com/keersluis/keersluis/identity"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy"
	"github.com/keersluis/keersluis/proxy/ca"
	"github.com/keersluis/keersluis/proxy/page"
	"github.com/keersluis/keersluis/resolver"
)

// server is the running program: the parts, wired.
type server struct {
	paths   paths
	started time.Time
	ran     bool // run was called, which ends the store
	log     *zap.Logger
	lock    *os.File // held on the data folder while we live

	in      atomic.Pointer[settings] // in force
	clients clients
	gate    *gate.Gate
	store   *logging.Store
	metrics *metrics

	authority *ca.Authority
	pages     *page.Pages
	resolver  *resolver.Resolver
	proxy     *proxy.Proxy
	portal    atomic.Pointer[http.Handler] // made anew by a reload

	changing sync.Mutex              // one change of policy or lists at a time; guards what follows
	snapshot *filter.Snapshot        // in force
	report   blocklists.Report       // on snapshot
	keeper   *blocklists.Keeper      // of the lists of in
	keepers  chan *blocklists.Keeper // a loaded successor, for keepLists
}

// clients is the directory in force.
type clients struct {
	in atomic.Pointer[identity.Directory]
}

// ByAddr says who asks from an address.
func (c *clients) ByAddr(a netip.Addr) filter.Client { return c.in.Load().ByAddr(a) }

// Authenticate says who asks with a Proxy-Authorization header.
func (c *clients) Authenticate(ctx context.Context, a netip.Addr, authorization string) (filter.Client, error) {
	return c.in.Load().Authenticate(ctx, a, authorization)
}

// open reads everything and makes every part, so that what can go wrong goes wrong before a socket is open.
func open(ctx context.Context, p paths, stderr io.Writer) (_ *server, err error) {
	in, err := load(p)
	if err != nil {
		return nil, err
	}
	s := &server{paths: p, started: time.Now(), log: logging.NewLogger(stderr, in.Log.Level.Level, in.Log.Format.Format), keepers: make(chan *blocklists.Keeper, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	s.in.Store(in)
	if s.lock, err = lockData(in.Data); err != nil {
		return nil, err
	}
	directory, err := in.directory(nil)
	if err != nil {
		return nil, err
	}
	s.clients.in.Store(directory)
	if s.store, err = logging.Open(filepath.Join(in.Data, "log"), in.logOptions(s.log)); err != nil {
		return nil, fmt.Errorf("open the traffic log: %w", err)
	}
	s.metrics = newMetrics(s)
	s.gate = gate.New(s.metrics, time.Now)
	if s.authority, err = ca.Open(filepath.Join(in.Data, "ca"), in.caOptions()); err != nil {
		return nil, err
	}
	roots, err := in.roots()
	if err != nil {
		return nil, err
	}
	upstreams, err := in.upstreams(ctx, s.log)
	if err != nil {
		return nil, err
	}
	s.resolver = resolver.New(in.resolverConfig(s, upstreams))
	if s.keeper, err = in.newKeeper(s.feedClient(roots), s.log); err != nil {
		return nil, err
	}
	snapshot, report, err := s.keeper.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the lists: %w", err)
	}
	s.pages = page.New(in.organisation())
	if s.proxy, err = proxy.New(in.proxyConfig(s, roots)); err != nil {
		return nil, err
	}
	s.usePortal()
	s.use(snapshot, report)
	return s, nil
}

// close gives up what open took. A store that ran has closed itself.
func (s *server) close() error {
	var errs []error
	if s.store != nil && !s.ran {
		ended, end := context.WithCancel(context.Background())
		end()
		errs = append(errs, s.store.Run(ended))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// lockData makes the data folder and takes it for this process.
func lockData(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("protect the data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is in use by another keersluis: stop that one, or give another --data", dir), f.Close())
	}
	return f, nil
}

// listen opens every socket, or none.
func (s *server) listen(ctx context.Context) (l listeners, err error) {
	var opened []io.Closer
	defer func() {
		if err != nil {
			for _, c := range opened {
				err = errors.Join(err, c.Close())
			}
		}
	}()
	in := s.in.Load()
	tcp := func(key string, addr listenAddr) (net.Listener, error) {
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", string(addr))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		opened = append(opened, ln)
		return ln, nil
	}
	if l.proxy, err = tcp("proxy.listen", in.Proxy.Listen); err != nil {
		return l, err
	}
	if l.portal, err = tcp("portal.listen", in.Portal.Listen); err != nil {
		return l, err
	}
	if l.dnsTCP, err = tcp("resolver.listen", in.Resolver.Listen); err != nil {
		return l, err
	}
	addr := l.dnsTCP.Addr().(*net.TCPAddr).AddrPort()
	if l.dnsUDP, err = resolver.ListenUDP(ctx, addr, runtime.GOMAXPROCS(0)); err != nil {
		return l, fmt.Errorf("resolver.listen: %w", err)
	}
	for _, c := range l.dnsUDP {
		opened = append(opened, c)
	}
	if l.control, err = listenControl(in.Data); err != nil {
		return l, err
	}
	return l, nil
}

// use puts a snapshot in force, and tells the log what is wrong with the lists.
func (s *server) use(snapshot *filter.Snapshot, report blocklists.Report) {
	s.changing.Lock()
	defer s.changing.Unlock()
	changed := s.snapshot == nil || s.snapshot.Digest() != snapshot.Digest()
	s.snapshot, s.report = snapshot, report
	s.decideBy(s.in.Load(), snapshot)
	if changed {
		s.log.Info("lists in force", zap.Stringer("digest", snapshot.Digest()), zap.Int("entries", snapshot.Len()))
	}
	for _, status := range report.Sources {
		if status.Err != nil {
			s.log.Warn("list is not as it should be", zap.String("list", status.Name), zap.Stringer("in force", status.State), zap.String("problem", oneLine(status.Err)))
		}
		for i, c := range status.Complaints {
			if i == maxLoggedComplaints {
				break
			}
			s.log.Warn("line of a list not used", zap.String("list", c.List), zap.Int("line", c.Line), zap.String("reason", c.Reason))
		}
		if more := status.Complained - maxLoggedComplaints; more > 0 {
			s.log.Warn("more lines of a list not used", zap.String("list", status.Name), zap.Int("lines", more))
		}
	}
}

// maxLoggedComplaints bounds what one list can put in the operational log at one load.
const maxLoggedComplaints = 10

// decideBy makes the doors decide by these settings and lists. The caller holds changing, or nothing runs yet.
func (s *server) decideBy(in *settings, snapshot *filter.Snapshot) {
	s.gate.Use(filter.NewPolicy(in.rules(), snapshot))
	s.proxy.PolicyChanged()
}

// reload reads settings, policy and lists again. When anything is wrong, what was in force stays in force.
func (s *server) reload() error {
	in, err := load(s.paths)
	if err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	directory, err := in.directory(s.clients.in.Load())
	if err != nil {
		return err
	}
	old := s.in.Load()
	s.warnFixed(old, in)
	s.in.Store(in)
	s.clients.in.Store(directory)
	s.pages.Use(in.organisation())
	s.usePortal()
	s.decideBy(in, s.snapshot)
	if slices.Equal(old.sources(), in.sources()) {
		s.keeper.Reload()
		s.log.Info("settings and policy read again")
		return nil
	}
	return s.replaceKeeper(in)
}

// replaceKeeper hands keepLists a keeper of other lists. The caller holds changing.
func (s *server) replaceKeeper(in *settings) error {
	roots, err := in.roots()
	if err != nil {
		return err
	}
	next, err := in.newKeeper(s.feedClient(roots), s.log)
	if err != nil {
		return err
	}
	select { // a successor that keepLists didn't take yet has been overtaken
	case <-s.keepers:
	default:
	}
	s.keepers <- next
	s.log.Info("settings and policy read again; lists change")
	return nil
}

// warnFixed tells what a reload can't change.
func (s *server) warnFixed(old, in *settings) {
	for _, f := range []struct {
		key     string
		changed bool
	}{
		{"data", old.Data != in.Data},
		{"proxy.listen", old.Proxy.Listen != in.Proxy.Listen},
		{"resolver.listen", old.Resolver.Listen != in.Resolver.Listen},
		{"resolver.upstreams", !slices.Equal(old.Resolver.Upstreams, in.Resolver.Upstreams)},
		{"portal.listen", old.Portal.Listen != in.Portal.Listen},
		{"tls.roots", !slices.Equal(old.TLS.Roots, in.TLS.Roots)},
		{"logging of the policy", old.policy.Logging != in.policy.Logging},
	} {
		if f.changed {
			s.log.Warn("changed, but only a restart puts it in force", zap.String("setting", f.key))
		}
	}
}
