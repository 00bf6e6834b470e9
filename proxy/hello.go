package proxy

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
)

const (
	recordHandshake  = 22
	helloType        = 1
	extensionSNI     = 0
	extensionECH     = 0xfe0d
	maxHello         = 24 << 10 // bytes of records that a ClientHello may take; a real one takes below 3 kB
	maxHelloFragment = 16 << 10 // of one record (RFC 8446 section 5.1)
)

var (
	errNotTLS = errors.New("not a TLS handshake")
	errHello  = errors.New("malformed ClientHello")
)

// hello is what a tunnel needs of a ClientHello (RFC 8446 section 4.1.2).
type hello struct {
	serverName string // as sent; "" when there is none
	ech        bool   // the extension is there, which proves nothing: browsers send a mock one
}

// parseHello reads the ClientHello at the start of b. When b ends before it does, more is true and b is right so far.
func parseHello(b []byte) (h hello, more bool, err error) {
	message, more, err := joinRecords(b)
	if more || err != nil {
		return hello{}, more, err
	}
	var random, session, suites, compression, extensions cryptobyte.String
	var version uint16
	s := cryptobyte.String(message)
	if !s.ReadUint16(&version) || version < 0x0300 || !s.ReadBytes((*[]byte)(&random), 32) ||
		!s.ReadUint8LengthPrefixed(&session) || !s.ReadUint16LengthPrefixed(&suites) ||
		!s.ReadUint8LengthPrefixed(&compression) {
		return hello{}, false, errHello
	}
	if s.Empty() {
		return hello{}, false, nil // before TLS 1.2 a hello may end here
	}
	if !s.ReadUint16LengthPrefixed(&extensions) || !s.Empty() {
		return hello{}, false, errHello
	}
	return parseExtensions(extensions)
}

func parseExtensions(extensions cryptobyte.String) (h hello, _ bool, _ error) {
	named := false
	for !extensions.Empty() {
		var kind uint16
		var body cryptobyte.String
		if !extensions.ReadUint16(&kind) || !extensions.ReadUint16LengthPrefixed(&body) {
			return hello{}, false, errHello
		}
		switch kind {
		case extensionSNI:
			name, ok := parseServerName(body)
			if !ok || named {
				return hello{}, false, errHello
			}
			h.serverName, named = name, true
		case extensionECH:
			h.ech = true
		}
	}
	return h, false, nil
}

// parseServerName reads the one host name of a server_name extension (RFC 6066 section 3).
func parseServerName(body cryptobyte.String) (string, bool) {
	var list, name cryptobyte.String
	var kind uint8
	if !body.ReadUint16LengthPrefixed(&list) || !body.Empty() || !list.ReadUint8(&kind) || kind != 0 ||
		!list.ReadUint16LengthPrefixed(&name) || !list.Empty() || name.Empty() {
		return "", false
	}
	return string(name), true
}

// joinRecords returns the body of the first handshake message, put together from the records it is spread over.
func joinRecords(b []byte) (message []byte, more bool, err error) {
	if len(b) > maxHello {
		return nil, false, errHello
	}
	for s := cryptobyte.String(b); ; {
		var kind uint8
		var version uint16
		var fragment cryptobyte.String
		if !s.ReadUint8(&kind) {
			return nil, true, nil
		}
		if kind != recordHandshake {
			return nil, false, errNotTLS
		}
		if len(s) > 0 && s[0] != 3 {
			return nil, false, errNotTLS
		}
		if len(s) >= 4 && int(s[2])<<8|int(s[3]) > maxHelloFragment || len(s) >= 4 && s[2] == 0 && s[3] == 0 {
			return nil, false, errHello
		}
		if !s.ReadUint16(&version) || !s.ReadUint16LengthPrefixed(&fragment) {
			return nil, true, nil
		}
		message = append(message, fragment...)
		if message[0] != helloType {
			return nil, false, errHello
		}
		if len(message) < 4 {
			continue
		}
		size := int(message[1])<<16 | int(message[2])<<8 | int(message[3])
		if size > maxHello {
			return nil, false, errHello
		}
		if len(message) >= 4+size {
			return message[4 : 4+size], false, nil
		}
	}
}

// sniff says what protocol begins with b.
type sniff uint8

// The protocols that a tunnel may carry.
const (
	sniffMore  sniff = iota // b is too short to tell
	sniffTLS                // a TLS handshake
	sniffHTTP               // an HTTP/1 request: a token in capitals and a space
	sniffOther              // anything else: SSH, a VPN, a protocol in which the server speaks first
)

const maxMethod = 16 // bytes of the longest method that a tunnel may begin with

func sniffProtocol(b []byte) sniff {
	if len(b) == 0 {
		return sniffMore
	}
	if b[0] == recordHandshake {
		return sniffTLS
	}
	for i, c := range b {
		switch {
		case c == ' ' && i > 2:
			return sniffHTTP
		case c < 'A' || c > 'Z' || i == maxMethod:
			return sniffOther
		}
	}
	return sniffMore
}
