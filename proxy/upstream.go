package proxy

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/keersluis/keersluis/proxy/page"
)

const (
	maxIdleOrigins   = 10_000
	maxIdlePerOrigin = 64
	maxSessions      = 1024 // TLS sessions with origins kept for resumption
	minRSABits       = 2048 // NCSC-NL TLS guidelines: less is insufficient
	copyBuffer       = 32 << 10
)

// closedIdle is the text of an error of net/http that has no other mark: the origin closed before it answered.
const closedIdle = "http: server closed idle connection"

// errNoAnswer is a dial that no answer of the gate stands behind: a fault of ours.
var errNoAnswer = errors.New("dial without an answer of the gate")

// errWeakKey is an RSA key of an origin that is too short.
var errWeakKey = errors.New("certificate with an RSA key below 2048 bits")

// newTransport returns a way to origins; there are no others. It reads no environment, adds nothing to a request by itself,
// and resolves and dials only through the answer of the exchange.
func (p *Proxy) newTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:       nil, // the environment's proxies would re-route traffic behind the operator's back
		DialContext: p.dialOrigin,
		TLSClientConfig: &tls.Config{
			RootCAs:            roots,
			MinVersion:         tls.VersionTLS12,
			VerifyConnection:   verifyStrength,
			ClientSessionCache: tls.NewLRUClientSessionCache(maxSessions),
		},
		TLSHandshakeTimeout:    p.limits.TLS,
		ResponseHeaderTimeout:  p.limits.Response,
		ExpectContinueTimeout:  p.limits.Continue,
		IdleConnTimeout:        p.limits.OriginIdle,
		MaxIdleConns:           maxIdleOrigins,
		MaxIdleConnsPerHost:    maxIdlePerOrigin,
		MaxResponseHeaderBytes: 256 << 10,
		DisableCompression:     true, // the client's choice, and its Content-Length, stay
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  p.limits.Ping,
			PingTimeout:      p.limits.Ping / 2,
			WriteByteTimeout: p.limits.Stall,
		},
	}
}

// dialOrigin dials for the transport. The exchange in ctx is the one that asked first; the connection can come to serve
// another, which asks about it again ([exchange.gotConn]). The transport calls it in a goroutine of its own, where a
// panic would end the process.
func (p *Proxy) dialOrigin(ctx context.Context, _, addr string) (_ net.Conn, err error) {
	defer func() {
		if recover() != nil {
			p.reportPanic()
			err = &fault{problem: page.ProxyError}
		}
	}()
	x := exchangeFrom(ctx)
	if x == nil {
		return nil, errNoAnswer
	}
	if addr != x.target.hostPort() {
		return nil, errNoAnswer
	}
	c, err := p.dialTarget(ctx, x.answer, x.target.host, x.target.port)
	if err != nil {
		return nil, err // not c: a nil *conn in a net.Conn is not nil
	}
	x.dialled.Store(c)
	return c, nil
}

// verifyStrength refuses, after the chain was verified, keys that are too weak to prove anything.
func verifyStrength(cs tls.ConnectionState) error {
	for _, c := range cs.PeerCertificates {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
			return errWeakKey
		}
	}
	return nil
}

// upstreamFault says what a failed round trip is.
func upstreamFault(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if detail, ok := certificateDetail(err); ok {
		return &fault{problem: page.CertificateProblem, detail: detail}
	}
	switch {
	case errors.Is(err, errNoAnswer):
		return &fault{problem: page.ProxyError}
	case isTimeout(err):
		return &fault{problem: page.Timeout, detail: page.ResponseTimeout}
	case isBroken(err):
		return &fault{problem: page.ConnectionRefused, detail: page.ConnectionBroken}
	}
	return &fault{problem: page.ConnectionRefused, detail: page.ResponseMalformed}
}

// isBroken reports whether the network ended the exchange, rather than what came over it.
func isBroken(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return network || isAny(err, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed) || err.Error() == closedIdle
}

// certificateDetail says what is wrong with the origin's proof of identity, if that is what err is about.
func certificateDetail(err error) (page.Detail, bool) {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return invalidDetail(invalid), true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return page.CertificateWrongHost, true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return page.CertificateUnknownIssuer, true
	}
	if _, ok := errors.AsType[x509.InsecureAlgorithmError](err); ok || errors.Is(err, errWeakKey) {
		return page.CertificateWeak, true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return page.NoDetail, true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return page.HandshakeFailed, true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return page.HandshakeFailed, true // crypto/tls reports an alert this way
	}
	return page.NoDetail, false
}

func invalidDetail(err x509.CertificateInvalidError) page.Detail {
	switch err.Reason {
	case x509.Expired:
		if time.Now().Before(err.Cert.NotBefore) {
			return page.CertificateNotYetValid
		}
		return page.CertificateExpired
	case x509.NameMismatch, x509.CANotAuthorizedForThisName, x509.NameConstraintsWithoutSANs:
		return page.CertificateWrongHost
	}
	return page.CertificateUnknownIssuer
}
