package yamlfile_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keersluis/keersluis/yamlfile"
)

// colour is a type that judges its own text.
type colour string

func (c *colour) UnmarshalText(b []byte) error {
	known := []string{"red", "green"}
	for _, k := range known {
		if string(b) == k {
			*c = colour(k)
			return nil
		}
	}
	return yamlfile.Unknown("colour", string(b), known)
}

type listener struct {
	Listen netip.AddrPort `yaml:"listen"`
	Idle   time.Duration  `yaml:"idle"`
}

type user struct {
	Name   string   `yaml:"name"`
	Roles  []string `yaml:"roles"`
	Colour colour   `yaml:"colour"`
}

type config struct {
	Data     string            `yaml:"data"`
	Proxy    listener          `yaml:"proxy"`
	Extra    *listener         `yaml:"extra"`
	Users    []user            `yaml:"users"`
	Rooms    map[string]user   `yaml:"rooms"`
	Tints    map[colour]uint8  `yaml:"tints"`
	Limit    int               `yaml:"limit"`
	Strict   bool              `yaml:"strict"`
	Contacts map[string]string `yaml:"contacts"`
	Hidden   string
}

func defaults() config {
	return config{
		Data:   "/var/lib",
		Proxy:  listener{netip.MustParseAddrPort("127.0.0.1:3128"), time.Minute},
		Rooms:  map[string]user{"hall": {Name: "h", Roles: []string{"a"}}},
		Limit:  7,
		Strict: true,
	}
}

