package git

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/zlib"
)

// inflater unpacks objects, one after the other, in the same buffers. The zero
// value is ready for use.
type inflater struct {
	z  io.ReadCloser
	in bytes.Reader
}

// exactly unpacks data that stands at the beginning of packed and has n bytes.
func (f *inflater) exactly(packed []byte, n int) ([]byte, error) {
	if err := f.begin(packed); err != nil {
		return nil, err
	}
	out := make([]byte, n)
	if _, err := io.ReadFull(f.z, out); err != nil {
		return nil, errNotNative
	}
	// The end says whether that was all, and whether the checksum is right.
	var more [1]byte
	if k, err := f.z.Read(more[:]); k > 0 || err != io.EOF {
		return nil, errNotNative
	}
	return out, nil
}

func (f *inflater) begin(packed []byte) (err error) {
	f.in.Reset(packed)
	if f.z == nil {
		f.z, err = zlib.NewReader(&f.in)
	} else {
		err = f.z.(zlib.Resetter).Reset(&f.in, nil)
	}
	if err != nil {
		f.z = nil
		return errNotNative
	}
	return nil
}
