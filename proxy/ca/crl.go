package ca

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"
)

// A revocation list is good for a week and signed anew each day, so that a client that fetched it at any moment has days to fetch
// the next.
const (
	crlLife    = 7 * 24 * time.Hour
	crlRefresh = 24 * time.Hour
)

// CRL returns the certificate revocation list in DER (RFC 5280, section 5), for a client that insists on one: Windows
// does. It is always empty: a certificate is never revoked, its key dies with the process and its life is short. The
// caller must not change it.
func (a *Authority) CRL() ([]byte, error) {
	a.crlMu.Lock()
	defer a.crlMu.Unlock()
	now := a.now()
	if age := now.Sub(a.crlAt); a.crl != nil && age >= 0 && age < crlRefresh {
		return a.crl, nil
	}
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:     big.NewInt(now.Unix()), // grows without a counter to keep (section 5.2.3)
		ThisUpdate: now.Add(-leafBackdate),
		NextUpdate: now.Add(crlLife),
	}, a.root, a.signer)
	if err != nil {
		return nil, fmt.Errorf("sign the revocation list: %w", err)
	}
	a.crl, a.crlAt = crl, now
	return crl, nil
}
