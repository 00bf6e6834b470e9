package filter

import "math/bits"

// The names of a snapshot are addressed by a seeded 64-bit hash that is built label by label from the root, so that one
// pass over a name gives the hashes of all its suffixes. The seed is random for each snapshot: who registers names can't
// aim for collisions. Two different names share a hash with a chance of 2^-64 a pair.
const (
	fold1 = 0x9e3779b97f4a7c15
	fold2 = 0xd6e8feb86659fd93
	fold3 = 0xa0761d6478bd642f
)

// mix returns the hash of label.parent, given the hash of parent (of the root: the seed).
func mix[T string | []byte](parent uint64, label T) uint64 {
	h := fold(parent^uint64(len(label)), fold1)
	for ; len(label) >= 8; label = label[8:] {
		h = fold(h^load(label, 8), fold2)
	}
	if len(label) > 0 {
		h = fold(h^load(label, len(label)), fold3)
	}
	return h
}

// fold is the multiply-and-fold of wyhash: both halves of the 128-bit product.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// load returns the first n <= 8 bytes of s as a little-endian number.
func load[T string | []byte](s T, n int) uint64 {
	var x uint64
	for i := range n {
		x |= uint64(s[i]) << (8 * i)
	}
	return x
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
