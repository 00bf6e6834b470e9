package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/identity"
	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/policy"
	"github.com/keersluis/keersluis/portal"
	"github.com/keersluis/keersluis/yamlfile"
)

// Config is keersluis.yaml: what belongs to this machine. What belongs to the organisation is in policy.yaml. Relative
// paths count from the folder of the file.
type Config struct {
	// Data is the folder for certificates, last good lists and the log; made with mode 0700. Default: keersluis below
	// $XDG_STATE_HOME, or below ~/.local/state. The flag --data goes before it.
	Data string `yaml:"data"`

	Proxy struct {
		// Listen is the address of the proxy. Default 127.0.0.1:3128.
		Listen listenAddr `yaml:"listen"`
		// Authentication says who is asked for a name and password: auto (who is in no network with roles, once there are
		// users), required (everybody) or off. Default auto.
		Authentication identity.Mode `yaml:"authentication"`
		// Grace is how long open connections may finish at shutdown. Default 10s.
		Grace time.Duration `yaml:"grace"`
	} `yaml:"proxy"`

	Resolver struct {
		// Listen is the address of the resolver, UDP and TCP. Default 127.0.0.1:5300.
		Listen listenAddr `yaml:"listen"`
		// Upstreams are the resolvers that are asked, host:port or host. A name is looked up once, at start, by the system's
		// resolver; an address is better. Default: those of /etc/resolv.conf.
		Upstreams []upstreamAddr `yaml:"upstreams"`
	} `yaml:"resolver"`

	Portal struct {
		// Listen is the address of the status pages, the PAC file, the CA certificate and the metrics. Default
		// 127.0.0.1:8480.
		Listen listenAddr `yaml:"listen"`
		// URL is how clients reach the portal, for the CRL address in certificates. Default http:// and Listen.
		URL string `yaml:"url"`
	} `yaml:"portal"`

	PAC struct {
		// Proxies are the proxies that the PAC file names, host:port, in the order in which a browser should try them.
		// Default: this proxy.
		Proxies []endpoint `yaml:"proxies"`
		// Direct are names, and all names below them, that browsers reach without the proxy, besides plain names and
		// private addresses.
		Direct []hostName `yaml:"direct"`
	} `yaml:"pac"`

	TLS struct {
		// Roots are PEM files with certificates that upstream servers may chain to, besides the system's.
		Roots []string `yaml:"roots"`
	} `yaml:"tls"`

	// Lists are loaded beside the embedded starter lists.
	Lists []ListConfig `yaml:"lists"`

	// Networks say who is asking, by address; the longest prefix counts. Default, as long as there are no users either:
	// 127.0.0.0/8 and ::1 are a managed PC of an employee.
	Networks []NetworkConfig `yaml:"networks"`

	// Users may give a name and password to the proxy.
	Users []UserConfig `yaml:"users"`

	// Internal are names (and all below them) and CIDRs that may be reached although they are private or loopback.
	Internal []internalEntry `yaml:"internal"`

	Log struct {
		// Level of the operational log: debug, info, warn or error. Default info.
		Level logLevel `yaml:"level"`
		// Format of the operational log: console or json. Default console.
		Format logFormat `yaml:"format"`
	} `yaml:"log"`
}

// ListConfig is one list.
type ListConfig struct {
	Name     string            `yaml:"name"` // in verdicts and complaints; default: file as written, or the last part of url
	File     string            `yaml:"file"` // a file, or a folder for ut1
	URL      string            `yaml:"url"`
	Category filter.Category   `yaml:"category"`
	Format   blocklists.Format `yaml:"format"` // auto, hosts, domains, ut1; default auto
}

// NetworkConfig is who asks from an address range.
type NetworkConfig struct {
	CIDR   prefix        `yaml:"cidr"`
	Device filter.Device `yaml:"device"`
	Roles  []filter.Role `yaml:"roles"`
}