func TestRead(t *testing.T) {
	tests := []struct {
		name, in string
		want     func(*config)
	}{
		{"empty", "", func(*config) {}},
		{"comments only", "# nothing\n\n# here\n", func(*config) {}},
		{"a key with nothing behind it", "proxy:\ndata: ~\n", func(*config) {}},
		{"one document with its marks", "---\ndata: x\n...\n", func(c *config) { c.Data = "x" }},
		{"byte order mark and CRLF", "\ufeffdata: x\r\nlimit: 3\r\n", func(c *config) { c.Data, c.Limit = "x", 3 }},
		{"a struct is laid over its default", "proxy: {idle: 5s}", func(c *config) { c.Proxy.Idle = 5 * time.Second }},
		{"a pointer is made", "extra:\n  listen: '[::1]:80'", func(c *config) {
			c.Extra = &listener{Listen: netip.MustParseAddrPort("[::1]:80")}
		}},
		{"a map is laid over its default", "rooms:\n  hall: {colour: red}\n  attic: {name: a}", func(c *config) {
			c.Rooms = map[string]user{"hall": {Name: "h", Roles: []string{"a"}, Colour: "red"}, "attic": {Name: "a"}}
		}},
		{"a list replaces", "rooms: {hall: {roles: []}}", func(c *config) {
			c.Rooms = map[string]user{"hall": {Name: "h", Roles: []string{}}}
		}},
		{"map keys judge themselves", "tints: {green: 255}", func(c *config) { c.Tints = map[colour]uint8{"green": 255} }},
		{"numbers are text where text is wanted", "contacts: {a: 0118631011, b: 14.5, c: 0x1F}", func(c *config) {
			c.Contacts = map[string]string{"a": "0118631011", "b": "14.5", "c": "0x1F"}
		}},
		{"off, no and dates are text", "contacts: {a: off, b: no, c: 2026-01-31}", func(c *config) {
			c.Contacts = map[string]string{"a": "off", "b": "no", "c": "2026-01-31"}
		}},
		{"block text", "data: |\n  one\n  two\n", func(c *config) { c.Data = "one\ntwo\n" }},
		{"lists of structs", "users:\n- name: a\n  roles: [x, 'y']\n-\n  name: b\n", func(c *config) {
			c.Users = []user{{Name: "a", Roles: []string{"x", "y"}}, {Name: "b"}}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, want := defaults(), defaults()
			if err := yamlfile.Read("f.yaml", []byte(tt.in), &got).Err(); err != nil {
				t.Fatalf("Read(%q) = %v", tt.in, err)
			}
			tt.want(&want)
			if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
				t.Errorf("Read(%q): -want +got\n%s", tt.in, d)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"unknown key", "\n\nproxxy: 1\n", `f.yaml:3:1: proxxy: unknown key; did you mean "proxy"?`},
		{"unknown key, nothing near", "proxy: {door: 1}", `f.yaml:1:9: proxy.door: unknown key; known are listen, idle`},
		{"a field without a tag", "Hidden: x", `f.yaml:1:1: Hidden: unknown key; known are data, proxy, extra, users, rooms, tints, limit, strict, contacts`},
		{"doubled key", "data: a\ndata: b\n", "f.yaml:2:1: data: given twice; the first is on line 1"},
		{"doubled key and what is wrong in the first", "proxy: {idle: x}\nproxy: {}\n", "f.yaml:1:15: proxy.idle: wants a duration such as 30s or 5m, not \"x\"\n" +
			"f.yaml:2:1: proxy: given twice; the first is on line 1"},
		{"list wanted", "users: bob", "f.yaml:1:8: users: wants a list of mappings with name, roles, colour, not text"},
		{"list of text wanted", "users: [{roles: x}]", "f.yaml:1:17: users[0].roles: wants a list of texts, not text"},
		{"mapping wanted", "proxy: [1]", "f.yaml:1:8: proxy: wants a mapping with listen, idle, not a list"},
		{"mapping wanted at the top", "- a\n", "f.yaml:1:1: wants a mapping with data, proxy, extra, users, rooms, tints, limit, strict, contacts, not a list"},
		{"text wanted", "data:\n  a: 1\n", "f.yaml:1:1: data: wants text, not a mapping"},
		{"text wanted, not a boolean", "data: true", "f.yaml:1:7: data: wants text, not true"},
		{"number wanted", "limit: '7'", "f.yaml:1:8: limit: wants a whole number, not text"},
		{"number too large", "tints: {red: 256}", `f.yaml:1:14: tints.red: the number "256" is out of range`},
		{"negative where none may be", "tints: {red: -1}", `f.yaml:1:14: tints.red: the number "-1" is out of range`},
		{"boolean wanted", "strict: yes", "f.yaml:1:9: strict: wants true or false, not text"},
		{"a type refuses", "users:\n  - name: a\n    colour: grean\n", `f.yaml:3:13: users[0].colour: unknown colour "grean"; did you mean "green"?`},
		{"a type refuses a boolean", "users: [{colour: true}]", `f.yaml:1:18: users[0].colour: unknown colour "true"; known are red, green`},
		{"a type refuses a list", "users: [{colour: []}]", `f.yaml:1:18: users[0].colour: wants text, not a list`},
		{"a map key refuses itself", "tints: {rad: 1}", `f.yaml:1:9: tints.rad: unknown colour "rad"; did you mean "red"?`},
		{"empty element", "users:\n  -\n  - name: a\n", "f.yaml:2:4: users[0]: is empty"},
		{"all at once, in the order of the file", "limit: x\nproxxy: 1\nusers: 3\n", `f.yaml:1:8: limit: wants a whole number, not text
f.yaml:2:1: proxxy: unknown key; did you mean "proxy"?
f.yaml:3:8: users: wants a list of mappings with name, roles, colour, not the number "3"`},
		{"columns are characters", "contacts: {é: ü, ë: []}", "f.yaml:1:21: contacts.ë: wants text, not a list"},
		{"anchor and alias", "data: &a x\nlimit: *a\n", "f.yaml:1:7: anchors (&) are not used here; put text that begins with & in quotes\n" +
			"f.yaml:2:8: aliases (*) are not used here; put text that begins with * in quotes"},
		{"wildcard without quotes", "data: *.example.org", "f.yaml:1:7: aliases (*) are not used here; put text that begins with * in quotes"},
		{"merge key", "proxy:\n  <<: {idle: 1s}\n", "f.yaml:2:3: merge keys (<<) are not used here; write the keys out"},
		{"tag", "limit: !!str 7", "f.yaml:1:8: tags (!) are not used here; put text that begins with ! in quotes"},
		{"question mark", "? data\n: x\n", "f.yaml:1:1: keys with a question mark are not used here"},
		{"second document", "data: a\n---\ndata: b\n", "f.yaml:3:1: a second document; a file has one"},
		{"tab", "proxy:\n\tidle: 1s\n", "f.yaml:2:1: not YAML: found character '\t' that cannot start any token"},
		{"indentation", "proxy:\n  idle: 1s\n listen: x\n", "f.yaml:3:2: not YAML: value is not allowed in this context"},
		{"open bracket", "users: [a\n", "f.yaml:1:8: not YAML: sequence end token ']' not found"},
		{"not UTF-8", "data: a\nlimit: \xff\n", "f.yaml:2:8: the file is not UTF-8"},
		{"NUL", "data: a\x00b", "f.yaml:1:8: the file holds a NUL byte"},
		{"long", strings.Repeat("#", 1<<20+1), "f.yaml:1:1: the file is longer than 1 MiB"},
		{"many keys", strings.Repeat("a: 1\n", 1<<16), "f.yaml:21846:2: the file has more than 65536 keys, values and marks"},
		{"deep brackets", "data: " + strings.Repeat("[", 40), "f.yaml:1:39: nested more than 32 deep"},
		{"deep dashes", strings.Repeat("- ", 40), "f.yaml:1:65: nested more than 32 deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := defaults()
			err := yamlfile.Read("f.yaml", []byte(tt.in), &c).Err()
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("Read(%.80q)\n got %s\nwant %s", tt.in, got, tt.want)
			}
		})
	}
}

