// Package blocklists turns lists of names, as people and feeds write them, into a [filter.Snapshot].
//
// It reads files, folders and URLs in the formats of [Formats], plain, compressed or in an archive, keeps the last good
// copy of each on disk, watches for changes and compiles anew. The starter lists in starter/ are embedded and always loaded
// beside the configured ones.
//
// Every entry covers the name and all names below it, in every format but for "full:" of [V2Fly]. That is more than a hosts
// file says, but a category filter that blocks site.example and not nl.site.example is of no use. A line that blocks only
// sometimes, or doesn't block (an exception, a redirection, an option that narrows), is a complaint and no entry.
//
// What it won't do: decide on a request (filter does), resolve the names of its feeds (the caller's http.Client does),
// or let a bad list replace a good one. A source that is missing, unreadable, empty, not a list, or for more than 5 % not
// usable leaves the copy that was good in force, also after a restart, and the [Report] says so.
package blocklists
