package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/bcrypt"

	"github.com/keersluis/keersluis/proxy/ca"
)

// TestMain lets the scripts run the program itself, as it is built for this test (so with -race where the test has it).
func TestMain(m *testing.M) {
	if raceEnabled && os.Getenv("GORACE") == "" {
		// Its second of waiting at each exit, for reports that are still on their way, would be most of the tests' time.
		os.Setenv("GORACE", "atexit_sleep_ms=50")
	}
	testscript.Main(m, map[string]func(){"keersluis": main})
}

// TestScripts runs testdata/script: one behaviour a file, shown by the real program between real clients and real origins.
// testdata/script/README.md lists the commands and variables. UPDATE_SCRIPTS=1 rewrites the wanted output.
func TestScripts(t *testing.T) {
	web := newWeb(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               web.setup,
		Cmds:                commands(),
		Condition:           condition,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// condition adds what scripts may ask about the test itself.
func condition(cond string) (bool, error) {
	switch cond {
	case "race":
		return raceEnabled, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// web is what all scripts share: the authority of the origins and the resolver upstream.
type web struct {
	tb        testing.TB
	authority *ca.Authority
	roots     string // file with the authority's certificate
	resolver  *unbound
	vars      map[string]string // the same for every script
}

// password is the one that every user of the scripts has.
const password = "geheim-Wachtwoord-123"

func newWeb(tb testing.TB) *web {
	tb.Helper()
	dir := tb.TempDir()
	authority, err := ca.Open(dir, ca.Options{Organisation: "Origins of the test", Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	argon, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		tb.Fatal(err)
	}
	w := &web{tb: tb, authority: authority, roots: filepath.Join(dir, "ca.pem"), resolver: newUnbound(tb)}
	w.vars = map[string]string{
		"UPSTREAM": w.resolver.addr, "ORIGIN_CA": w.roots,
		"PASSWORD": password, "BCRYPT": bcryptHash(tb), "ARGON2ID": argon,
	}
	var persons strings.Builder
	for i := 1; i <= 12; i++ {
		fmt.Fprintf(&persons, "  - {name: p%02d, password_hash: %q}\n", i, bcryptHash(tb))
	}
	w.vars["PERSONS"] = persons.String()
	return w
}

// bcryptHash returns another hash of the password each time, the cheapest there is.
func bcryptHash(tb testing.TB) string {
	tb.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		tb.Fatal(err)
	}
	return string(hash)
}

// script is what one script has to itself.
type script struct {
	origin  *origin
	server  *process // nil when none runs
	fill    *strings.Replacer
	sockets map[string]*socket
	pending *inflight
}

type scriptKey struct{}

// newScript gives a script its origin and its ports, and returns the variables that tell them.
func (w *web) newScript(tb testing.TB, dir string) (*script, map[string]string) {
	tb.Helper()
	s := &script{origin: newOrigin(tb, w.authority), sockets: make(map[string]*socket)}
	vars := maps.Clone(w.vars)
	maps.Copy(vars, map[string]string{
		"PROXY": "127.0.0.1:" + freePort(tb), "DNS_PORT": freePort(tb), "PORTAL": "127.0.0.1:" + freePort(tb),
		"HTTP_PORT": portOf(s.origin.plain.Addr()), "TLS_PORT": portOf(s.origin.secure.Addr()),
		"CA": "data/ca/ca.pem", "CURL_HOME": dir, "TODAY": time.Now().Format(time.DateOnly),
	})
	var pairs []string
	for name, value := range vars {
		pairs = append(pairs, "${"+name+"}", value)
	}
	s.fill = strings.NewReplacer(pairs...)
	return s, vars
}

// setup prepares a script's folder.
func (w *web) setup(env *testscript.Env) error {
	s, vars := w.newScript(&envTB{TB: w.tb, env: env}, env.WorkDir)
	for name, value := range vars {
		env.Setenv(name, value)
	}
	env.Setenv("GORACE", os.Getenv("GORACE"))
	env.Values[scriptKey{}] = s
	env.Defer(s.close)
	if err := os.WriteFile(filepath.Join(env.WorkDir, ".curlrc"), []byte("silent\nshow-error\nmax-time = 60\n"), 0o600); err != nil {
		return err
	}
	return s.fillFiles(env.WorkDir)
}

// basic is the keersluis.yaml of a script that doesn't bring one.
const basic = `data: data
proxy:
  listen: ${PROXY}
resolver:
  listen: 127.0.0.1:${DNS_PORT}
  upstreams: ["${UPSTREAM}"]
portal:
  listen: ${PORTAL}
tls:
  roots: ["${ORIGIN_CA}"]
lists:
  - {file: gambling.txt, category: gambling}
  - {file: bank.txt, category: never-inspect}
internal: [test, digid.nl]
`

// fillFiles puts the script's values in its YAML files, and adds the files that it left out.
func (s *script) fillFiles(dir string) error {
	for name, text := range map[string]string{
		"keersluis.yaml": basic,
		"gambling.txt":   "# gambling of the tests\ncasino.test\n",
		"bank.txt":       "# never inspected in the tests\nbank.test\n",
	} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".raw" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(s.fill.Replace(string(text))), 0o600)
	})
}

// close ends what a script left running.
func (s *script) close() {
	for _, c := range s.sockets {
		_ = c.conn.CloseNow()
	}
	if s.pending != nil {
		s.pending.cancel()
	}
	if s.server != nil {
		s.server.kill()
	}
}

// envTB makes the clean-up of a script's parts happen at the script's end.
type envTB struct {
	testing.TB
	env *testscript.Env
}

func (t *envTB) Cleanup(f func()) { t.env.Defer(f) }
