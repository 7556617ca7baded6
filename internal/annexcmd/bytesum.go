package annexcmd

import (
	"cmp"
	"math/big"
	"math/bits"

	"github.com/stemma-data/stemma/internal/dataset"
)

// byteSum is a sum of sizes. Keys say how large their content is, and nobody
// has checked that: few of them can make more than 64 bits hold.
type byteSum struct{ hi, lo uint64 }

// add takes in n bytes; a negative number is none.
func (b *byteSum) add(n int64) {
	b.plus(byteSum{lo: uint64(max(n, 0))})
}

func (b *byteSum) plus(o byteSum) {
	var carry uint64
	b.lo, carry = bits.Add64(b.lo, o.lo, 0)
	b.hi, _ = bits.Add64(b.hi, o.hi, carry)
}

func (b byteSum) compare(o byteSum) int {
	return cmp.Or(cmp.Compare(b.hi, o.hi), cmp.Compare(b.lo, o.lo))
}

func (b byteSum) big() *big.Int {
	n := new(big.Int).SetUint64(b.hi)
	return n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(b.lo))
}

// String is the number.
func (b byteSum) String() string { return b.big().String() }

// human is the sum in a unit for people: "1.5 kB".
func (b byteSum) human() string {
	f, _ := new(big.Float).SetInt(b.big()).Float64()
	return dataset.HumanBytes(f)
}

// sumOf is a sum of one size.
func sumOf(n int64) (b byteSum) {
	b.add(n)
	return b
}