func TestRefusedValueKeepsDefault(t *testing.T) {
	c := defaults()
	d := yamlfile.Read("f.yaml", []byte("proxy: {listen: nonsense, idle: soon}\nlimit: 1.5\nstrict: []\n"), &c)
	if err := d.Err(); len(problems(t, err)) != 4 {
		t.Errorf("Err() = %v, want four problems", err)
	}
	if want := defaults(); c.Proxy != want.Proxy || c.Limit != want.Limit || c.Strict != want.Strict {
		t.Errorf("after refused values the struct is %+v, want %+v", c, want)
	}
}

func TestProblemf(t *testing.T) {
	const in = "data: /nowhere\nusers:\n  - name: a\n    roles: [chef, wizard]\n  - colour: blue\nproxy: {listen: x}\n"
	tests := []struct{ name, path, want string }{
		{"a value", "data", "f.yaml:1:7: data: reason"},
		{"an element", "users[0].roles[1]", "f.yaml:4:19: users[0].roles[1]: reason"},
		{"a key that isn't there", "users[1].name", "f.yaml:5:5: users[1].name: reason"},
		{"a block", "users", "f.yaml:2:1: users: reason"},
		{"nothing of it is there", "rooms.hall.name", "f.yaml:1:1: rooms.hall.name: reason"},
		{"the whole file", "", "f.yaml:1:1: reason"},
		{"already refused", "proxy.listen", ""},
		{"within what was refused", "users[1].colour.x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := defaults()
			d := yamlfile.Read("f.yaml", []byte(in), &c)
			before := len(problems(t, d.Err()))
			d.Problemf(tt.path, "%s", "reason")
			got := ""
			for _, p := range problems(t, d.Err()) {
				if p.Reason == "reason" {
					got = p.String()
				}
			}
			if got != tt.want {
				t.Errorf("Problemf(%q) gives %q, want %q (%d before)", tt.path, got, tt.want, before)
			}
		})
	}
}

func TestKeyProblemf(t *testing.T) {
	c := defaults()
	d := yamlfile.Read("f.yaml", []byte("rooms: {cellar: {name: a}}\n"), &c)
	d.KeyProblemf("rooms.cellar", "unknown room")
	d.KeyProblemf("rooms.cellar.roles", "reason") // within what is refused
	d.KeyProblemf("tints.red", "reason")          // not there
	want := "f.yaml:1:1: tints.red: reason\nf.yaml:1:9: rooms.cellar: unknown room"
	if got := fmt.Sprint(d.Err()); got != want {
		t.Errorf("Err() = %s, want %s", got, want)
	}
}

