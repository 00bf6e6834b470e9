package proxy

import (
	"net/http"
	"net/textproto"
	"strings"
)

// hopByHop are the fields that belong to one connection (RFC 9110 section 7.6.1) and those that only a proxy reads.
// Transfer-Encoding and Trailer are here because net/http keeps them apart from the header.
var hopByHop = map[string]bool{
	"Connection":          true,
	"Keep-Alive":          true,
	"Proxy-Authenticate":  true,
	"Proxy-Authorization": true,
	"Proxy-Connection":    true,
	"Te":                  true,
	"Trailer":             true,
	"Transfer-Encoding":   true,
	"Upgrade":             true,
	"Http2-Settings":      true,
}

// personal are the request fields that would tell an origin, or have the proxy believe, who is behind it.
var personal = map[string]bool{
	"Forwarded":            true,
	"X-Forwarded-For":      true,
	"X-Forwarded-Host":     true,
	"X-Forwarded-Proto":    true,
	"X-Forwarded-User":     true,
	"X-Real-Ip":            true,
	"Client-Ip":            true,
	"X-Client-Ip":          true,
	"X-Cluster-Client-Ip":  true,
	"True-Client-Ip":       true,
	"Cf-Connecting-Ip":     true,
	"X-Originating-Ip":     true,
	"X-Remote-Ip":          true,
	"X-Remote-Addr":        true,
	"X-Remote-User":        true,
	"X-Proxyuser-Ip":       true,
	"X-Authenticated-User": true,
}

// readable are the content codings that filter/content can look into.
var readable = map[string]bool{"gzip": true, "x-gzip": true, "br": true, "zstd": true, "deflate": true, "identity": true}

// requestHeader returns what goes upstream of the header of r: a new map whose values are shared. An upgrade to WebSocket
// is kept, every other one isn't: what follows it could not be filtered.
func (p *Proxy) requestHeader(r *http.Request, websocket bool) http.Header {
	nominated := connectionOptions(r.Header)
	out := make(http.Header, len(r.Header)+3)
	for name, values := range r.Header {
		if !hopByHop[name] && !personal[name] && !nominated[name] {
			out[name] = values
		}
	}
	delete(out, "Host") // net/http keeps it apart; over HTTP/2 there can be a second one
	if websocket {
		out["Connection"] = []string{"Upgrade"}
		out["Upgrade"] = []string{"websocket"}
	}
	if hasToken(r.Header["Te"], "trailers") {
		out["Te"] = []string{"trailers"}
	}
	if values := out["Accept-Encoding"]; values != nil {
		out["Accept-Encoding"] = []string{acceptable(values)}
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = []string{""} // else net/http puts its own name there
	}
	out["Via"] = append(out["Via"][:len(out["Via"]):len(out["Via"])], p.via(r.ProtoMajor, r.ProtoMinor))
	return out
}

// requestTrailer returns the names of the trailers of r that go upstream; their values come with the end of its body. What
// does not go in a header does not go in a trailer, nor what means nothing there (RFC 9110 section 6.5.1): credentials
// among it.
func requestTrailer(r *http.Request) http.Header {
	nominated := connectionOptions(r.Header)
	var out http.Header
	for name := range r.Trailer {
		if !hopByHop[name] && !personal[name] && !nominated[name] && !endToEnd[name] {
			if out == nil {
				out = make(http.Header)
			}
			out[name] = nil
		}
	}
	return out
}

// cleanResponse removes from h what belongs to the connection with the origin. Alt-Svc goes too: it would lead the
// browser past the proxy.
func (p *Proxy) cleanResponse(resp *http.Response) {
	h := resp.Header
	for name := range connectionOptions(h) {
		delete(h, name)
	}
	for name := range hopByHop {
		delete(h, name)
	}
	delete(h, "Alt-Svc")
	h["Via"] = append(h["Via"], p.via(resp.ProtoMajor, resp.ProtoMinor))
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // else net/http guesses one
	}
}

// connectionOptions returns the fields that the Connection header nominates. Fields that are end to end by definition
// can't be: a client could have them dropped on the way to an origin that relies on them.
func connectionOptions(h http.Header) map[string]bool {
	values := h["Connection"]
	if len(values) == 0 {
		return nil
	}
	var named map[string]bool
	for _, v := range values {
		for option := range strings.SplitSeq(v, ",") {
			name := textproto.CanonicalMIMEHeaderKey(textproto.TrimString(option))
			if name == "" || name == "Close" || hopByHop[name] || endToEnd[name] {
				continue
			}
			if named == nil {
				named = make(map[string]bool)
			}
			named[name] = true
		}
	}
	return named
}

// endToEnd are fields that no Connection header can take away: without them a message means something else.
var endToEnd = map[string]bool{
	"Host": true, "Content-Length": true, "Content-Type": true, "Content-Encoding": true, "Content-Range": true,
	"Content-Disposition": true, "Cache-Control": true, "Authorization": true, "Cookie": true, "Set-Cookie": true,
	"Origin": true, "Range": true, "Via": true,
}

// via returns our entry in a Via header (RFC 9110 section 7.6.3): the protocol of the message and a name made up at start.
func (p *Proxy) via(major, minor int) string {
	switch {
	case major == 2:
		return "2.0 " + p.pseudonym
	case major == 1 && minor == 0:
		return "1.0 " + p.pseudonym
	}
	return "1.1 " + p.pseudonym
}

// loops reports whether r has been here before.
func (p *Proxy) loops(r *http.Request) bool {
	for _, v := range r.Header["Via"] {
		if strings.Contains(v, p.pseudonym) {
			return true
		}
	}
	return false
}

// acceptable returns the codings of an Accept-Encoding that we can read, with their weights. With none left it is
// identity: an empty field would say so too, but not every origin knows.
func acceptable(values []string) string {
	var kept []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			part = textproto.TrimString(part)
			name, _, _ := strings.Cut(part, ";")
			if readable[strings.ToLower(textproto.TrimString(name))] {
				kept = append(kept, part)
			}
		}
	}
	if len(kept) == 0 {
		return "identity"
	}
	return strings.Join(kept, ", ")
}

// isWebSocket reports whether r asks for a WebSocket (RFC 6455 section 4.1). Only HTTP/1.1 can.
func isWebSocket(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.Method == http.MethodGet && hasToken(r.Header["Connection"], "upgrade") &&
		hasToken(r.Header["Upgrade"], "websocket")
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(textproto.TrimString(part), token) {
				return true
			}
		}
	}
	return false
}
