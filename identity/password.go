package identity

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/secure/precis"
)

// Bounds of what a hash in the configuration may cost to verify: at the most some seconds, and 1 GiB.
const (
	maxHash       = 256     // bytes of text
	maxBcryptCost = 15      // two to the power of
	maxMemory     = 1 << 20 // KiB
	maxIterations = 16
	minSalt       = 8  // bytes
	minKey        = 16 // bytes; an empty key would fit every password
	maxPassword   = 1024
)

var (
	errHashForm     = errors.New(`neither bcrypt nor argon2id; "keersluis user hash" makes one`)
	errBcrypt       = fmt.Errorf("not a bcrypt hash of cost 4 to %d", maxBcryptCost)
	errArgon        = errors.New("not an argon2id hash of version 19 in PHC form")
	errArgonBounds  = fmt.Errorf("argon2id wants m from 8 × p to %d, t from 1 to %d and p of 1 or more", maxMemory, maxIterations)
	errArgonLengths = fmt.Errorf("argon2id wants a salt of %d to 64 bytes and a key of %d to 64", minSalt, minKey)
	errPassword     = fmt.Errorf("a password has 1 to %d bytes of UTF-8 and no control characters", maxPassword)
)

// bcryptForm is the form of a bcrypt hash: version, cost, salt of 22 characters, key of 31.
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

// passwordHash is a hash that was checked: it can be verified within bounds.
type passwordHash struct {
	text   string
	argon2 bool
}

// parseHash checks a hash. Its errors don't repeat any of it.
func parseHash(s string) (passwordHash, error) {
	switch {
	case len(s) > maxHash:
		return passwordHash{}, errHashForm
	case strings.HasPrefix(s, "$2"):
		cost, err := bcrypt.Cost([]byte(s))
		if err != nil || !bcryptForm.MatchString(s) || cost < bcrypt.MinCost || cost > maxBcryptCost {
			return passwordHash{}, errBcrypt
		}
		return passwordHash{text: s}, nil
	case strings.HasPrefix(s, "$argon2id$"):
		p, _, _, err := argon2id.DecodeHash(s)
		switch {
		case err != nil:
			return passwordHash{}, errArgon
		case p.Iterations < 1 || p.Iterations > maxIterations || p.Parallelism < 1 ||
			p.Memory < 8*uint32(p.Parallelism) || p.Memory > maxMemory:
			return passwordHash{}, errArgonBounds
		case p.SaltLength < minSalt || p.SaltLength > 64 || p.KeyLength < minKey || p.KeyLength > 64:
			return passwordHash{}, errArgonLengths
		}
		return passwordHash{text: s, argon2: true}, nil
	}
	return passwordHash{}, errHashForm
}

// verify reports whether the password, prepared, is the one that was hashed. It takes milliseconds to seconds.
func (h passwordHash) verify(password string) bool {
	if h.argon2 {
		ok, err := argon2id.ComparePasswordAndHash(password, h.text)
		return err == nil && ok
	}
	return bcrypt.CompareHashAndPassword([]byte(h.text), []byte(password)) == nil
}

// prepare returns the form in which a password is hashed: RFC 8265 OpaqueString, as RFC 7617 section 2.1 has it, so that it
// doesn't matter how a keyboard composes an accent.
func prepare(password string) (string, error) {
	if len(password) > maxPassword || !utf8.ValidString(password) {
		return "", errPassword
	}
	p, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", errPassword
	}
	return p, nil
}

// HashPassword returns the argon2id hash of a password, in PHC form. It costs 19 MiB and some tens of milliseconds: the
// first of the settings that OWASP's password storage cheat sheet recommends with one lane, as memory here is shared with the lists.
func HashPassword(password string) (string, error) {
	p, err := prepare(password)
	if err != nil {
		return "", err
	}
	hash, err := argon2id.CreateHash(p, &argon2id.Params{
		Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32,
	})
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}
