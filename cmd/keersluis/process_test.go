package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long the tests wait for what should come at once: long, for machines that do much else.
const patience = 30 * time.Second

// process is a running keersluis serve.
type process struct {
	cmd    *exec.Cmd
	out    *os.File // its standard output
	err    *os.File // its standard error: the operational log
	exited chan error
}

// startServe starts keersluis serve in dir and returns when all of the addresses take connections. What it says goes to
// serve.out and serve.err in dir, after what is there.
func startServe(dir string, env []string, addrs []string, args ...string) (*process, error) {
	p := &process{exited: make(chan error, 1)}
	var err error
	if p.out, err = appendTo(filepath.Join(dir, "serve.out")); err != nil {
		return nil, err
	}
	if p.err, err = appendTo(filepath.Join(dir, "serve.err")); err != nil {
		return nil, err
	}
	p.cmd = exec.Command("keersluis", append([]string{"serve"}, args...)...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, env, p.out, p.err
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.exited <- p.cmd.Wait() }() // waited for by stop and kill
	for _, addr := range addrs {
		if err := reachable4(addr, p.exited, patience); err != nil {
			p.kill()
			said, _ := os.ReadFile(p.err.Name())
			return nil, fmt.Errorf("keersluis serve at %s: %w\n%s", addr, err, said)
		}
	}
	return p, nil
}

func appendTo(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// errExited says that a process ended before it did what was waited for.
var errExited = errors.New("it exited")

// reachable4 returns when addr takes TCP connections. Between two processes there is nothing to wait for but that.
func reachable4(addr string, exited chan error, within time.Duration) error {
	deadline := time.After(within)
	for {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case err := <-exited:
			exited <- err
			return errors.Join(errExited, err)
		case <-deadline:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop ends the server as an operator does and returns an error unless it exits with status 0 in time. A race that it found
// makes it exit with status 66.
func (p *process) stop(within time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have gone: then its status tells
	return p.wait(within)
}

func (p *process) wait(within time.Duration) error {
	defer p.out.Close()
	defer p.err.Close()
	select {
	case err := <-p.exited:
		return err
	case <-time.After(within):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines, for whoever reads serve.err
		<-p.exited
		return fmt.Errorf("still running after %s", within)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	p.out.Close()
	p.err.Close()
}

// peak returns the largest resident set that the process had, in MiB.
func (p *process) peak() (int, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			return kib >> 10, err
		}
	}
	return 0, errors.New("no VmHWM in the status of the process")
}

// files returns what the file descriptors of the process lead to.
func (p *process) files() ([]string, error) {
	dir := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	open, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, fd := range open {
		if to, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil { // else it was closed just now
			out = append(out, to)
		}
	}
	return out, nil
}

// ports are those that this test process has given out.
var ports sync.Map

// freePort returns a port that is free for TCP and UDP on loopback. It lies below the range from which the kernel takes ports for
// connections, so it stays free until the server listens.
func freePort(tb testing.TB) string {
	tb.Helper()
	for range 1000 {
		port := strconv.Itoa(15_000 + rand.IntN(15_000))
		if _, taken := ports.LoadOrStore(port, true); taken {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", port)
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			continue
		}
		u, err := net.ListenPacket("udp4", addr)
		l.Close()
		if err != nil {
			continue
		}
		u.Close()
		return port
	}
	tb.Fatal("no free port")
	return ""
}
