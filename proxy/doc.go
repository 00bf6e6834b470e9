// Package proxy is the HTTP door: it turns proxy requests and tunnels into [filter.Request]s, asks the gate, and turns
// the verdict back into HTTP.
//
// A request in clear text, a request inside an inspected tunnel and a tunnel that is let through unread all come in at
// one listener. Inside an inspected tunnel every request is decided by itself, on the host that will really be dialled.
// The engine is goproxy, in the arrangement that docs/adr describes: it calls the hooks and the round tripper; listening,
// authentication, TLS, dialling, and writing to the client are ours.
//
// Connections to origins are shared by all clients. A login that counts for a connection (NTLM, Negotiate) gives the
// client's connection ones of its own, which end with it: over HTTP/1.1, and one for each origin, so that requests on one
// HTTP/2 connection of a client then wait for each other. A proxy in front of this one that sends the requests of several
// people over one connection, without saying by Proxy-Authorization whose they are, must not do so after such a login.
//
// The package decides nothing, resolves no name by itself and keeps no traffic log. What it writes to the operational log
// are constant messages without a name, an address or a URL.
package proxy
