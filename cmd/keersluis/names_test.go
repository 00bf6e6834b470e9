package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// unbound answers for the names of the tests: a resolver of its own kind, not the library that the product is made with.
type unbound struct{ addr string }

// zones is what the tests' part of the internet looks like: everything is at this machine.
const zones = `
  local-zone: "test." redirect
  local-data: "test. 300 IN A 127.0.0.1"
  local-zone: "digid.nl." redirect
  local-data: "digid.nl. 300 IN A 127.0.0.1"
  local-zone: "rebind.example." redirect
  local-data: "rebind.example. 300 IN A 127.0.0.1"
  local-zone: "large.example." redirect
  local-data: 'large.example. 300 IN A 192.0.2.1'
%s  local-zone: "gone.example." always_nxdomain
  local-zone: "." always_refuse
`

// newUnbound starts Debian's unbound on loopback; without one the test is skipped, which CI forbids.
func newUnbound(tb testing.TB) *unbound {
	tb.Helper()
	binary, err := exec.LookPath("unbound")
	if err != nil {
		if _, err := os.Stat("/usr/sbin/unbound"); err != nil {
			tb.Skip("unbound is not installed: no names for the tests")
		}
		binary = "/usr/sbin/unbound"
	}
	port := freePort(tb)
	var texts string // an answer too large for a datagram
	for i := range 40 {
		texts += fmt.Sprintf("  local-data: 'large.example. 300 IN TXT \"text %02d that is long enough to make the whole answer large\"'\n", i)
	}
	dir := tb.TempDir()
	config := filepath.Join(dir, "unbound.conf")
	text := fmt.Sprintf(`server:
  interface: 127.0.0.1@%s
  do-ip6: no
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: %q
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  verbosity: 0
  num-threads: 1
  do-not-query-localhost: no
  module-config: "iterator"
`, port, dir) + fmt.Sprintf(zones, texts) + "remote-control:\n  control-enable: no\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	output, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		tb.Fatal(err)
	}
	defer output.Close()
	cmd := exec.Command(binary, "-d", "-c", config)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
	})
	addr := net.JoinHostPort("127.0.0.1", port)
	if err := reachable4(addr, exited, 10*time.Second); err != nil {
		said, _ := os.ReadFile(output.Name())
		tb.Fatalf("unbound at %s: %v\n%s", addr, err, said)
	}
	return &unbound{addr: addr}
}
