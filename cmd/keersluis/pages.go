package main

import (
	"net/http"
	"net/url"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/portal"
)

// This file shows the running program on the portal.

// usePortal makes the portal of the settings in force.
func (s *server) usePortal() {
	in := s.in.Load()
	h := portal.New(portal.Config{
		Organisation: in.organisation(),
		Names:        in.portalNames(),
		PAC:          in.pac(),
		Status:       s.status,
		Health:       s.health,
		RootPEM:      s.authority.RootPEM,
		RootDER:      s.authority.RootDER,
		CRL:          s.crl,
		Metrics:      s.metrics.handler(),
	})
	s.portal.Store(&h)
}

// ServeHTTP is the portal in force.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*s.portal.Load()).ServeHTTP(w, r)
}

// portalNames returns the name under which clients know the portal, when it has one.
func (s *settings) portalNames() []filter.Host {
	u, err := url.Parse(s.Portal.URL)
	if err != nil {
		return nil
	}
	h, err := filter.ParseHost(u.Hostname())
	if err != nil {
		return nil
	}
	return []filter.Host{h}
}

// pac returns what the PAC file says: our own listener unless the settings name proxies.
func (s *settings) pac() portal.PAC {
	var p portal.PAC
	for _, e := range s.PAC.Proxies {
		p.Proxies = append(p.Proxies, e.Endpoint)
	}
	if own, err := portal.ParseEndpoint(string(s.Proxy.Listen)); err == nil && len(p.Proxies) == 0 {
		p.Proxies = append(p.Proxies, own)
	}
	p.Internal = append(p.Internal, s.portalNames()...) // through the proxy it would be an internal address
	for _, h := range s.PAC.Direct {
		p.Internal = append(p.Internal, h.Host)
	}
	for _, e := range s.Internal {
		if !e.host.IsZero() {
			p.Internal = append(p.Internal, e.host)
		}
	}
	return p
}

// crl returns the revocation list; nothing when it can't be signed, which health reports.
func (s *server) crl() []byte {
	der, err := s.authority.CRL()
	if err != nil {
		return nil
	}
	return der
}

// local answers requests that are made to the proxy's own address: the few files a client may look for there.
func (s *server) local(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/proxy.pac", "/wpad.dat", "/ca.pem", "/ca.der", "/crl", "/healthz":
		s.ServeHTTP(w, r)
	default:
		http.Error(w, "this is a proxy: set it as the proxy of your browser, or use its PAC file at /proxy.pac", http.StatusNotFound)
	}
}

func (s *server) status() portal.Status {
	in := s.in.Load()
	s.changing.Lock()
	report := s.report
	s.changing.Unlock()
	stats := s.store.Stats()
	out := portal.Status{
		Version: version,
		Started: s.started,
		Listeners: []portal.Listener{
			{Name: "proxy", Address: string(in.Proxy.Listen)},
			{Name: "resolver", Address: string(in.Resolver.Listen)},
			{Name: "portal", Address: string(in.Portal.Listen)},
		},
		Policy: portal.Policy{Name: in.policy.Regulation.Name, Digest: report.Snapshot.String(), Loaded: report.At},
		Log:    portal.Log{Mode: in.policy.Logging.Mode.String(), Recorded: stats.Recorded, Lost: stats.Lost},
	}
	if stats.Days > 0 {
		out.Log.Oldest = stats.Oldest.String()
	}
	for _, l := range report.Sources {
		out.Lists = append(out.Lists, portal.List{
			Name: l.Name, Category: l.Category, State: l.State, Entries: l.Entries, Loaded: l.Taken,
		})
	}
	return out
}

// stats returns what the parts counted.
func (s *server) stats() *snapshotOfStats {
	s.changing.Lock()
	entries := s.report.Entries()
	s.changing.Unlock()
	return &snapshotOfStats{
		log: s.store.Stats(), proxy: s.proxy.Stats(), live: s.proxy.Live(), dns: s.resolver.Stats(), entries: entries,
	}
}

// health returns what a person should look at besides the lists, worst first.
func (s *server) health() []portal.Problem {
	var all []portal.Problem
	stats := s.store.Stats()
	if stats.Trouble != "" {
		all = append(all, portal.Problem{Kind: portal.LogUnwritable, Detail: stats.Trouble})
	}
	if stats.Lost > 0 {
		all = append(all, portal.Problem{Kind: portal.LogLost, Count: stats.Lost})
	}
	if stats.SetAside > 0 {
		all = append(all, portal.Problem{Kind: portal.LogDamaged, Count: uint64(stats.SetAside)})
	}
	if stats.ClockSuspect {
		all = append(all, portal.Problem{Kind: portal.ClockJumped})
	}
	switch left := time.Until(s.authority.NotAfter()); {
	case left <= 0:
		all = append(all, portal.Problem{Kind: portal.CAEnded})
	case left < 60*24*time.Hour:
		all = append(all, portal.Problem{Kind: portal.CAEnding, Count: 1 + uint64(left/(24*time.Hour))})
	}
	return all
}
