// Package filter decides what may pass.
//
// The package is pure: it opens no file and no connection, reads no clock, starts no goroutine and writes no log. Lists
// go in through [Compile] and become a [Snapshot]; the organisation's rules and a snapshot become a [Policy]; a
// [Request] put to [Policy.Decide] comes back as a [Verdict], a plain value that carries its reason.
//
// # Order of precedence
//
// The first line that applies decides:
//
//  1. A request without a host, or one that could not be read, is blocked ([Malformed]).
//  2. An address literal that is internal (loopback, private, link-local, …) is blocked unless the organisation named it
//     as internal ([InternalAddress]). The addresses behind a name are asked separately: [Policy.DecideAddr].
//  3. An exception for one of the client's roles: of several, the one with the most labels in its host.
//  4. An exception for everybody, likewise.
//  5. The lists. A name belongs to the categories of every entry that is the name itself or an ancestor of it, and, where
//     the path is known, of every URL rule that is a prefix of it. Of these categories the strictest action counts:
//     block, coach, limit, allow. Of equal actions the most specific entry is the one named.
//  6. What no line names is allowed ([Unlisted]).
//
// For one category, of the roles that the client holds and the rule names the most permissive counts (a role adds
// rights); without such a role the action for the client's device class; else the action for everybody. A category
// marked final (malware) is opened only by an exception that names it.
//
// A category marked never-inspect speaks besides: its hosts are spliced whatever else is decided.
package filter
