package logging

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash"
)

// Pseudonym stands for a person within one month. The zero value stands for nobody in particular: traffic of which the
// person is unknown (rule A12). Only a [Pseudonymiser] makes one.
type Pseudonym struct{ b [12]byte }

// IsZero reports whether p stands for nobody in particular.
func (p Pseudonym) IsZero() bool { return p == Pseudonym{} }

// String returns the pseudonym as 20 lower-case base32 characters.
func (p Pseudonym) String() string { return pseudonymText.EncodeToString(p.b[:]) }

var pseudonymText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// A Pseudonymiser turns identities into pseudonyms under one secret key. An unkeyed hash would protect nobody: a
// municipality has some five hundred logins, all of them guessable. It is not safe for concurrent use.
type Pseudonymiser struct {
	mac    hash.Hash
	prefix []byte
	input  []byte // reused
	sum    [sha256.Size]byte
}

// NewPseudonymiser returns a pseudonymiser for one organisation and one class of identities ("person").
func NewPseudonymiser(key [32]byte, organisation, class string) *Pseudonymiser {
	prefix := appendText([]byte("ps1"), organisation)
	prefix = appendText(prefix, class)
	return &Pseudonymiser{mac: hmac.New(sha256.New, key[:]), prefix: prefix}
}

// Of returns the pseudonym of a canonical directory identity; the zero pseudonym of "".
func (p *Pseudonymiser) Of(identity string) Pseudonym {
	if identity == "" {
		return Pseudonym{}
	}
	p.input = appendText(append(p.input[:0], p.prefix...), identity)
	p.mac.Reset()
	p.mac.Write(p.input)
	var out Pseudonym
	copy(out.b[:], p.mac.Sum(p.sum[:0]))
	if out.IsZero() { // once in 2^96: a person must not become nobody
		out.b[0] = 1
	}
	return out
}

// appendText appends s after its length, so that no two sequences of texts have the same encoding.
func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}
