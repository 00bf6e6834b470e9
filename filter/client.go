package filter

import "net/netip"

// Role is a named set of rights, "employee" or "application-administrator". The policy says which exist.
type Role string

// Employee is the role of a client of whom nothing more is known: the one with the fewest rights.
const Employee Role = "employee"

// Device is the class of a device (rules A7, A8, A11).
type Device string

// The device classes. A regulation may bind one and not another: in Zeeland the ban on software holds for PCs and
// laptops, not for loaned phones and tablets.
const (
	DeviceUnknown Device = ""
	ManagedPC     Device = "managed-pc"
	ManagedMobile Device = "managed-mobile"
	BYOD          Device = "byod"
	Server        Device = "server"
	Guest         Device = "guest"
)

// Devices returns every device class that a configuration may name.
func Devices() []Device { return []Device{ManagedPC, ManagedMobile, BYOD, Server, Guest} }

// Client is who asks. It never prints itself, so that a person cannot land in a log by accident.
type Client struct {
	Addr   netip.Addr
	User   string // canonical directory identity, "" when unknown (rule A12: never guessed from an address)
	Roles  []Role
	Device Device
}

// hidden is what a client prints as.
const hidden = "client(hidden)"

// String returns a constant.
func (Client) String() string { return hidden }

// GoString returns a constant.
func (Client) GoString() string { return hidden }

// MarshalText returns a constant, so that JSON, YAML and zap hide the client too.
func (Client) MarshalText() ([]byte, error) { return []byte(hidden), nil }
