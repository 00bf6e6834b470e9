package filter

import "time"

// Door is the protocol through which a request came.
type Door uint8

// The doors.
const (
	HTTP    Door = iota + 1 // a request in clear text, or one inside an inspected tunnel
	Connect                 // a tunnel
	DNS                     // a name asked at the resolver
)

// String returns the word used in logs and metrics.
func (d Door) String() string {
	switch d {
	case HTTP:
		return "http"
	case Connect:
		return "connect"
	case DNS:
		return "dns"
	}
	return "unknown"
}

// Request is all that a decision may depend on. It holds no pointer into a connection.
type Request struct {
	Door   Door
	Client Client
	Method string
	Scheme string
	Host   Host
	Port   uint16
	Path   string // escaped, without the query; "" where the door can't see it
	Upload bool
	At     time.Time
}
