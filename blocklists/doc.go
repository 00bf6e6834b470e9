// Package blocklists turns lists of names, as people and feeds write them, into a [filter.Snapshot].
//
// It reads files, folders and URLs in three [Format]s, keeps the last good copy of each on disk, watches for changes and
// compiles anew. The starter lists in starter/ are embedded and always loaded beside the configured ones.
//
// Every entry covers the name and all names below it, in every format. That is more than a hosts file says, but a
// category filter that blocks site.example and not nl.site.example is of no use.
//
// What it won't do: decide on a request (filter does), resolve the names of its feeds (the caller's http.Client does),
// or let a bad list replace a good one. A source that is missing, unreadable, empty or not a list leaves the copy that
// was good in force, also after a restart, and the [Report] says so.
package blocklists
