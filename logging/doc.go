// Package logging keeps the traffic log, and sets up the operational log beside it.
//
// A door hands every finished exchange to [Store.Record] as an [Event]. One goroutine, [Store.Run], turns events into
// [Record] values, adds up those that differ in nothing but size, and writes what changed once a second: one bbolt file
// per local calendar day, one transaction per file. A file lives for the retention (at most six calendar months, rules
// H1, H2, H6) and is then unlinked; nothing can keep it longer.
//
// What a Record may hold is closed: no address, login, full host, path or query reaches the disk. Persons appear under a
// pseudonym that holds for one month and cannot be linked over months once the month's key is gone.
//
// What the store does not do: it doesn't decide who may read (that is package audit, the only caller of [Store.Read]), it
// never makes a door wait, and it doesn't promise the last second before a crash. It promises that a shutdown loses
// nothing and that every loss is counted in [Stats].
package logging

import _ "time/tzdata" // days are Dutch days, also in an image without zone files
