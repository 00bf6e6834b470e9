package identity

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// maxCredentials bounds the value of a Proxy-Authorization header, in bytes.
const maxCredentials = 4 << 10

// parseBasic returns the user name and the password of the value of a Proxy-Authorization header (RFC 7617): UTF-8, without control
// characters, neither of them empty.
func parseBasic(value string) (name, password string, ok bool) {
	if len(value) > maxCredentials {
		return "", "", false
	}
	scheme, token, ok := strings.Cut(value, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.Trim(token, " "))
	if err != nil || !utf8.Valid(raw) {
		return "", "", false
	}
	for _, c := range raw {
		if c < ' ' || c == 0x7f {
			return "", "", false
		}
	}
	name, password, ok = strings.Cut(string(raw), ":")
	return name, password, ok && name != "" && password != ""
}
