package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// command is one command of the scripts. An error fails the script, unless the line begins with "!".
type command func(s *script, ts *testscript.TestScript, args []string) error

// commands returns what scripts can do besides testscript's own. testdata/script/README.md describes them.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	out := make(map[string]func(*testscript.TestScript, bool, []string))
	for name, c := range map[string]command{
		"serve":     (*script).serve,
		"shutdown":  (*script).shutdown,
		"term":      (*script).term,
		"crash":     (*script).crash,
		"hup":       (*script).hup,
		"waitfor":   (*script).waitfor,
		"refused":   (*script).refused,
		"until":     (*script).until,
		"seen":      (*script).seen,
		"genfile":   (*script).genfile,
		"mode":      (*script).mode,
		"peak":      (*script).peak,
		"search":    (*script).search,
		"raw":       (*script).raw,
		"fetch":     (*script).fetch,
		"sse":       (*script).sse,
		"websocket": (*script).websocket,
		"begin":     (*script).begin,
		"finish":    (*script).finish,
	} {
		out[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			err := c(ts.Value(scriptKey{}).(*script), ts, args)
			if neg && err == nil {
				ts.Fatalf("%s: unexpected success", name)
			}
			if err != nil && !neg {
				ts.Fatalf("%s: %v", name, err)
			}
			if err != nil {
				ts.Logf("%s: %v", name, err)
			}
		}
	}
	return out
}

// serve starts the server with keersluis.yaml, and policy.yaml where there is one.
func (s *script) serve(ts *testscript.TestScript, args []string) error {
	if s.server != nil {
		return fmt.Errorf("it runs already")
	}
	files := []string{"--config", "keersluis.yaml"}
	if _, err := os.Stat(ts.MkAbs("policy.yaml")); err == nil {
		files = append(files, "--policy", "policy.yaml")
	}
	addrs := []string{ts.Getenv("PROXY"), "127.0.0.1:" + ts.Getenv("DNS_PORT"), ts.Getenv("PORTAL")}
	env := os.Environ()
	for _, name := range []string{"HOME", "CURL_HOME", "TMPDIR"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	p, err := startServe(ts.MkAbs("."), env, addrs, append(files, args...)...)
	if err != nil {
		return err
	}
	s.server = p
	return nil
}

// shutdown ends the server as an operator does; it must exit with status 0. What it said becomes stdout and stderr.
func (s *script) shutdown(ts *testscript.TestScript, _ []string) error {
	if s.server == nil {
		return fmt.Errorf("it does not run")
	}
	err := s.server.stop(patience)
	s.server = nil
	fmt.Fprint(ts.Stdout(), ts.ReadFile("serve.out"))
	fmt.Fprint(ts.Stderr(), ts.ReadFile("serve.err"))
	return err
}

func (s *script) term(_ *testscript.TestScript, _ []string) error {
	return s.server.cmd.Process.Signal(syscall.SIGTERM)
}

// crash ends the server without a warning, as a power failure does.
func (s *script) crash(_ *testscript.TestScript, _ []string) error {
	s.server.kill()
	s.server = nil
	return nil
}

func (s *script) hup(_ *testscript.TestScript, _ []string) error {
	return s.server.cmd.Process.Signal(syscall.SIGHUP)
}

// waitfor waits until an address takes connections.
func (s *script) waitfor(_ *testscript.TestScript, args []string) error {
	return reachable4(args[0], make(chan error, 1), patience)
}

// refused waits until an address takes no connections any more.
func (s *script) refused(_ *testscript.TestScript, args []string) error {
	deadline := time.After(patience)
	for {
		c, err := net.DialTimeout("tcp", args[0], time.Second)
		if err != nil {
			return nil
		}
		c.Close()
		select {
		case <-deadline:
			return fmt.Errorf("%s still takes connections", args[0])
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// until repeats a program until it succeeds, or with "!" fails: until 5s ! curl ….
func (s *script) until(ts *testscript.TestScript, args []string) error {
	within, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	args = args[1:]
	fail := args[0] == "!"
	if fail {
		args = args[1:]
	}
	deadline := time.After(within)
	for {
		err := ts.Exec(args[0], args[1:]...)
		if fail == (err != nil) {
			return nil
		}
		select {
		case <-deadline:
			return fmt.Errorf("not within %s: %w", within, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// seen prints what the origin was asked since the last time.
func (s *script) seen(ts *testscript.TestScript, _ []string) error {
	out := ts.Stdout() // also when there is nothing: what was printed before is gone
	for _, line := range s.origin.take() {
		fmt.Fprintln(out, line)
	}
	return nil
}

// genfile makes a file of some size and puts its digest in $SUM.
func (s *script) genfile(ts *testscript.TestScript, args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	data := pattern(n)
	sum := sha256.Sum256(data)
	ts.Setenv("SUM", hex.EncodeToString(sum[:]))
	return os.WriteFile(ts.MkAbs(args[0]), data, 0o600)
}

// mode checks the permissions of a file: mode 0600 data/ca/ca-key.pem.
func (s *script) mode(ts *testscript.TestScript, args []string) error {
	info, err := os.Stat(ts.MkAbs(args[1]))
	if err != nil {
		return err
	}
	if got := fmt.Sprintf("%#o", info.Mode().Perm()); got != args[0] {
		return fmt.Errorf("mode of %s is %s, want %s", args[1], got, args[0])
	}
	return nil
}

// raceFactor is how much more memory a program with -race may take.
const raceFactor = 5

// peak checks that the server never held more than so many MiB.
func (s *script) peak(ts *testscript.TestScript, args []string) error {
	limit, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if raceEnabled {
		limit *= raceFactor
	}
	got, err := s.server.peak()
	if err != nil {
		return err
	}
	ts.Logf("peak %d MiB", got)
	if got > limit {
		return fmt.Errorf("the server took %d MiB, want at most %d", got, limit)
	}
	return nil
}

// raw sends the lines of a file, as HTTP has them, to an address and prints what comes back until the end.
func (s *script) raw(ts *testscript.TestScript, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", args[0])
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(c, strings.ReplaceAll(ts.ReadFile(args[1]), "\n", "\r\n")); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	fmt.Fprint(ts.Stdout(), strings.ReplaceAll(string(answer), "\r\n", "\n"))
	return err
}
