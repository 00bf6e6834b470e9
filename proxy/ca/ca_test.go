package ca_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/proxy/ca"
)

const crlURL = "http://portal.test/ca.crl"

var start = time.Date(2026, 8, 31, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(tb testing.TB, dir string, o ca.Options) *ca.Authority {
	tb.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return start }
	}
	a, err := ca.Open(dir, o)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func host(tb testing.TB, s string) filter.Host {
	tb.Helper()
	h, err := filter.ParseHost(s)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// issue returns the certificate for a host, parsed.
func issue(tb testing.TB, a *ca.Authority, h filter.Host) *x509.Certificate {
	tb.Helper()
	c, err := a.Certificate(context.Background(), h)
	if err != nil {
		tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		tb.Fatal(err)
	}
	return leaf
}

func verify(a *ca.Authority, leaf *x509.Certificate, name string, at time.Time) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.RootPEM())
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: at})
	return err
}

func TestCertificate(t *testing.T) {
	a := open(t, t.TempDir(), ca.Options{Organisation: "Gemeente Voorbeeld", CRLURL: crlURL})
	long := strings.Repeat("a23456789.", 20) + "example.org"
	tests := []struct{ name, host, valid, other string }{
		{"name", "WWW.Example.org", "www.example.org", "example.org"},
		{"child", "example.org", "example.org", "www.example.org"},
		{"single label", "intranet", "intranet", "intranet.test"},
		{"IDN", "münchen.example", "xn--mnchen-3ya.example", "munchen.example"},
		{"underscore", "a_b.example.org", "a_b.example.org", "ab.example.org"},
		{"longer than a common name", long, long, "example.org"},
		{"IPv4", "192.0.2.1", "192.0.2.1", "192.0.2.2"},
		{"IPv6", "[2001:db8::1]", "2001:db8::1", "2001:db8::2"},
		{"IPv4 in IPv6", "::ffff:192.0.2.9", "192.0.2.9", "192.0.2.1"},
	}
	serials := make(map[string]bool)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leaf := issue(t, a, host(t, tt.host))
			if err := verify(a, leaf, tt.valid, start); err != nil {
				t.Errorf("certificate for %s: %v", tt.valid, err)
			}
			if err := verify(a, leaf, tt.other, start); err == nil {
				t.Errorf("certificate for %s is good for %s too", tt.valid, tt.other)
			}
			if n := leaf.SerialNumber.BitLen(); n < 100 {
				t.Errorf("serial number has %d bits, want about 160", n)
			}
			serials[leaf.SerialNumber.String()] = true
		})
	}
	if len(serials) != len(tests) {
		t.Errorf("%d serial numbers for %d certificates", len(serials), len(tests))
	}
}

func TestCertificateFields(t *testing.T) {
	a := open(t, t.TempDir(), ca.Options{CRLURL: crlURL})
	c, err := a.Certificate(t.Context(), host(t, "example.org"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Certificate) != 1 {
		t.Errorf("chain of %d certificates, want the leaf only", len(c.Certificate))
	}
	leaf, root := issue(t, a, host(t, "example.org")), parse(t, a.RootDER())
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 90*24*time.Hour {
		t.Errorf("certificate lives %s, want at most 90 days", life)
	}
	if back := start.Sub(leaf.NotBefore); back < 2*time.Hour {
		t.Errorf("certificate begins %s ago, too little for clocks that are behind", back)
	}
	if leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature ||
		len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("certificate is good for more than a server: CA %t, usage %b, extended %v", leaf.IsCA, leaf.KeyUsage, leaf.ExtKeyUsage)
	}
	if !bytes.Equal(leaf.AuthorityKeyId, root.SubjectKeyId) {
		t.Errorf("authority key identifier %x, want %x", leaf.AuthorityKeyId, root.SubjectKeyId)
	}
	if got := leaf.CRLDistributionPoints; len(got) != 1 || got[0] != crlURL {
		t.Errorf("CRL distribution points %q, want %q", got, crlURL)
	}
}

func TestNoCRLAddress(t *testing.T) {
	leaf := issue(t, open(t, t.TempDir(), ca.Options{}), host(t, "example.org"))
	if got := leaf.CRLDistributionPoints; got != nil {
		t.Errorf("CRL distribution points %q, want none", got)
	}
}

