package logging

import "time"

// Outcome is what became of an exchange, in the words of the record.
type Outcome uint8

// The outcomes. The numbers are on disk: never reuse one.
const (
	Blocked Outcome = 1
	Coached Outcome = 2
	Limited Outcome = 3
	Allowed Outcome = 4
)

// String returns the word used in reports.
func (o Outcome) String() string {
	switch o {
	case Blocked:
		return "blocked"
	case Coached:
		return "coached"
	case Limited:
		return "limited"
	case Allowed:
		return "allowed"
	}
	return "unknown"
}

// Event is one finished exchange as a door knows it. It lives in memory only: what may reach the disk is a [Record].
type Event struct {
	At       time.Time
	Identity string // canonical directory identity; "" when unknown. Never written: it becomes a pseudonym
	Host     string // canonical host. Never written whole: it becomes a registrable domain
	Category string // "" when no list holds the host
	Outcome  Outcome
	Door     string // "http", "connect", "dns"
	Device   string
	Rule     string // the list and line, or the policy rule, that decided; no host in it
	Up       int64  // bytes from the client
	Down     int64  // bytes to the client
	Counted  bool   // counters only, no pseudonymous row: guests and protected persons (rules A11, G1)
}

// MarshalText returns [Outcome.String].
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