// UserConfig is one person who may log on to the proxy.
type UserConfig struct {
	Name         string        `yaml:"name"`
	PasswordHash string        `yaml:"password_hash"` // bcrypt or argon2id; keersluis user hash makes one
	Roles        []filter.Role `yaml:"roles"`
}

// settings is everything a command needs, read and checked.
type settings struct {
	Config
	policy *policy.Policy
	file   string // of the config; "" for the built-in settings
}

func defaultConfig() Config {
	var c Config
	c.Proxy.Listen, c.Resolver.Listen, c.Portal.Listen = "127.0.0.1:3128", "127.0.0.1:5300", "127.0.0.1:8480"
	c.Proxy.Grace = 10 * time.Second
	return c
}

// thisMachine is who asks when nothing says who does: without users nobody could log on.
func thisMachine() []NetworkConfig {
	return []NetworkConfig{
		{CIDR: prefix{netip.MustParsePrefix("127.0.0.0/8")}, Device: filter.ManagedPC, Roles: []filter.Role{filter.Employee}},
		{CIDR: prefix{netip.MustParsePrefix("::1/128")}, Device: filter.ManagedPC, Roles: []filter.Role{filter.Employee}},
	}
}

// fileProblems is everything wrong in the two files, a line each.
type fileProblems struct{ error }

// load reads both files and checks all that can be checked without starting.
func load(p paths) (*settings, error) {
	s := &settings{Config: defaultConfig(), file: p.config}
	rules, err := loadPolicy(p.policy)
	s.policy = rules
	problems := []error{err}
	if p.config != "" {
		doc, err := yamlfile.ReadFile(p.config, &s.Config)
		if err != nil {
			return nil, fmt.Errorf("read the settings: %w", err)
		}
		s.resolvePaths(filepath.Dir(p.config))
		s.check(doc)
		problems = append(problems, doc.Err())
	}
	if s.Networks == nil && s.Users == nil {
		s.Networks = thisMachine()
	}
	if p.data != "" {
		s.Data = p.data
	}
	if s.Data == "" {
		if s.Data, err = defaultData(); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fileProblems{err}
	}
	if abs, err := filepath.Abs(s.Data); err == nil {
		s.Data = abs // for whoever copies a path from what we print
	}
	return s, nil
}

func loadPolicy(file string) (*policy.Policy, error) {
	if file == "" {
		return policy.Default(), nil
	}
	return policy.Load(file)
}

// defaultData returns the data folder for a user without settings (XDG Base Directory Specification).
func defaultData() (string, error) {
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "keersluis"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no place for data: give --data or set HOME: %w", err)
	}
	return filepath.Join(home, ".local", "state", "keersluis"), nil
}

func (s *settings) resolvePaths(dir string) {
	from := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	from(&s.Data)
	for i := range s.TLS.Roots {
		from(&s.TLS.Roots[i])
	}
	for i := range s.Lists {
		l := &s.Lists[i]
		if l.Name == "" {
			l.Name = l.File // as it is written: that is how a person finds it again
		}
		from(&l.File)
	}
}

