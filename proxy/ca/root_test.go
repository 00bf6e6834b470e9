package ca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keersluis/keersluis/proxy/ca"
)

// TestRefuse opens folders that an operator may have got wrong. Each message is one line and says what to do.
func TestRefuse(t *testing.T) {
	copyFrom := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			other := t.TempDir()
			open(t, other, ca.Options{})
			text, err := os.ReadFile(filepath.Join(other, name))
			if err != nil {
				t.Fatal(err)
			}
			put(t, dir, name, text)
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		at    time.Time
		want  []string
	}{
		{"another's key", copyFrom("ca-key.pem"), start, []string{"is not the key of", "put the pair back"}},
		{"another's certificate", copyFrom("ca.pem"), start, []string{"is not the key of"}},
		{"no certificate", remove("ca.pem"), start, []string{"ca.pem is missing", "put it back"}},
		{"no key", remove("ca-key.pem"), start, []string{"ca-key.pem is missing", "put it back"}},
		{"open to others", func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, start, []string{"0644", "chmod 600"}},
		{"expired", nil, start.AddDate(6, 0, 0), []string{"expired on 2031-08-30", "move"}},
		{"not yet valid", nil, start.AddDate(-1, 0, 0), []string{"valid from 2026-08-30", "clock"}},
		{"not a CA", func(t *testing.T, dir string) { pair(t, dir, func(c *x509.Certificate) { c.IsCA = false }) }, start, []string{"not one of a CA"}},
		{"may not sign lists", func(t *testing.T, dir string) {
			pair(t, dir, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
		}, start, []string{"cRLSign"}},
		{"no PEM", func(t *testing.T, dir string) { put(t, dir, "ca.pem", []byte("hello\n")) }, start, []string{"PEM block", "CERTIFICATE"}},
		{"old key format", func(t *testing.T, dir string) {
			put(t, dir, "ca-key.pem", []byte("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"))
		}, start, []string{"openssl pkcs8"}},
		{"two certificates", func(t *testing.T, dir string) {
			path := filepath.Join(dir, "ca.pem")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			put(t, dir, "ca.pem", append(text, text...))
		}, start, []string{"more than one"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			open(t, dir, ca.Options{})
			if tt.spoil != nil {
				tt.spoil(t, dir)
			}
			_, err := ca.Open(dir, ca.Options{Now: func() time.Time { return tt.at }})
			if err == nil {
				t.Fatal("opened")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q doesn't say %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has more than one line", err)
			}
		})
	}
}

func TestRefuseCRLAddress(t *testing.T) {
	for _, u := range []string{"portal.test/ca.crl", "ldap://portal.test/ca", "http://", "http://a b/"} {
		dir := filepath.Join(t.TempDir(), "ca")
		if _, err := ca.Open(dir, ca.Options{CRLURL: u, Now: time.Now}); err == nil {
			t.Errorf("opened with CRL address %q", u)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("folder made although CRL address %q is wrong", u)
		}
	}
}

// TestSubordinate lets the organisation's own CA stand above ours: then the handshake has to bring ours along.
func TestSubordinate(t *testing.T) {
	dir := t.TempDir()
	top := pair(t, dir, nil)
	a := open(t, dir, ca.Options{})
	c, err := a.Certificate(t.Context(), host(t, "example.org"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Certificate) != 2 {
		t.Fatalf("chain of %d certificates, want the leaf and the subordinate", len(c.Certificate))
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(top)
	between.AddCert(parse(t, c.Certificate[1]))
	_, err = parse(t, c.Certificate[0]).Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, DNSName: "example.org", CurrentTime: start,
	})
	if err != nil {
		t.Error(err)
	}
}

// pair writes a certificate of another CA, and its key, to dir and returns that CA's root.
func pair(t *testing.T, dir string, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := func(name string) *x509.Certificate {
		return &x509.Certificate{
			Subject:               pkix.Name{CommonName: name},
			NotBefore:             start.AddDate(0, 0, -1),
			NotAfter:              start.AddDate(1, 0, 0),
			KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
			BasicConstraintsValid: true,
			IsCA:                  true,
		}
	}
	topKey, key := newKey(t), newKey(t)
	top, sub := template("top"), template("subordinate")
	if change != nil {
		change(sub)
	}
	topDER, err := x509.CreateCertificate(rand.Reader, top, top, topKey.Public(), topKey)
	if err != nil {
		t.Fatal(err)
	}
	subDER, err := x509.CreateCertificate(rand.Reader, sub, parse(t, topDER), key.Public(), topKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", subDER)
	write(t, filepath.Join(dir, "ca-key.pem"), "PRIVATE KEY", keyDER)
	return parse(t, topDER)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func put(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
