package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/filter/content"
	"github.com/keersluis/keersluis/yamlfile"
)

// question is what explain asks: a URL, and who would ask for it.
type question struct {
	URL    string
	Roles  []filter.Role
	User   string
	Device filter.Device
	At     time.Time
	Config string // absolute path; "" for the built-in settings
	Policy string
}

// explanation is the verdict with its steps, in words that both people and scripts read.
type explanation struct {
	Host      string            `json:"host"`
	Roles     []filter.Role     `json:"roles"`
	Device    filter.Device     `json:"device,omitempty"`
	At        time.Time         `json:"at"`
	Verdict   string            `json:"verdict"`
	Reason    string            `json:"reason"`
	Category  filter.Category   `json:"category,omitempty"`
	List      string            `json:"list,omitempty"`
	Line      int               `json:"line,omitempty"`
	Entry     string            `json:"entry,omitempty"`
	Article   string            `json:"article,omitempty"`
	Inspected bool              `json:"inspected"`
	Download  string            `json:"download,omitempty"` // the kind of file that the URL names, when that decided
	Reference string            `json:"reference"`
	Lists     string            `json:"lists"` // digest of the snapshot that was asked
	Steps     []explanationStep `json:"steps"`
}

type explanationStep struct {
	Check    string          `json:"check"`
	Rule     string          `json:"rule,omitempty"`
	Category filter.Category `json:"category,omitempty"`
	Outcome  string          `json:"outcome"`
}

// errOtherFiles says that the running server uses other files than the command was given.
var errOtherFiles = errors.New("the running server uses other settings or another policy")

func newExplain(p *paths) *cobra.Command {
	var q question
	var roles []string
	var device, at, output string
	var files bool
	explain := &cobra.Command{
		Use:   "explain URL",
		Short: "say what happens to a URL or host name, and which list and line decides",
		Long: "Explain puts a URL to the same decision as the proxy and the resolver, and prints each step.\n" +
			"It asks the running server; without one, or with --files, it reads the files itself.",
		Example: "  keersluis explain https://www.unibet.nl/\n  keersluis explain setup.example.org/setup.exe --role application-administrator",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("explain wants one URL or host name, such as https://www.unibet.nl/")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			q.URL, q.Device = args[0], filter.Device(device)
			for _, r := range roles {
				q.Roles = append(q.Roles, filter.Role(r))
			}
			var err error
			if q.At, err = parseAt(at); err != nil {
				return usageError{err}
			}
			e, err := explainFor(cmd.Context(), *p, q, files)
			if err != nil {
				return err
			}
			return printExplanation(cmd.OutOrStdout(), e, output)
		},
	}
	f := explain.Flags()
	f.StringSliceVar(&roles, "role", nil, "ask as somebody with this role; may be given more than once (default: what the networks give this machine)")
	f.StringVar(&q.User, "user", "", "ask as this user of keersluis.yaml")
	f.StringVar(&device, "device", "", "ask from this device class")
	f.StringVar(&at, "at", "", "ask as of this moment: 2026-12-31, 2026-12-31T23:59 or RFC 3339 (default: now)")
	f.StringVar(&output, "output", "text", "text or json")
	f.BoolVar(&files, "files", false, "read the files, whatever the running server has in force")
	return explain
}