// check adds to doc what is wrong with values that stand in relation to something else.
func (s *settings) check(doc *yamlfile.Document) {
	for i, l := range s.Lists {
		at := fmt.Sprintf("lists[%d]", i)
		s.checkCategory(doc, at+".category", l.Category)
		if err := s.source(l).Validate(); err != nil {
			doc.Problemf(at, "%s", oneLine(err))
		}
	}
	for i, n := range s.Networks {
		at := fmt.Sprintf("networks[%d]", i)
		s.checkDevice(doc, at+".device", n.Device)
		s.checkRoles(doc, at+".roles", n.Roles)
	}
	for i, u := range s.Users {
		s.checkRoles(doc, fmt.Sprintf("users[%d].roles", i), u.Roles)
	}
	for i, file := range s.TLS.Roots {
		if _, err := readRoots(file); err != nil {
			doc.Problemf(fmt.Sprintf("tls.roots[%d]", i), "%s", oneLine(err))
		}
	}
	if s.Portal.URL != "" {
		if u, err := url.Parse(s.Portal.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			doc.Problemf("portal.url", "%q is not a URL, such as http://keersluis.gemeente.example:8480", s.Portal.URL)
		}
	}
	for key, other := range map[string]listenAddr{"resolver.listen": s.Resolver.Listen, "portal.listen": s.Portal.Listen} {
		if other == s.Proxy.Listen && !strings.HasSuffix(string(other), ":0") {
			doc.Problemf(key, "%s is the address of proxy.listen; each needs its own", other)
		}
	}
	for i, p := range s.PAC.Proxies {
		if p.Host.IsZero() && p.Port != 0 {
			doc.Problemf(fmt.Sprintf("pac.proxies[%d]", i), "needs the name or address under which browsers reach the proxy")
		}
	}
	if s.Proxy.Grace < 0 || s.Proxy.Grace > 10*time.Minute {
		doc.Problemf("proxy.grace", "wants a time from 0s to 10m")
	}
	_, err := s.directory(nil)
	if problems, ok := errors.AsType[identity.Problems](err); ok {
		for _, p := range problems {
			doc.Problemf(p.Path, "%s", p.Reason)
		}
	}
}

// checkRoles refuses roles that the policy doesn't have. Without a readable policy there is nothing to compare with.
func (s *settings) checkRoles(doc *yamlfile.Document, at string, roles []filter.Role) {
	if s.policy == nil {
		return
	}
	for i, r := range roles {
		if known := s.policy.Roles(); !slices.Contains(known, r) {
			doc.Problemf(fmt.Sprintf("%s[%d]", at, i), "%s", yamlfile.Unknown("role", string(r), words(known)))
		}
	}
}

func (s *settings) checkCategory(doc *yamlfile.Document, at string, c filter.Category) {
	if s.policy == nil || c == "" {
		return
	}
	if known := s.policy.Categories(); !slices.Contains(known, c) {
		doc.Problemf(at, "%s", yamlfile.Unknown("category", string(c), words(known)))
	}
}

func (s *settings) checkDevice(doc *yamlfile.Document, at string, d filter.Device) {
	if known := filter.Devices(); d != filter.DeviceUnknown && !slices.Contains(known, d) {
		doc.Problemf(at, "%s", yamlfile.Unknown("device class", string(d), words(known)))
	}
}

// words returns names as plain strings.
func words[T ~string](names []T) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return out
}

func (s *settings) source(l ListConfig) blocklists.Source {
	return blocklists.Source{Name: l.Name, Category: l.Category, Format: l.Format, File: l.File, URL: l.URL}
}

// sources returns the configured lists.
func (s *settings) sources() []blocklists.Source {
	var out []blocklists.Source
	for _, l := range s.Lists {
		out = append(out, s.source(l))
	}
	return out
}

// directory returns who may ask. What was remembered of credentials in previous, which may be nil, carries over.
func (s *settings) directory(previous *identity.Directory) (*identity.Directory, error) {
	var networks []identity.Network
	for _, n := range s.Networks {
		networks = append(networks, identity.Network{Prefix: n.CIDR.Prefix, Device: n.Device, Roles: n.Roles})
	}
	var users []identity.User
	for _, u := range s.Users {
		users = append(users, identity.User{Name: u.Name, PasswordHash: u.PasswordHash, Roles: u.Roles})
	}
	return identity.New(networks, users, identity.Options{
		Mode: s.Proxy.Authentication, Now: time.Now, Previous: previous,
	})
}

// rules returns the policy's rules with what this machine adds.
func (s *settings) rules() filter.Rules {
	r := s.policy.Rules()
	for _, e := range s.Internal {
		if e.host.IsZero() {
			r.Internal.Prefixes = append(r.Internal.Prefixes, e.prefix)
		} else {
			r.Internal.Names = append(r.Internal.Names, e.host)
		}
	}
	return r
}

