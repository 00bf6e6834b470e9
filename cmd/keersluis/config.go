package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keersluis/keersluis/blocklists"
	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/identity"
	"github.com/keersluis/keersluis/policy"
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
	Format   blocklists.Format `yaml:"format"` // one of blocklists.Formats; default auto
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
