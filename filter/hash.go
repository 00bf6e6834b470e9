package filter

import "math/bits"

// The names of a snapshot are addressed by a seeded 64-bit hash that is built label by label from the root, so that one
// pass over a name gives the hashes of all its suffixes. The seed is random for each snapshot: who registers names can't
// aim for collisions.
const (
	fold1 = 0x9e3779b97f4a7c15
	fold2 = 0xd6e8feb86659fd93
	fold3 = 0xa0761d6478bd642f
)

// mix returns the hash of label.parent, given the hash of parent (of the root: the seed).
func mix[T string | []byte](parent uint64, label T) uint64 {
	h := fold(parent^uint64(len(label)), fold1)
	for ; len(label) >= 8; label = label[8:] {
		h = fold(h^(load4(label)|load4(label[4:])<<32), fold2)
	}
	if len(label) > 0 {
		h = fold(h^tail(label), fold3)
	}
	return h
}

// fold is the multiply-and-fold of wyhash: both halves of the 128-bit product.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// load4 returns the first 4 bytes of s as a little-endian number, in a form that the compiler makes one load of.
func load4[T string | []byte](s T) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// tail returns the 1-7 bytes of s as a number, another for all s of one length.
func tail[T string | []byte](s T) uint64 {
	n := len(s)
	if n >= 4 {
		return load4(s) | load4(s[n-4:])<<32
	}
	return uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
}

// hashName returns the hash of a whole canonical name.
func hashName[T string | []byte](seed uint64, name T) uint64 {
	h, end := seed, len(name)
	for end > 0 {
		start := end
		for start > 0 && name[start-1] != '.' {
			start--
		}
		h = mix(h, name[start:end])
		end = start - 1
	}
	return h
}

// hashWhole returns bits of a name that have nothing to do with hashName: two names with one hash differ in these.
func hashWhole(seed uint64, name []byte) uint16 { return uint16(mix(^seed, name)) }
