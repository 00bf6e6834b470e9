// Package identity says who asks: the device class and the roles that go with the network of an address, and the user whom
// proxy Basic authentication (RFC 7617) shows.
//
// A network that gives roles speaks for its clients. Otherwise, where users are configured, credentials are required, and
// wrong credentials are refused everywhere. No user is ever inferred from an address (rule A12), and no error names one.
//
// It does not speak HTTP, keeps no session, and knows nothing of what a role may do.
package identity
