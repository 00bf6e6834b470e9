// Package page makes the answers that the proxy gives in its own name: a blocked site, a certificate that is wrong, a
// site that does not answer.
//
// Every answer exists in Dutch and English, as a web page, as a problem document (RFC 9457) and as plain text, chosen by
// the request's Accept-Language and Accept. A page is complete in itself: it runs no script and fetches nothing, so that
// it works in the middle of a site that is not reachable, and so that showing it tells nobody anything.
//
// The package decides nothing and logs nothing. It shows the host that was asked and never a path, a query or a person.
package page
