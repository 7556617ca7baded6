package local

import (
	"context"
	"io"
	"os"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/p2p"
	"github.com/stemma-data/stemma/internal/remote"
)

// Served is a Repository as a client of the P2P protocol sees it.
type Served struct {
	*Repository
	Client string // UUID of the client's repository
}

// Present implements p2p.Repository.
func (s Served) Present(_ context.Context, k annexkey.Key) (bool, error) { return s.Store.Present(k) }

// Lock implements p2p.Repository.
func (s Served) Lock(_ context.Context, k annexkey.Key) (p2p.Lock, error) {
	l, err := s.Share(k)
	if err != nil {
		return nil, err
	}
	return servedLock{l}, nil
}

type servedLock struct{ *ContentLock }

func (l servedLock) Release(clean bool) {
	if clean {
		l.ContentLock.Release()
	} else {
		l.Retain()
	}
}

// Remove implements p2p.Repository.
func (s Served) Remove(ctx context.Context, k annexkey.Key, still func() error) error {
	return s.Delete(ctx, k, still)
}

// Receive implements p2p.Repository.
func (s Served) Receive(ctx context.Context, k annexkey.Key) (p2p.Incoming, error) {
	in, err := s.Accept(ctx, k, s.Client)
	if in == nil {
		return nil, err
	}
	return in, nil
}

// Open implements p2p.Repository.
func (s Served) Open(_ context.Context, k annexkey.Key, offset int64) (p2p.Outgoing, error) {
	object, ok := s.Locate(k)
	if !ok {
		return nil, remote.ErrAbsent
	}
	return readObject(object, offset)
}

// Object is content that is read from a place on.
type Object struct {
	*os.File
	before os.FileInfo
	rest   int64
}

// readObject opens the file for reading from offset on.
func readObject(path string, offset int64) (*Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && offset > fi.Size() {
		offset = fi.Size()
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Object{f, fi, fi.Size() - offset}, nil
}

// Size is the number of bytes from the offset to the end.
func (o *Object) Size() int64 { return o.rest }

// Unmodified reports whether nobody has written to the file since.
func (o *Object) Unmodified() bool {
	return fsx.Unchanged(o.File, o.before) == nil
}