func TestRoot(t *testing.T) {
	organisation := "Gemeenschappelijke Regeling Samenwerkingsverband Één Voorbeeld en Omstreken"
	a := open(t, t.TempDir(), ca.Options{Organisation: organisation})
	b := open(t, t.TempDir(), ca.Options{Organisation: organisation})
	root := parse(t, a.RootDER())
	if n := len(root.Subject.CommonName); n > 64 || !strings.Contains(root.Subject.CommonName, " Keersluis CA 2026-") {
		t.Errorf("common name %q of %d bytes", root.Subject.CommonName, n)
	}
	if root.Subject.CommonName == parse(t, b.RootDER()).Subject.CommonName {
		t.Errorf("two roots are both called %q", root.Subject.CommonName)
	}
	if !root.IsCA || root.MaxPathLen != 0 || !root.MaxPathLenZero {
		t.Errorf("root: CA %t, path length %d", root.IsCA, root.MaxPathLen)
	}
	if root.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		t.Errorf("root usage %b", root.KeyUsage)
	}
	if !a.NotAfter().Equal(root.NotAfter) {
		t.Errorf("NotAfter = %s, want %s", a.NotAfter(), root.NotAfter)
	}
	block, rest := pem.Decode(a.RootPEM())
	if block == nil || len(rest) != 0 || !bytes.Equal(block.Bytes, a.RootDER()) {
		t.Error("RootPEM and RootDER are not the same certificate")
	}
}

func TestRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "ca")
	first := open(t, dir, ca.Options{Organisation: "A"})
	second := open(t, dir, ca.Options{Organisation: "B"})
	if !bytes.Equal(first.RootDER(), second.RootDER()) {
		t.Error("a restart changed the root")
	}
	if err := verify(first, issue(t, second, host(t, "example.org")), "example.org", start); err != nil {
		t.Errorf("certificate of the second process under the root of the first: %v", err)
	}
	for path, want := range map[string]os.FileMode{
		filepath.Dir(dir):                0o700,
		dir:                              0o700,
		filepath.Join(dir, "ca-key.pem"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s = %#o, want %#o", path, got, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 {
		t.Errorf("%d files in the folder, want 2: %v", len(left), left)
	}
}

func TestProcessesShareNoLeafKey(t *testing.T) {
	dir := t.TempDir()
	a := issue(t, open(t, dir, ca.Options{}), host(t, "example.org"))
	b := issue(t, open(t, dir, ca.Options{}), host(t, "example.org"))
	if bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo) {
		t.Error("two processes use the same leaf key")
	}
}

func TestRenewal(t *testing.T) {
	c := clock{at: start}
	a := open(t, t.TempDir(), ca.Options{Now: c.Now})
	h := host(t, "example.org")
	first := issue(t, a, h)
	c.advance(19 * 24 * time.Hour)
	if !issue(t, a, h).Equal(first) {
		t.Error("certificate renewed after 19 days of 30, want the same")
	}
	c.advance(2 * 24 * time.Hour)
	if issue(t, a, h).Equal(first) {
		t.Error("certificate of 21 days of 30 still given out")
	}
}

// TestEndOfRoot walks the last days of the root: certificates end with it, and afterwards there are none.
func TestEndOfRoot(t *testing.T) {
	c := clock{at: start}
	a := open(t, t.TempDir(), ca.Options{Now: c.Now})
	h := host(t, "example.org")
	c.advance(a.NotAfter().Sub(start) - 24*time.Hour)
	leaf := issue(t, a, h)
	if !leaf.NotAfter.Equal(a.NotAfter()) {
		t.Errorf("certificate ends at %s, want with the root at %s", leaf.NotAfter, a.NotAfter())
	}
	if !issue(t, a, h).Equal(leaf) {
		t.Error("a certificate that can't be prolonged is made anew at every request")
	}
	c.advance(24 * time.Hour)
	if _, err := a.Certificate(t.Context(), h); err == nil {
		t.Error("certificate made under an expired root")
	}
}

// TestOneMint asks for one name from a thousand sides at once: all get the same certificate.
func TestOneMint(t *testing.T) {
	a := open(t, t.TempDir(), ca.Options{})
	h := host(t, "example.org")
	got := make([]*tls.Certificate, 1000)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			<-begin
			c, err := a.Certificate(t.Context(), h)
			if err != nil {
				t.Error(err)
			}
			got[i] = c
		})
	}
	close(begin)
	wg.Wait()
	for i, c := range got {
		if c != got[0] {
			t.Fatalf("request %d got another certificate than request 0", i)
		}
	}
}

// TestCacheBound fills a small cache: the name used longest ago goes first.
func TestCacheBound(t *testing.T) {
	a := open(t, t.TempDir(), ca.Options{CacheSize: 2})
	one := issue(t, a, host(t, "one.test"))
	two := issue(t, a, host(t, "two.test"))
	issue(t, a, host(t, "one.test"))
	issue(t, a, host(t, "three.test"))
	if !issue(t, a, host(t, "one.test")).Equal(one) {
		t.Error("the name used last was dropped")
	}
	if issue(t, a, host(t, "two.test")).Equal(two) {
		t.Error("a third certificate is in a cache of two")
	}
}

func TestNoHost(t *testing.T) {
	a := open(t, t.TempDir(), ca.Options{})
	if c, err := a.Certificate(t.Context(), filter.Host{}); err == nil {
		t.Errorf("certificate %v for no host", c)
	}
}

