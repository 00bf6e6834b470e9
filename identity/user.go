package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/secure/precis"
)

// maxName bounds a user name, in bytes.
const maxName = 256

var (
	errNameEmpty = errors.New("a user has a name")
	errNameLong  = fmt.Errorf("a user name has at most %d bytes", maxName)
	errNameChar  = errors.New("holds a character that no user name has (RFC 8265)")
)

// canonicalName returns the form in which two spellings of one name are equal. Its errors don't repeat the name.
func canonicalName(s string) (string, error) {
	switch {
	case s == "":
		return "", errNameEmpty
	case len(s) > maxName:
		return "", errNameLong
	case strings.ContainsRune(s, ':'): // it would end the name in Basic credentials
		return "", errNameChar
	}
	name, err := precis.UsernameCaseMapped.String(s)
	if err != nil {
		return "", errNameChar
	}
	return name, nil
}

// newAccounts checks the users. Rule A12: an account is one person's; what is evidently shared is refused.
func newAccounts(users []User, ps *Problems) []*account {
	accounts := make([]*account, 0, len(users))
	names, hashes := make(map[string]int, len(users)), make(map[string]int, len(users))
	for i, u := range users {
		path := fmt.Sprintf("users[%d]", i)
		name, err := canonicalName(u.Name)
		if err != nil {
			ps.add(path+".name", "%v", err)
		} else if j, ok := names[name]; ok {
			ps.add(path+".name", "the same name as users[%d]", j)
		} else if shared(name) {
			ps.add(path+".name", "a shared account; accounts are personal (rule A12), so give each person one, "+
				"or give the network a role")
		} else {
			names[name] = i
		}
		hash, err := parseHash(u.PasswordHash)
		if err != nil {
			ps.add(path+".password_hash", "%v", err)
		} else if j, ok := hashes[u.PasswordHash]; ok {
			ps.add(path+".password_hash", "the same hash as users[%d]; a password is one person's (rule A12)", j)
		} else {
			hashes[u.PasswordHash] = i
		}
		accounts = append(accounts, &account{name: name, hash: hash, roles: union(u.Roles, nil)})
	}
	return accounts
}

// shared reports whether a canonical name is that of an account for several people: one of a few Dutch and English words,
// with or without a number and a domain. A person called Gast has initials too, so only the whole name counts.
func shared(name string) bool {
	if _, after, ok := strings.Cut(name, `\`); ok {
		name = after
	}
	name, _, _ = strings.Cut(name, "@")
	name = strings.Trim(name, "0123456789.-_")
	return slices.Contains([]string{
		"algemeen", "anoniem", "anonymous", "balie", "bezoeker", "bezoekers", "everyone", "gast", "gasten", "gedeeld",
		"guest", "guests", "iedereen", "public", "publiek", "shared", "visitor", "visitors",
	}, name)
}
