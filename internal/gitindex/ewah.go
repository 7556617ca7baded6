package gitindex

import (
	"encoding/binary"
	"math/bits"
)

// bitmap is a set of entry numbers.
type bitmap []uint64

func newBitmap(n int) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bitmap) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitmap) clear(i int)    { b[i/64] &^= 1 << (i % 64) }

func (b bitmap) len() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// each calls fn for each number in the set, in order.
func (b bitmap) each(fn func(i int)) {
	for k, w := range b {
		for ; w != 0; w &= w - 1 {
			fn(64*k + bits.TrailingZeros64(w))
		}
	}
}

// A marker word of git's compressed bitmaps (bitmap-format.txt, appendix A)
// says how often a run word of only zeros or ones is repeated, and how many
// literal words follow it.
const (
	runBits     = 32
	literalBits = 31
	maxRun      = 1<<runBits - 1
	maxLiteral  = 1<<literalBits - 1
)

// readEWAH reads a compressed set of numbers below n from the start of b, and
// tells how many bytes it took; 0 says that there is none.
func readEWAH(b []byte, n int) (set bitmap, used int) {
	if len(b) < 8 {
		return nil, 0
	}
	words := int64(binary.BigEndian.Uint32(b[4:]))
	if words > int64(len(b)-12)/8 {
		return nil, 0
	}
	body := b[8 : 8+8*words]
	set = newBitmap(n)
	at := 0
	for len(body) > 0 {
		marker := binary.BigEndian.Uint64(body)
		body = body[8:]
		run, literals := int64(marker>>1&maxRun), int(marker>>(1+runBits))
		if literals > len(body)/8 || run > int64(len(set)-at) && marker&1 != 0 {
			return nil, 0
		}
		for i := int64(0); marker&1 != 0 && i < run; i++ {
			set[at+int(i)] = ^uint64(0)
		}
		if at += int(min(run, int64(len(set)-at))); literals > len(set)-at {
			return nil, 0
		}
		for range literals {
			set[at] = binary.BigEndian.Uint64(body)
			body, at = body[8:], at+1
		}
	}
	if k := len(set) - 1; n%64 != 0 && set[k]>>(n%64) != 0 {
		return nil, 0
	}
	return set, int(8 + 8*words + 4)
}

// appendEWAH writes the set as git does.
func appendEWAH(out []byte, set bitmap) []byte {
	size, words, last := 0, []uint64(nil), 0
	for i := 0; i < len(set) || words == nil; {
		run := i
		for run < len(set) && set[run] == 0 && run-i < maxRun {
			run++
		}
		end := run
		for end < len(set) && set[end] != 0 && end-run < maxLiteral {
			end++
			size = 64*(end-1) + bits.Len64(set[end-1])
		}
		last = len(words)
		words = append(words, uint64(run-i)<<1|uint64(end-run)<<(1+runBits))
		words = append(words, set[run:end]...)
		i = end
	}
	out = binary.BigEndian.AppendUint32(out, uint32(size))
	out = binary.BigEndian.AppendUint32(out, uint32(len(words)))
	for _, w := range words {
		out = binary.BigEndian.AppendUint64(out, w)
	}
	return binary.BigEndian.AppendUint32(out, uint32(last))
}
