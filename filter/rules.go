package filter

import (
	"net/netip"
	"time"
)

// Rules is the organisation's regulation as this package takes it. [NewPolicy] copies what it needs.
type Rules struct {
	Categories []CategoryRule
	Exceptions []Exception
	Kinds      map[Kind]Category // the category that a kind of download belongs to; other kinds are free
	Internal   Internal
}

// CategoryRule is what happens to requests in one category. See the package comment for which action counts.
type CategoryRule struct {
	Category Category
	Action   Action            // for everybody
	Roles    map[Role]Action   // instead, for who holds the role
	Devices  map[Device]Action // instead, on a device of the class
	Final    bool              // opened only by an exception that names the category
	Splice   bool              // hosts of this category are never inspected
	Article  string            // of the regulation
}

// Exception opens a host, and every name below it, that a list closes.
type Exception struct {
	Host       Host
	Roles      []Role     // none: everybody
	Categories []Category // none: every category that isn't final
	Until      time.Time  // the first moment it no longer holds; zero: no end
	Ref        Ref        // where it is written
}

// Internal is what may be reached although it is private, loopback or otherwise inside.
type Internal struct {
	Names    []Host // and every name below
	Prefixes []netip.Prefix
}