// parseAt reads a moment in the time zone of the log.
func parseAt(s string) (time.Time, error) {
	if s == "" {
		return time.Now(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, amsterdam()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--at: %q is not a date or time, such as 2026-12-31 or 2026-12-31T23:59", s)
}

// explainFor asks the running server, or else the files.
func explainFor(ctx context.Context, p paths, q question, files bool) (*explanation, error) {
	s, err := load(p)
	if err != nil {
		return nil, err
	}
	q.Config, q.Policy = absolute(p.config), absolute(p.policy)
	if !files {
		var e explanation
		err := ask(ctx, s.Data, "/explain", q, &e)
		if err == nil {
			return &e, nil
		}
		if !errors.Is(err, errNotRunning) && !errors.Is(err, errOtherFiles) {
			return nil, err
		}
	}
	snapshot, _, err := s.snapshotOnce(ctx)
	if err != nil {
		return nil, err
	}
	return s.explain(filter.NewPolicy(s.rules(), snapshot), q)
}

func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// explain answers q under policy p.
func (s *settings) explain(p *filter.Policy, q question) (*explanation, error) {
	u, host, err := parseTarget(q.URL)
	if err != nil {
		return nil, err
	}
	client, err := s.clientOf(q)
	if err != nil {
		return nil, err
	}
	r := filter.Request{Door: filter.HTTP, Client: client, Method: "GET", Scheme: u.Scheme, Host: host, Path: u.EscapedPath(), At: q.At}
	v, steps := p.Explain(r)
	if isLocalhost(host) && !v.Blocked() { // no resolver is asked where that is
		if inside := p.DecideAddr(r, netip.AddrFrom4([4]byte{127, 0, 0, 1})); inside.Blocked() {
			v, steps = inside, append(steps, filter.Step{Check: filter.CheckInternal, Outcome: filter.Holds})
		}
	}
	e := &explanation{Host: host.String(), Roles: client.Roles, Device: client.Device, At: q.At}
	for _, st := range steps {
		e.Steps = append(e.Steps, describe(st))
	}
	if seen := u.Scheme == "http" || !v.Splice; !v.Blocked() && seen {
		v = downloadVerdict(p, r, u, v, e)
	}
	e.Verdict, e.Reason, e.Category, e.Article = v.Action.String(), v.Reason.String(), v.Category, v.Article
	e.List, e.Line, e.Entry = v.Rule.List, v.Rule.Line, v.Rule.Text
	e.Inspected, e.Reference, e.Lists = !v.Splice, v.Reference(), v.Lists.String()
	return e, nil
}

// downloadVerdict also asks about the kind of file that the URL names, as the proxy does when the answer comes.
func downloadVerdict(p *filter.Policy, r filter.Request, u *url.URL, v filter.Verdict, e *explanation) filter.Verdict {
	kind := content.NewJudge(content.Evidence{URLPath: u.EscapedPath(), Query: u.RawQuery}).Finish().Kind
	d := p.DecideContent(r, filter.Kind(kind))
	if d.Reason == filter.Unlisted {
		return v
	}
	e.Steps = append(e.Steps, explanationStep{
		Check: "download", Rule: string(kind) + ", by its name", Category: d.Category,
		Outcome: d.Action.String() + " (a web page under that name passes)",
	})
	if !d.Blocked() {
		return v
	}
	e.Download = string(kind)
	d.Splice = v.Splice
	return d
}

// isLocalhost reports whether a name is this machine's by definition (RFC 6761 section 6.3).
func isLocalhost(h filter.Host) bool {
	return h.String() == "localhost" || strings.HasSuffix(h.String(), ".localhost")
}

// parseTarget reads a URL, or a bare host with or without path.
func parseTarget(s string) (*url.URL, filter.Host, error) {
	text := s
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, filter.Host{}, fmt.Errorf("%q is not a URL: %w", s, err)
	}
	host, err := filter.ParseHost(u.Hostname())
	if err != nil {
		return nil, filter.Host{}, fmt.Errorf("%q has no usable host: %w", s, err)
	}
	return u, host, nil
}

// clientOf returns the client that the question is asked for: what the networks say of this machine, with what the flags
// put in its place.
func (s *settings) clientOf(q question) (filter.Client, error) {
	d, err := s.directory(nil)
	if err != nil {
		return filter.Client{}, err
	}
	c := d.ByAddr(netip.MustParseAddr("127.0.0.1"))
	if q.User != "" {
		i := slices.IndexFunc(s.Users, func(u UserConfig) bool { return u.Name == q.User })
		if i < 0 {
			return c, errors.New("--user: keersluis.yaml has no such user")
		}
		c.User = q.User
		c.Roles = []filter.Role{filter.Employee} // this machine's network says nothing of the user's
		for _, r := range s.Users[i].Roles {
			if !slices.Contains(c.Roles, r) {
				c.Roles = append(c.Roles, r)
			}
		}
	}
	if len(q.Roles) > 0 {
		c.Roles = q.Roles
	}
	for _, r := range c.Roles {
		if known := s.policy.Roles(); !slices.Contains(known, r) {
			return c, usageError{fmt.Errorf("--role: %w", yamlfile.Unknown("role", string(r), words(known)))}
		}
	}
	if q.Device != "" {
		c.Device = q.Device
	}
	if known := filter.Devices(); c.Device != "" && !slices.Contains(known, c.Device) {
		return c, usageError{fmt.Errorf("--device: %w", yamlfile.Unknown("device class", string(c.Device), words(known)))}
	}
	return c, nil
}

// explain answers the control socket, from what is in force.
func (s *server) explain(q question) (*explanation, error) {
	if q.Config != absolute(s.paths.config) || q.Policy != absolute(s.paths.policy) {
		return nil, errOtherFiles
	}
	return s.in.Load().explain(s.gate.Policy(), q)
}
