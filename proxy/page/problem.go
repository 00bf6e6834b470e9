package page

import (
	"net/http"

	"github.com/keersluis/keersluis/filter"
)

// Problem is why the proxy answers by itself: a closed set. The zero Problem is [ProxyError], so that a forgotten one
// blames ourselves.
type Problem uint8

// The problems.
const (
	ProxyError             Problem = iota // a fault of our own
	Blocked                               // the policy closes the host or the URL
	DownloadBlocked                       // the policy closes what the answer turned out to hold
	InternalAddress                       // the name leads to an address inside
	AuthenticationRequired                // the caller adds Proxy-Authenticate, because it knows the schemes
	BadRequest                            // the request could not be read, or not in one way only
	DNSFailure                            // the name has no address
	ConnectionRefused                     // the server, or the way to it, refuses
	Timeout                               // the server was found but does not answer in time
	CertificateProblem                    // the server cannot prove that it is the site; Detail says what is wrong
	ShuttingDown                          // the proxy is stopping
	problemCount
)

// traits is what a problem is on the wire.
type traits struct {
	name   string
	status int
	error  string // of Proxy-Status, RFC 9209 section 2.3
}

var problemTraits = [problemCount]traits{
	ProxyError:             {"proxy-error", http.StatusInternalServerError, "proxy_internal_error"},
	Blocked:                {"blocked", http.StatusForbidden, "http_request_denied"},
	DownloadBlocked:        {"download-blocked", http.StatusForbidden, "http_request_denied"},
	InternalAddress:        {"internal-address", http.StatusForbidden, "destination_ip_prohibited"},
	AuthenticationRequired: {"authentication-required", http.StatusProxyAuthRequired, "http_request_denied"},
	BadRequest:             {"bad-request", http.StatusBadRequest, "http_request_error"},
	DNSFailure:             {"dns-failure", http.StatusBadGateway, "dns_error"},
	ConnectionRefused:      {"connection-refused", http.StatusBadGateway, "connection_refused"},
	Timeout:                {"timeout", http.StatusGatewayTimeout, "connection_timeout"},
	CertificateProblem:     {"certificate-problem", http.StatusBadGateway, "tls_certificate_error"},
	ShuttingDown:           {"shutting-down", http.StatusServiceUnavailable, "proxy_internal_response"},
}

// Problems returns every problem.
func Problems() []Problem {
	all := make([]Problem, problemCount)
	for i := range all {
		all[i] = Problem(i)
	}
	return all
}

func (p Problem) traits() traits {
	if p >= problemCount {
		p = ProxyError
	}
	return problemTraits[p]
}

// String returns the word used in problem documents and metrics.
func (p Problem) String() string { return p.traits().name }

// Status returns the status code that goes with p.
func (p Problem) Status() int { return p.traits().status }

// ByPolicy reports whether p is the organisation's choice, and not something that went wrong.
func (p Problem) ByPolicy() bool {
	return p == Blocked || p == DownloadBlocked || p == InternalAddress
}

// Of returns the problem that a blocking verdict is.
func Of(v filter.Verdict) Problem {
	switch v.Reason {
	case filter.Malformed:
		return BadRequest
	case filter.InternalAddress:
		return InternalAddress
	case filter.Content:
		return DownloadBlocked
	case filter.NotDecided:
		return ProxyError
	case filter.Listed, filter.Excepted, filter.Unlisted:
		return Blocked
	}
	return ProxyError
}

// Detail says which of several faults a technical problem is: a closed set. The zero Detail says nothing.
type Detail uint8

// The details.
const (
	NoDetail                 Detail = iota
	CertificateExpired              // of CertificateProblem
	CertificateNotYetValid          // of CertificateProblem
	CertificateUnknownIssuer        // of CertificateProblem
	CertificateWrongHost            // of CertificateProblem
	CertificateRevoked              // of CertificateProblem
	CertificateWeak                 // of CertificateProblem
	HandshakeFailed                 // of CertificateProblem: no common version or cipher, or no TLS at all
	NameUnknown                     // of DNSFailure
	NameServerFailed                // of DNSFailure
	NameTimeout                     // of DNSFailure
	HostUnreachable                 // of ConnectionRefused: no route
	ConnectionBroken                // of ConnectionRefused: closed before an answer came
	ResponseTimeout                 // of Timeout: connected, but no answer came
	ResponseMalformed               // of ConnectionRefused: what came was no HTTP
	detailCount
)

// Details returns every detail.
func Details() []Detail {
	all := make([]Detail, detailCount)
	for i := range all {
		all[i] = Detail(i)
	}
	return all
}

// proxyError returns the Proxy-Status error of a problem with its detail: the detail's own, where RFC 9209 has one.
func proxyError(p Problem, d Detail) string {
	switch d {
	case CertificateExpired, CertificateNotYetValid, CertificateUnknownIssuer, CertificateWrongHost, CertificateRevoked,
		CertificateWeak:
		return "tls_certificate_error"
	case HandshakeFailed:
		return "tls_protocol_error"
	case NameTimeout:
		return "dns_timeout"
	case HostUnreachable:
		return "destination_ip_unroutable"
	case ConnectionBroken:
		return "connection_terminated"
	case ResponseTimeout:
		return "http_response_timeout"
	case ResponseMalformed:
		return "http_protocol_error"
	case NoDetail, NameUnknown, NameServerFailed, detailCount:
	}
	return p.traits().error
}
