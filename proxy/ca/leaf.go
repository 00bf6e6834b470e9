package ca

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/keersluis/keersluis/filter"
)

// The validity of a certificate. It begins in the past for clients whose clock is behind. Thirty days is under every
// limit that browsers have announced (47 days from 2029); a certificate costs so little that longer buys nothing.
const (
	leafBackdate = 24 * time.Hour
	leafLife     = 30 * 24 * time.Hour
)

// maxCommonName is the upper bound of a common name in RFC 5280, appendix A (ub-common-name).
const maxCommonName = 64

var (
	errNoHost  = errors.New("no host to make a certificate for")
	errExpired = errors.New("the root certificate has expired")
)

// issued is a certificate in the cache.
type issued struct {
	cert  *tls.Certificate
	renew time.Time // from then on a new one is made; always before the end of cert
}

// Certificate returns a certificate for exactly h, made now or kept from before, with a third of its life or more still to go.
// The caller must not change it. It waits for a free processor no longer than ctx lasts. Leaf is not set, to keep the
// cache small: a TLS server has no use for it.
func (a *Authority) Certificate(ctx context.Context, h filter.Host) (*tls.Certificate, error) {
	if h.IsZero() {
		return nil, errNoHost
	}
	if c := a.cached(h); c != nil {
		return c, nil
	}
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to make a certificate: %w", context.Cause(ctx))
	}
	// Nothing in the flight waits for anything, so a caller that gives up can't take the others with it.
	v, err, _ := a.flights.Do(h.String(), func() (any, error) {
		if c := a.cached(h); c != nil {
			return c, nil
		}
		return a.issue(h)
	})
	if err != nil {
		return nil, err
	}
	return v.(*tls.Certificate), nil
}

// cached returns the certificate kept for h, nil when there is none or it is due for renewal.
func (a *Authority) cached(h filter.Host) *tls.Certificate {
	if i, ok := a.cache.Get(h); ok && a.now().Before(i.renew) {
		return i.cert
	}
	return nil
}

func (a *Authority) issue(h filter.Host) (*tls.Certificate, error) {
	now := a.now()
	end := now.Add(leafLife)
	if end.After(a.root.NotAfter) {
		end = a.root.NotAfter
	}
	if !now.Before(end) {
		return nil, errExpired
	}
	der, err := x509.CreateCertificate(rand.Reader, a.leaf(h, now, end), a.root, a.leafKey.Public(), a.signer)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	c := &tls.Certificate{
		Certificate: append([][]byte{der}, a.chain...),
		PrivateKey:  a.leafKey,
	}
	a.cache.Add(h, &issued{cert: c, renew: now.Add(end.Sub(now) * 2 / 3)})
	return c, nil
}

// leaf returns the template. Its serial number is left to crypto/x509: 160 bits of crypto/rand.
func (a *Authority) leaf(h filter.Host, now, end time.Time) *x509.Certificate {
	begin := now.Add(-leafBackdate)
	if begin.Before(a.root.NotBefore) {
		begin = a.root.NotBefore
	}
	t := &x509.Certificate{
		NotBefore:             begin,
		NotAfter:              end,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		AuthorityKeyId:        a.root.SubjectKeyId,
		CRLDistributionPoints: a.crlURL,
	}
	if ip, ok := h.Addr(); ok {
		t.IPAddresses = []net.IP{ip.AsSlice()}
	} else {
		t.DNSNames = []string{h.String()}
	}
	if len(h.String()) <= maxCommonName { // for old clients and people: browsers read the alternative name only
		t.Subject = pkix.Name{CommonName: h.String()}
	}
	return t
}
