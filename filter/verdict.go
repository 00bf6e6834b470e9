package filter

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
)

// Action is what happens to a request. The zero Action blocks, and of two actions the lower is the stricter.
type Action uint8

// The actions, strictest first.
const (
	Block Action = iota
	Coach
	Limit
	Allow
)

// String returns the word used in policies, logs and explanations.
func (a Action) String() string {
	switch a {
	case Block:
		return "block"
	case Coach:
		return "coach"
	case Limit:
		return "limit"
	case Allow:
		return "allow"
	}
	return "unknown"
}

// ParseAction is the inverse of [Action.String].
func ParseAction(s string) (Action, bool) {
	for a := Block; a <= Allow; a++ {
		if a.String() == s {
			return a, true
		}
	}
	return Block, false
}

// Reason is why a verdict is what it is: a closed set, never prose.
type Reason uint8

// The reasons. The zero Reason belongs to a verdict that nobody gave.
const (
	NotDecided      Reason = iota
	Malformed              // the request could not be read
	InternalAddress        // the destination is inside, and the organisation did not open it
	Listed                 // a list holds the host or URL
	Excepted               // an exception of the policy covers the host
	Content                // the bytes, the name or the type of a download
	Unlisted               // nothing names it
)

// String returns the word used in logs and explanations.
func (r Reason) String() string {
	switch r {
	case NotDecided:
		return "not-decided"
	case Malformed:
		return "malformed"
	case InternalAddress:
		return "internal-address"
	case Listed:
		return "listed"
	case Excepted:
		return "excepted"
	case Content:
		return "content"
	case Unlisted:
		return "unlisted"
	}
	return "unknown"
}

// Category is the subject of a list and of a rule: "porn", "gambling".
type Category string

// The categories that the program itself names. A policy may add others, up to [MaxCategories].
const (
	Software     Category = "software"
	NeverInspect Category = "never-inspect"
)

// Kind is what the bytes of a download are, in the words of filter/content. This package knows kinds only as the keys of
// [Rules.Kinds].
type Kind string

// Ref is the line that decided. Text is the entry in canonical form.
type Ref struct {
	List string
	Line int // from 1; 0 where the rule has no line
	Text string
}

// Digest names one compiled snapshot. Snapshots of the same lists have the same digest.
type Digest [8]byte

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Verdict is a decision with its reason. It is comparable, printable and the same shape at every door. The zero Verdict
// blocks.
type Verdict struct {
	Action   Action
	Reason   Reason
	Splice   bool // the host must not be inspected; the zero value inspects
	Category Category
	Rule     Ref
	Article  string // of the regulation, for the block page
	Lists    Digest // the snapshot that was asked
}

// Blocked reports whether the request must not pass.
func (v Verdict) Blocked() bool { return v.Action == Block }

// Reference returns the number that a block page shows: "KS-" and two groups of four letters and digits. It names the rule
// that decided and nobody who met it, so the service desk finds the rule by asking the same question of explain.
func (v Verdict) Reference() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s\x00%d\x00%s\x00%s",
		v.Reason, v.Category, v.Rule.List, v.Rule.Line, v.Rule.Text, v.Article))
	code := referenceCode.EncodeToString(sum[:5])
	return "KS-" + code[:4] + "-" + code[4:]
}

// referenceCode has no letters that are mistaken for digits over the telephone (Crockford's alphabet).
var referenceCode = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)
