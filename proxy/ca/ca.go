// Package ca is the organisation's certificate authority: it makes the certificates under which inspected sites, and the
// block page, are shown.
//
// It has one root, whose key never leaves the machine, and issues certificates for one exact name or address that live
// for weeks. It won't sign anything else: no subordinate, no client certificate, no wildcard, no request from outside. It
// knows nothing of policy: whoever asks has already decided that the host may be shown. It logs nothing, since all it
// could tell is who went where.
package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"runtime"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/keersluis/keersluis/filter"
)

// defaultCacheSize is the number of certificates kept: about 10 MB.
const defaultCacheSize = 10_000

// Options is what an authority needs besides its folder.
type Options struct {
	Organisation string           // named in a new root certificate; an existing root keeps its name
	CRLURL       string           // where clients fetch [Authority.CRL], http or https; "" names no place
	Now          func() time.Time // required
	CacheSize    int              // certificates kept; 0 or less means 10,000
}

// Authority issues certificates. It is safe for concurrent use.
type Authority struct {
	root   *x509.Certificate
	signer crypto.Signer // of root
	now    func() time.Time
	crlURL []string

	leafKey *ecdsa.PrivateKey // shared by all certificates, new in each process, never written
	chain   [][]byte          // what follows the leaf in a handshake
	cache   *lru.Cache[filter.Host, *issued]
	flights singleflight.Group
	slots   chan struct{} // one for each certificate in the making

	crlMu sync.Mutex
	crl   []byte    // guarded by crlMu
	crlAt time.Time // when crl was signed, guarded by crlMu
}

// Open returns the authority whose root is ca.pem and ca-key.pem in dir. When neither exists it makes both, and dir, and
// returns once they are on stable storage. It refuses, saying how to mend it, a pair that isn't one, a root that has
// expired or may not sign, and a key that others can read.
func Open(dir string, o Options) (*Authority, error) {
	if o.CRLURL != "" {
		if u, err := url.Parse(o.CRLURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("CRL address %q is not an http or https URL", o.CRLURL)
		}
	}
	root, signer, err := openRoot(dir, o.Organisation, o.Now())
	if err != nil {
		return nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the certificates: %w", err)
	}
	if o.CacheSize <= 0 {
		o.CacheSize = defaultCacheSize
	}
	cache, err := lru.New[filter.Host, *issued](o.CacheSize)
	if err != nil {
		return nil, fmt.Errorf("make the certificate cache: %w", err)
	}
	a := &Authority{
		root:    root,
		signer:  signer,
		now:     o.Now,
		leafKey: leafKey,
		cache:   cache,
		slots:   make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	if o.CRLURL != "" {
		a.crlURL = []string{o.CRLURL}
	}
	if !selfSigned(root) {
		a.chain = [][]byte{root.Raw}
	}
	return a, nil
}

// RootDER returns the root certificate in DER, as application/x-x509-ca-cert has it.
func (a *Authority) RootDER() []byte { return append([]byte(nil), a.root.Raw...) }

// RootPEM returns the root certificate in PEM (RFC 7468).
func (a *Authority) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: a.root.Raw})
}

// NotAfter returns the last moment at which the root is valid. No certificate outlives it, so it has to be replaced, and
// the new one distributed, some weeks before.
func (a *Authority) NotAfter() time.Time { return a.root.NotAfter }
