package resolver_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/keersluis/keersluis/resolver"
)

// tool returns the path of a program, or skips the test.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p
		}
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

// unbound starts Unbound on a free port of 127.0.0.1 with some local data, and returns its address.
func unbound(t *testing.T) netip.AddrPort {
	t.Helper()
	bin := tool(t, "unbound", "/usr/sbin/unbound")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(ln.Addr().String())
	ln.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "unbound.conf")
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, "\tlocal-data: \"many.test. 300 IN A 93.184.216.%d\"\n", i)
	}
	text := fmt.Sprintf(`server:
	interface: 127.0.0.1@%d
	do-daemonize: no
	username: ""
	chroot: ""
	directory: %q
	pidfile: ""
	use-syslog: no
	logfile: ""
	verbosity: 1
	num-threads: 1
	module-config: "iterator"
	do-not-query-localhost: no
	local-zone: "test." static
	local-data: "www.test. 300 IN A 93.184.216.34"
	local-data: "www.test. 300 IN AAAA 2a00::34"
	local-data: 'txt.test. 300 IN TXT "hello"'
	local-data: "alias.test. 300 IN CNAME www.test."
%sremote-control:
	control-enable: no
`, addr.Port(), dir, many.String())
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-d", "-c", conf)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	started := false
	lines := bufio.NewScanner(stderr)
	for !started && lines.Scan() {
		started = strings.Contains(lines.Text(), "start of service")
	}
	if !started {
		t.Fatalf("unbound did not start: %v", lines.Err())
	}
	return addr
}

func TestUnboundAsUpstream(t *testing.T) {
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{unbound(t)}})
	tests := []struct {
		name  string
		qtype uint16
		rcode int
		addrs []string
	}{
		{"www.test.", dns.TypeA, dns.RcodeSuccess, []string{"93.184.216.34"}},
		{"WWW.test.", dns.TypeAAAA, dns.RcodeSuccess, []string{"2a00::34"}},
		{"txt.test.", dns.TypeA, dns.RcodeSuccess, nil},
		{"gone.test.", dns.TypeA, dns.RcodeNameError, nil},
		{"casino.example.", dns.TypeA, dns.RcodeNameError, nil},
	}
	for range 2 {
		for _, network := range []string{"udp", "tcp"} {
			for _, tt := range tests {
				got := w.ask(t, network, question(tt.name, tt.qtype))
				if got.Rcode != tt.rcode || !reflect.DeepEqual(addrs(got), tt.addrs) {
					t.Errorf("%s over %s: %v, want %s %v", tt.name, network, got, dns.RcodeToString[tt.rcode], tt.addrs)
				}
			}
		}
	}
	if got := w.ask(t, "tcp", question("many.test.", dns.TypeA)); len(addrs(got)) != 100 {
		t.Errorf("many.test.: %d addresses, want 100", len(addrs(got)))
	}
	if got, err := w.Lookup(t.Context(), host(t, "www.test")); len(got) != 2 || err != nil {
		t.Errorf("Lookup = %v, %v", got, err)
	}
}

// What people see when they look with dig.
func TestDig(t *testing.T) {
	bin := tool(t, "dig")
	up := serveUpstream(t, zone(public))
	w := serve(t, resolver.Config{Upstreams: []netip.AddrPort{up.addr}})
	tests := []struct {
		args string
		want []string
	}{
		{"www.example A", []string{"status: NOERROR", "93.184.216.34", "flags: qr rd ra;"}},
		{"www.example A", []string{"status: NOERROR", "93.184.216.34"}},
		{"casino.example A", []string{"status: NXDOMAIN", "EDE: 15 (Blocked): (gambling)", "IN\tSOA"}},
		{"casino.example A +noedns", []string{"status: NXDOMAIN", "ADDITIONAL: 0"}},
		{"casino.example A +dnssec +cdflag", []string{"status: NXDOMAIN", "flags: do", "ra cd"}},
		{"www.example A +tcp", []string{"93.184.216.34"}},
		{"www.example A +edns=1 +noednsnegotiation", []string{"status: BADVERS"}},
		{"www.example A +ednsopt=100:abcd", []string{"status: NOERROR"}},
		{"www.example A +subnet=192.0.2.0/24", []string{"status: NOERROR"}},
		{"www.example A +opcode=status", []string{"status: NOTIMP"}},
		{"www.example A +norecurse", []string{"status: REFUSED"}},
		{"version.bind TXT CH", []string{"status: REFUSED"}},
		{"www.example ANY +notcp", []string{"HINFO", "RFC8482"}},
		{"-x 10.0.0.1", []string{"status: NXDOMAIN"}},
		{"-x fd00::1", []string{"status: NXDOMAIN"}},
		{"-x 9.9.9.9", []string{"dns9.example."}},
		{". NS", []string{"a.root-servers.net."}},
	}
	hostAddr, port, err := net.SplitHostPort(w.udp)
	if err != nil {
		t.Fatal(err)
	}
	_, tcpPort, err := net.SplitHostPort(w.tcp)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		p := port
		if strings.Contains(tt.args, "+tcp") {
			p = tcpPort
		}
		args := append([]string{"@" + hostAddr, "-p", p, "+tries=1", "+time=5"}, strings.Fields(tt.args)...)
		out, err := exec.CommandContext(t.Context(), bin, args...).CombinedOutput()
		if err != nil {
			t.Errorf("dig %s: %v\n%s", tt.args, err, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("dig %s: no %q in\n%s", tt.args, want, out)
			}
		}
	}
}