func TestUnreadableFileHasOneProblem(t *testing.T) {
	c := defaults()
	d := yamlfile.Read("f.yaml", []byte("a: [\n"), &c)
	d.Problemf("data", "missing")
	if got := problems(t, d.Err()); len(got) != 1 {
		t.Errorf("problems = %v, want the syntax error only", got)
	}
}

func TestHasAndLine(t *testing.T) {
	c := defaults()
	d := yamlfile.Read("f.yaml", []byte("data: x\nusers:\n  - name: a\n    roles:\n      - b\n"), &c)
	if !d.Has("users[0].roles[0]") || d.Has("limit") {
		t.Errorf("Has = %v, %v, want true, false", d.Has("users[0].roles[0]"), d.Has("limit"))
	}
	if got, want := d.Line("users[0].roles[0]"), 5; got != want {
		t.Errorf("Line = %d, want %d", got, want)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	c := defaults()
	err := yamlfile.Read("f.yaml", []byte("users: ["+strings.Repeat("1,", 5000)+"]"), &c).Err()
	got := problems(t, err)
	if len(got) != 101 || got[100].Reason != "and 4900 problems more" {
		t.Errorf("%d problems, the last %v; want 101 with the rest counted", len(got), got[len(got)-1])
	}
}

func TestReadFile(t *testing.T) {
	c := defaults()
	if _, err := yamlfile.ReadFile(filepath.Join(t.TempDir(), "none.yaml"), &c); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ReadFile of nothing = %v, want os.ErrNotExist", err)
	}
	name := filepath.Join(t.TempDir(), "some.yaml")
	if err := os.WriteFile(name, []byte("data: here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := yamlfile.ReadFile(name, &c)
	if err != nil || d.Err() != nil || c.Data != "here" {
		t.Errorf("ReadFile = %v, %v, data %q; want no error and %q", err, d.Err(), c.Data, "here")
	}
}

func TestUnknown(t *testing.T) {
	known := []string{"employee", "application-administrator", "guest"}
	tests := []struct{ got, want string }{
		{"emploee", `unknown role "emploee"; did you mean "employee"?`},
		{"Employee", `unknown role "Employee"; did you mean "employee"?`},
		{"application_administrator", `unknown role "application_administrator"; did you mean "application-administrator"?`},
		{"wizard", `unknown role "wizard"; known are employee, application-administrator, guest`},
		{"", `unknown role ""; known are employee, application-administrator, guest`},
	}
	for _, tt := range tests {
		if got := yamlfile.Unknown("role", tt.got, known).Error(); got != tt.want {
			t.Errorf("Unknown(%q) = %s, want %s", tt.got, got, tt.want)
		}
	}
}

// problems returns what is wrong; none when err is nil.
func problems(t *testing.T, err error) yamlfile.Problems {
	t.Helper()
	if err == nil {
		return nil
	}
	ps, ok := errors.AsType[yamlfile.Problems](err)
	if !ok {
		t.Fatalf("Err() = %T, want Problems", err)
	}
	return ps
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"", "data: x\nproxy: {listen: '127.0.0.1:1', idle: 1s}\n", "users:\n- name: a\n  roles: [b]\n", "a: *b\n<<: &c d",
		"? a\n: b", "limit: 99999999999999999999", "- - - a", "data: |\n  x\n", "%YAML 1.2\n---\na: b\n...", "{a, b: [}", "\"a\": 'b",
		"rooms: {hall: {name: ~}}\nrooms: 1", "tints: {red: 0x1, green: .inf}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := defaults()
		d := yamlfile.Read("f.yaml", data, &c)
		d.Problemf("users[0].name", "seen")
		for _, p := range problems(t, d.Err()) {
			if p.Line < 1 || p.Column < 1 || p.Reason == "" {
				t.Errorf("Read(%q): problem without place or reason: %+v", data, p)
			}
			if lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 2; p.Line > lines {
				t.Errorf("Read(%q): line %d of %d", data, p.Line, lines)
			}
		}
	})
}
