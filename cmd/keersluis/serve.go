package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/portal"
)

// controlTimeout bounds one question over the control socket.
const controlTimeout = time.Minute

func newServe(p *paths) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "run the proxy, the resolver and the portal",
		Long: "Serve runs until it gets SIGTERM or SIGINT, and then lets open connections finish for proxy.grace.\n" +
			"SIGHUP reads the settings, the policy and the lists again; listeners, certificates and data stay.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), *p, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func newReload(p *paths) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "make the running server read its settings, policy and lists again, and say what is wrong with them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := load(*p)
			if err != nil {
				return err
			}
			if err := ask(cmd.Context(), s.Data, "/reload", struct{}{}, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "settings, policy and lists are read again")
			return err
		},
	}
}

// serve runs the server until ctx ends or a part of it fails.
func serve(ctx context.Context, p paths, stdout, stderr io.Writer) error {
	log.SetOutput(io.Discard) // net/http prints what strangers send; our own log is zap's
	s, err := open(ctx, p, stderr)
	if err != nil {
		return err
	}
	listeners, err := s.listen(ctx)
	if err != nil {
		return errors.Join(err, s.close())
	}
	s.greet(stdout)
	return errors.Join(s.run(ctx, listeners), s.close())
}

// listeners are the sockets that are open before anything says that it is ready.
type listeners struct {
	proxy, portal, dnsTCP, control net.Listener
	dnsUDP                         []*net.UDPConn
}

// run serves on the listeners until ctx ends or a part fails. The doors close first; the log is last, so that it has
// everything.
func (s *server) run(ctx context.Context, l listeners) error {
	s.ran = true
	logCtx, stopLog := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLog()
	var store part
	store.start(func() error { return s.store.Run(logCtx) }, nil)

	doors, stop := context.WithCancel(ctx)
	defer stop()
	parts := []func(context.Context) error{
		func(ctx context.Context) error { return s.proxy.Serve(ctx, l.proxy) },
		func(ctx context.Context) error { return s.resolver.ServeUDP(ctx, l.dnsUDP...) },
		func(ctx context.Context) error { return s.resolver.ServeTCP(ctx, l.dnsTCP) },
		func(ctx context.Context) error { return portal.Serve(ctx, l.portal, s) },
		func(ctx context.Context) error { return s.serveControl(ctx, l.control) },
		s.keepLists,
		s.reloadOnHangup,
	}
	running := make([]part, len(parts))
	for i, f := range parts {
		running[i].start(func() error { return f(doors) }, stop)
	}
	var errs []error
	for i := range running {
		errs = append(errs, running[i].wait())
	}
	stopLog()
	return errors.Join(append(errs, store.wait())...)
}

// part is one goroutine that its owner waits for.
type part struct {
	done sync.WaitGroup
	err  error // read after done
}

// start runs f; when it ends, whyever, it calls then.
func (p *part) start(f func() error, then func()) {
	p.done.Go(func() {
		p.err = f()
		if then != nil {
			then()
		}
	})
}

func (p *part) wait() error {
	p.done.Wait()
	return p.err
}

// reloadOnHangup reloads at each SIGHUP until ctx ends.
func (s *server) reloadOnHangup(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			if err := s.reload(); err != nil {
				s.log.Error("reload refused; what was in force stays in force", zap.String("problems", oneLine(err)))
			}
		}
	}
}

// serveControl answers the other commands until ctx ends.
func (s *server) serveControl(ctx context.Context, l net.Listener) error {
	h := http.Server{
		Handler: s.controlHandler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: controlTimeout,
		WriteTimeout: controlTimeout, MaxHeaderBytes: 16 << 10, ErrorLog: zap.NewStdLog(zap.NewNop()),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- h.Shutdown(bounded)
	})
	defer stop()
	if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the control socket: %w", err)
	}
	return errors.Join(<-stopped, os.Remove(filepath.Join(s.in.Load().Data, socketName)))
}

// greet says in five lines what listens where and what to try.
func (s *server) greet(w io.Writer) {
	c := s.in.Load()
	me := os.Args[0]
	switch {
	case strings.Contains(me, "go-build"):
		me = "go run ./cmd/keersluis"
	case !strings.ContainsRune(me, filepath.Separator):
		me = "keersluis"
	}
	flags := ""
	for _, f := range []struct{ name, value string }{{"--config", s.paths.config}, {"--policy", s.paths.policy}, {"--data", s.paths.data}} {
		if f.value != "" {
			flags += " " + f.name + " " + f.value
		}
	}
	proxy, dns := reachable(string(c.Proxy.Listen)), reachable(string(c.Resolver.Listen))
	host, port, _ := net.SplitHostPort(dns)
	fmt.Fprintf(w, "Keersluis listens: proxy %s, resolver %s (UDP, TCP), portal http://%s/\n",
		shown(c.Proxy.Listen), shown(c.Resolver.Listen), reachable(string(c.Portal.Listen)))
	fmt.Fprintf(w, "Certificates, lists and log are in %s\n", c.Data)
	fmt.Fprintf(w, "Try: curl --proxy http://%s --cacert %s https://www.unibet.nl/\n", proxy, filepath.Join(c.Data, "ca", "ca.pem"))
	fmt.Fprintf(w, "     dig @%s -p %s www.unibet.nl\n", host, port)
	fmt.Fprintf(w, "     %s explain%s https://www.unibet.nl/\n", me, flags)
}

// shown returns an address that is listened on for a person to read.
func shown(l listenAddr) string {
	host, port, err := net.SplitHostPort(string(l))
	if a, parseErr := netip.ParseAddr(host); err != nil || host != "" && (parseErr != nil || !a.IsUnspecified()) {
		return string(l)
	}
	return "port " + port + " of every address"
}