// TestHandshake lets a real client and server meet over the certificate, for h2 and HTTP/1.1.
func TestHandshake(t *testing.T) {
	a := open(t, t.TempDir(), ca.Options{CRLURL: crlURL})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.RootPEM())
	clientConn, serverConn := net.Pipe()
	server := tls.Server(serverConn, &tls.Config{
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			h, err := filter.ParseHost(hello.ServerName)
			if err != nil {
				return nil, err
			}
			return a.Certificate(hello.Context(), h)
		},
	})
	client := tls.Client(clientConn, &tls.Config{
		RootCAs: roots, ServerName: "www.example.org", Time: func() time.Time { return start },
	})
	done := make(chan error, 1)
	go func() { done <- server.HandshakeContext(t.Context()) }()
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Errorf("client: %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("server: %v", err)
	}
}

func TestCRL(t *testing.T) {
	c := clock{at: start}
	a := open(t, t.TempDir(), ca.Options{Now: c.Now, CRLURL: crlURL})
	root := parse(t, a.RootDER())
	der := crl(t, a)
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(root); err != nil {
		t.Errorf("signature: %v", err)
	}
	if len(list.RevokedCertificateEntries) != 0 {
		t.Errorf("%d certificates revoked, want none", len(list.RevokedCertificateEntries))
	}
	if got, want := list.NextUpdate, start.Add(7*24*time.Hour); !got.Equal(want) {
		t.Errorf("next update %s, want %s", got, want)
	}
	c.advance(23 * time.Hour)
	if !bytes.Equal(crl(t, a), der) {
		t.Error("list signed anew within the day")
	}
	c.advance(time.Hour)
	next, err := x509.ParseRevocationList(crl(t, a))
	if err != nil {
		t.Fatal(err)
	}
	if next.Number.Cmp(list.Number) <= 0 {
		t.Errorf("number went from %s to %s, want up", list.Number, next.Number)
	}
}

func crl(tb testing.TB, a *ca.Authority) []byte {
	tb.Helper()
	der, err := a.CRL()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func parse(tb testing.TB, der []byte) *x509.Certificate {
	tb.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestOpenSSL asks a verifier that isn't ours, with revocation and the strictest reading of RFC 5280.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	a := open(t, filepath.Join(dir, "ca"), ca.Options{Organisation: "Gemeente Voorbeeld", CRLURL: crlURL, Now: time.Now})
	root, list := filepath.Join(dir, "ca", "ca.pem"), filepath.Join(dir, "crl.pem")
	write(t, list, "X509 CRL", crl(t, a))
	run(t, openssl, "crl", "-in", list, "-CAfile", root, "-noout", "-verify")
	for _, tt := range []struct{ host, flag string }{
		{"www.example.org", "-verify_hostname"},
		{"xn--mnchen-3ya.example", "-verify_hostname"},
		{"192.0.2.1", "-verify_ip"},
		{"2001:db8::1", "-verify_ip"},
	} {
		leaf := filepath.Join(dir, "leaf.pem")
		write(t, leaf, "CERTIFICATE", issue(t, a, host(t, tt.host)).Raw)
		run(t, openssl, "verify", "-x509_strict", "-purpose", "sslserver", "-crl_check", "-CRLfile", list,
			"-CAfile", root, tt.flag, tt.host, leaf)
	}
}

func write(tb testing.TB, path, kind string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func run(tb testing.TB, name string, args ...string) {
	tb.Helper()
	if out, err := exec.CommandContext(tb.Context(), name, args...).CombinedOutput(); err != nil {
		tb.Errorf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}

func TestWaitEnds(t *testing.T) {
	a := open(t, t.TempDir(), ca.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// With its context done a caller gets a certificate or the context's error, nothing else and no wait.
	if c, err := a.Certificate(ctx, host(t, "example.org")); c == nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Certificate = %v, %v", c, err)
	}
}

// FuzzCertificate holds that every host the filter knows gets a certificate that a client accepts.
func FuzzCertificate(f *testing.F) {
	a := open(f, f.TempDir(), ca.Options{CacheSize: 1})
	for _, s := range []string{"example.org", "-", "a_-b", "x--", "192.0.2.1", "::1", "ß.example", strings.Repeat("a.", 126)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := filter.ParseHost(s)
		if err != nil {
			t.Skip()
		}
		leaf := issue(t, a, h)
		if ip, ok := h.Addr(); ok {
			if len(leaf.IPAddresses) != 1 || leaf.IPAddresses[0].String() != net.IP(ip.AsSlice()).String() {
				t.Errorf("certificate for %s names %v", ip, leaf.IPAddresses)
			}
			return
		}
		if len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != h.String() {
			t.Errorf("certificate for %s names %q", h, leaf.DNSNames)
		}
		if err := verify(a, leaf, "", start); err != nil {
			t.Errorf("certificate for %s: %v", h, err)
		}
	})
}
