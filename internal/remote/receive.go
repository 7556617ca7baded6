package remote

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// SizeError says that a remote sent more or fewer bytes than the key stands for.
type SizeError struct {
	Key        annexkey.Key
	Have, Want int64 // bytes; Have is what had come when it was given up
	// All says that the remote has no more than came, so that it is not the
	// transfer that broke off.
	All bool
}

// AllThere says of a SizeError in err that the remote has no more than came.
func AllThere(err error) error {
	if size, ok := errors.AsType[*SizeError](err); ok {
		size.All = true
	}
	return err
}

// Wrong says that what the remote has is not of the size that it should be.
func (e *SizeError) Wrong() bool { return e.All || e.Have > e.Want }

func (e *SizeError) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("it sends more than the %d bytes that the key stands for", e.Want)
	}
	return fmt.Sprintf("it sent %d bytes of %d", e.Have, e.Want)
}

const receiveBuffer = 256 << 10

// Receive writes what r has to the file dst, which is made if it is missing and
// else continued where it ends, at offset bytes. What is written goes through
// h, which may be nil. Never more is written than the key allows (see Bound).
// After an error a file that was made is removed, and one that was there keeps
// what has arrived.
func Receive(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash, r io.Reader) error {
	f, err := os.OpenFile(dst, os.O_WRONLY|os.O_APPEND, 0)
	made := offset == 0 && errors.Is(err, fs.ErrNotExist)
	if made {
		f, err = os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if err != nil {
		return err
	}
	err = errors.Join(receive(ctx, k, f, offset, h, r), f.Close())
	if err != nil && made {
		os.Remove(dst)
	}
	return err
}

func receive(ctx context.Context, k annexkey.Key, f io.Writer, have int64, h hash.Hash, r io.Reader) error {
	most, bounded := Bound(ctx, k)
	if h != nil {
		f = io.MultiWriter(f, h)
	}
	buf := make([]byte, receiveBuffer)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if bounded && have+int64(n) > most {
			return &SizeError{Key: k, Have: have + int64(n), Want: most}
		}
		have += int64(n)
		if _, werr := f.Write(buf[:n]); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if k.ChunkNum < 0 && k.Size >= 0 && have < k.Size {
		return &SizeError{Key: k, Have: have, Want: k.Size}
	}
	return nil
}

// MovedReader tells c.Moved what is read from r.
func (c Content) MovedReader(r io.Reader) io.Reader {
	if c.Moved == nil {
		return r
	}
	return &movedReader{r, c.Moved}
}

type movedReader struct {
	io.Reader
	moved func(int64)
}

func (m *movedReader) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	if n > 0 {
		m.moved(int64(n))
	}
	return n, err
}

// Report tells c.Moved, if there is one, that n more bytes are there.
func (c Content) Report(n int64) {
	if c.Moved != nil && n > 0 {
		c.Moved(n)
	}
}

// HashFile sends a file through h, which may be nil.
func HashFile(ctx context.Context, path string, h hash.Hash) error {
	if h == nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, receiveBuffer)
	for {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
}

// HashFetched is HashFile for a file that was just fetched: after an error it is
// removed.
func HashFetched(ctx context.Context, path string, h hash.Hash) error {
	err := HashFile(ctx, path, h)
	if err != nil {
		os.Remove(path)
	}
	return err
}
