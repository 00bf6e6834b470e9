package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"time"
	"unicode/utf8"
)

// rootLife is long enough to distribute a successor at ease, and shorter than the life of the machine it runs on.
const rootLife = 5 * 365 * 24 * time.Hour

// The files of the folder, and what PEM calls their contents.
const (
	certFile       = "ca.pem"
	keyFile        = "ca-key.pem"
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY" // PKCS #8
)

// signUsages is what a root must be allowed to do.
const signUsages = x509.KeyUsageCertSign | x509.KeyUsageCRLSign

func openRoot(dir, organisation string, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	certPath, keyPath := filepath.Join(dir, certFile), filepath.Join(dir, keyFile)
	haveCert, err := exists(certPath)
	if err != nil {
		return nil, nil, err
	}
	haveKey, err := exists(keyPath)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !haveCert && !haveKey:
		return makeRoot(dir, organisation, now)
	case !haveCert:
		return nil, nil, missing(certPath, keyPath)
	case !haveKey:
		return nil, nil, missing(keyPath, certPath)
	}
	return loadRoot(certPath, keyPath, now)
}

func missing(absent, present string) error {
	return fmt.Errorf("%s is missing beside %s: put it back, or move the other away to have a new CA made", absent, present)
}

// loadRoot reads and checks an existing pair.
func loadRoot(certPath, keyPath string, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	signer, err := loadKey(keyPath)
	if err != nil {
		return nil, nil, err
	}
	root, err := loadCertificate(certPath)
	if err != nil {
		return nil, nil, err
	}
	if err := checkRoot(root, now); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", certPath, err)
	}
	if pub, ok := root.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(signer.Public()) {
		return nil, nil, fmt.Errorf("%s is not the key of %s: put the pair back together", keyPath, certPath)
	}
	return root, signer, nil
}

func loadCertificate(path string) (*x509.Certificate, error) {
	block, err := readPEM(path, pemCertificate)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(block)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	return c, nil
}

func loadKey(path string) (crypto.Signer, error) {
	if err := checkPrivate(path); err != nil {
		return nil, err
	}
	block, err := readPEM(path, pemKey)
	if err != nil {
		return nil, fmt.Errorf("%w (convert it with: openssl pkcs8 -topk8 -nocrypt)", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(block)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds a key that can't sign", path)
	}
	return signer, nil
}

// checkRoot says what keeps c from being the root.
func checkRoot(c *x509.Certificate, now time.Time) error {
	switch {
	case !c.BasicConstraintsValid || !c.IsCA:
		return errors.New("the certificate is not one of a CA: use the one that came with the key")
	case c.KeyUsage&signUsages != signUsages || len(c.SubjectKeyId) == 0:
		return errors.New("the CA certificate needs the key usages keyCertSign and cRLSign and a subject key identifier")
	case now.Before(c.NotBefore):
		return fmt.Errorf("the CA certificate is valid from %s only: is the clock right?", c.NotBefore.Format(time.DateOnly))
	case !now.Before(c.NotAfter):
		return fmt.Errorf("the CA certificate expired on %s: move %s and %s away to have a new one made, and distribute it",
			c.NotAfter.Format(time.DateOnly), certFile, keyFile)
	}
	return nil
}

// makeRoot makes a root and writes it: the key first, so that a certificate is never there without one.
func makeRoot(dir, organisation string, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the CA key: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the CA key: %w", err)
	}
	name, err := rootName(organisation, &key.PublicKey, now)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:               name,
		NotBefore:             now.Add(-leafBackdate),
		NotAfter:              now.Add(rootLife),
		KeyUsage:              signUsages,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, // a stolen key signs no mail, code or login
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign the CA certificate: %w", err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("parse the new CA certificate: %w", err)
	}
	if err := makeFolder(dir); err != nil {
		return nil, nil, err
	}
	for _, f := range []struct {
		name, kind string
		der        []byte
	}{{keyFile, pemKey, keyDER}, {certFile, pemCertificate, der}} {
		if err := writeFile(dir, f.name, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der})); err != nil {
			return nil, nil, err
		}
	}
	return root, key, nil
}

// rootName returns a name that people recognise in a list of roots, and that no other root has: issuer and serial number
// must be unique in a client's store, also after the folder was lost and made anew.
func rootName(organisation string, key *ecdsa.PublicKey, now time.Time) (pkix.Name, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return pkix.Name{}, fmt.Errorf("encode the public CA key: %w", err)
	}
	sum := sha256.Sum256(der)
	common := fmt.Sprintf("Keersluis CA %d-%s", now.Year(), hex.EncodeToString(sum[:3]))
	if organisation == "" {
		return pkix.Name{CommonName: common}, nil
	}
	return pkix.Name{
		CommonName:   cut(organisation, maxCommonName-len(common)-1) + " " + common,
		Organization: []string{cut(organisation, maxCommonName)},
	}, nil
}

// cut returns the first n bytes of s or a few less, so that no character is split.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// selfSigned reports whether c is a trust anchor that clients have. A subordinate of the organisation's own CA isn't,
// and has to be sent along.
func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(c) == nil
}
