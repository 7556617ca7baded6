package runrec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"slices"

	"github.com/ulikunitz/xz/lzma"
)

// The XZ container is read here and only its LZMA2 data by the library, which
// would allocate whatever dictionary a hostile file asks for (up to 4 GiB).
// Format: "The .xz File Format" 1.0.4, first stream, filter LZMA2 only. The
// blocks carry their check sums; the index at the end is not looked at.

const (
	xzMagic   = "\xfd7zXZ\x00"
	maxXZDict = 64 << 20 // that of xz -9
)

var (
	errXZ      = errors.New("xz: not a valid file")
	errXZDict  = errors.New("xz: dictionary too large")
	errXZLarge = errors.New("xz: unpacked content too large")
)

// unpackXZ returns the content of the first stream in packed, at most limit
// bytes.
func unpackXZ(packed []byte, limit int) ([]byte, error) {
	const header = len(xzMagic) + 2 + 4
	if len(packed) < header || string(packed[:6]) != xzMagic || packed[6] != 0 || !crcFollows(packed[6:8], packed[8:]) {
		return nil, errXZ
	}
	sum, err := xzCheck(packed[7])
	if err != nil {
		return nil, err
	}
	var out []byte
	r := bytes.NewReader(packed[header:])
	for {
		content, more, err := unpackBlock(r, sum, limit-len(out))
		if err != nil || !more {
			return out, err
		}
		out = append(out, content...)
	}
}

func crcFollows(data, rest []byte) bool {
	return len(rest) >= 4 && binary.LittleEndian.Uint32(rest) == crc32.ChecksumIEEE(data)
}

// xzCheck returns the check sum that a stream's flags name; nil for none.
func xzCheck(flags byte) (hash.Hash, error) {
	switch flags {
	case 0:
		return nil, nil
	case 1:
		return crc32.NewIEEE(), nil
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA)), nil
	case 10:
		return sha256.New(), nil
	}
	return nil, errors.New("xz: unknown check sum")
}

// unpackBlock reads one block; more is false where the index begins instead.
func unpackBlock(r *bytes.Reader, sum hash.Hash, limit int) (content []byte, more bool, err error) {
	size, err := r.ReadByte()
	if err != nil {
		return nil, false, errXZ
	}
	if size == 0 {
		return nil, false, nil
	}
	header := make([]byte, (int(size)+1)*4)
	header[0] = size
	if _, err := io.ReadFull(r, header[1:]); err != nil {
		return nil, false, errXZ
	}
	dict, err := blockDict(header)
	if err != nil {
		return nil, false, err
	}
	start := r.Len()
	lz, err := lzma.Reader2Config{DictCap: dict}.NewReader2(r)
	if err != nil {
		return nil, false, err
	}
	content, err = io.ReadAll(io.LimitReader(lz, int64(limit)+1))
	if err != nil {
		return nil, false, err
	}
	if len(content) > limit {
		return nil, false, errXZLarge
	}
	return content, true, verifyBlock(r, (start-r.Len())%4, content, sum)
}

// verifyBlock reads padding and check sum after n (modulo 4) bytes of data.
func verifyBlock(r *bytes.Reader, n int, content []byte, sum hash.Hash) error {
	pad := (4 - n) % 4
	var want []byte
	if sum != nil {
		sum.Reset()
		sum.Write(content)
		want = sum.Sum(nil)
		if sum.Size() <= crc64.Size {
			slices.Reverse(want) // CRCs are stored low byte first
		}
	}
	got := make([]byte, pad+len(want))
	if _, err := io.ReadFull(r, got); err != nil {
		return errXZ
	}
	if !bytes.Equal(got[pad:], want) {
		return errors.New("xz: check sum does not match")
	}
	return nil
}

// blockDict returns the dictionary size that a block header asks for.
func blockDict(header []byte) (int, error) {
	body := header[:len(header)-4]
	if !crcFollows(body, header[len(body):]) {
		return 0, errXZ
	}
	flags, rest := body[1], body[2:]
	if flags&0x3f != 0 {
		return 0, errors.New("xz: filters other than LZMA2 are not supported")
	}
	for _, bit := range []byte{0x40, 0x80} { // packed and unpacked size
		if flags&bit == 0 {
			continue
		}
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return 0, errXZ
		}
		rest = rest[n:]
	}
	const lzma2 = 0x21
	if len(rest) < 3 || rest[0] != lzma2 || rest[1] != 1 {
		return 0, errXZ
	}
	dict, err := lzma.DecodeDictCap(rest[2])
	if err != nil {
		return 0, err
	}
	if dict > maxXZDict {
		return 0, errXZDict
	}
	return int(dict), nil
}
