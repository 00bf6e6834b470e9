// Package portal is what the program shows of itself on a listener of its own: its state, and the files that a browser needs
// to use it (the proxy configuration, the root certificate, the revocation list).
//
// It changes nothing, keeps no session and sets no cookie. It names no person and no site that a person visited, so
// everybody who reaches the listener may read all of it.
package portal