// oneLine returns the text of an error on one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// listenAddr is an address to listen on: host:port, host an address or empty.
type listenAddr string

// UnmarshalText checks a host:port.
func (l *listenAddr) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return fmt.Errorf("%q is not an address and port, such as 127.0.0.1:3128", text)
	}
	if host != "" && host != "localhost" {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%q is not an IP address; listen on an address of this machine, or leave it empty for all", host)
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	*l = listenAddr(text)
	return nil
}

// logLevel is a zap level as the file spells it.
type logLevel struct{ zapcore.Level }

// UnmarshalText reads debug, info, warn or error.
func (l *logLevel) UnmarshalText(text []byte) error {
	known := []string{"debug", "info", "warn", "error"}
	if !slices.Contains(known, string(text)) {
		return yamlfile.Unknown("level", string(text), known)
	}
	return l.Level.UnmarshalText(text)
}

// logFormat is a format of the operational log as the file spells it.
type logFormat struct{ logging.Format }

// UnmarshalText reads console or json.
func (f *logFormat) UnmarshalText(text []byte) error {
	switch string(text) {
	case "console":
		f.Format = logging.Console
	case "json":
		f.Format = logging.JSON
	default:
		return yamlfile.Unknown("format", string(text), []string{"console", "json"})
	}
	return nil
}

// endpoint is a proxy that a PAC file names.
type endpoint struct{ portal.Endpoint }

// UnmarshalText reads host:port.
func (e *endpoint) UnmarshalText(text []byte) error {
	parsed, err := portal.ParseEndpoint(string(text))
	e.Endpoint = parsed
	return err
}

// upstreamAddr is where a resolver is: an address or a name, with a port, 53 by default.
type upstreamAddr struct {
	host filter.Host
	port uint16
}

// UnmarshalText reads host:port or host.
func (u *upstreamAddr) UnmarshalText(text []byte) error {
	name, port := string(text), "53"
	if _, err := netip.ParseAddr(name); err != nil && strings.Contains(name, ":") {
		if name, port, err = net.SplitHostPort(name); err != nil {
			return fmt.Errorf("%q is not an address and port, such as 10.0.0.53:53", text)
		}
	}
	host, err := filter.ParseHost(name)
	if err != nil {
		return fmt.Errorf("%q is not an address and port, such as 10.0.0.53:53: %w", text, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	*u = upstreamAddr{host, uint16(n)}
	return nil
}

// prefix is an address range, or one address.
type prefix struct{ netip.Prefix }

// UnmarshalText reads a CIDR or an address.
func (p *prefix) UnmarshalText(text []byte) error {
	if a, err := netip.ParseAddr(string(text)); err == nil {
		a = a.Unmap()
		p.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	parsed, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is not an address range, such as 10.1.0.0/16", text)
	}
	if parsed != parsed.Masked() {
		return fmt.Errorf("%s has bits set after the prefix; did you mean %s?", parsed, parsed.Masked())
	}
	p.Prefix = parsed
	return nil
}

// hostName is a DNS name.
type hostName struct{ filter.Host }

// UnmarshalText reads a name in any spelling.
func (h *hostName) UnmarshalText(text []byte) error {
	parsed, err := filter.ParseHost(string(text))
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	h.Host = parsed
	return nil
}

// internalEntry is a name or an address range.
type internalEntry struct {
	host   filter.Host
	prefix netip.Prefix
}

// UnmarshalText reads a CIDR, an address or a name.
func (e *internalEntry) UnmarshalText(text []byte) error {
	var p prefix
	if strings.Contains(string(text), "/") || p.UnmarshalText(text) == nil {
		err := p.UnmarshalText(text)
		e.prefix = p.Prefix
		return err
	}
	var h hostName
	err := h.UnmarshalText(text)
	e.host = h.Host
	return err
}
