package local

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"os"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
)

// Incoming is content that is being put into a Repository.
type Incoming struct {
	repo    *Repository
	key     annexkey.Key
	arrival *annex.Arrival // nil once it has ended
	file    *os.File
	hash    hash.Hash // nil where the key has none
	have    int64
	done    func() // gives back the room that was asked for
}

// errWrong says that content is not what its key stands for.
var errWrong = errors.New("content does not belong to the key (verification failed)")

// Accept prepares for the content of a key that comes from the repository
// uuid. It returns nil where it is there already. Errors: annex.ErrTransferring,
// syscall.ENOSPC.
func (r *Repository) Accept(ctx context.Context, k annexkey.Key, uuid string) (*Incoming, error) {
	if err := k.Safe(); err != nil {
		return nil, err
	}
	if r.has(k) {
		return nil, r.record(ctx, k, annexlog.StatusPresent)
	}
	arrival, err := r.Annex.Arrive(k, uuid)
	if err != nil {
		return nil, err
	}
	missing := int64(-1)
	if k.Size >= 0 {
		missing = max(k.Size-arrival.Offset(), 0)
	}
	done, err := r.room.Take(missing)
	if err != nil {
		arrival.Suspend()
		return nil, err
	}
	in := &Incoming{repo: r, key: k, arrival: arrival, done: done}
	if in.hash, _ = k.Hasher(); in.hash != nil && arrival.Offset() > 0 {
		if err = remote.HashFile(ctx, arrival.Path(), in.hash); err != nil {
			done()
			arrival.Suspend()
			return nil, err
		}
	}
	if in.file, err = os.OpenFile(arrival.Path(), os.O_WRONLY|os.O_APPEND, 0); err != nil {
		done()
		arrival.Suspend()
		return nil, err
	}
	in.have = arrival.Offset()
	return in, nil
}

// has is false for content that a crash has cut off, which is replaced.
func (r *Repository) has(k annexkey.Key) bool {
	object, ok := r.Locate(k)
	if !ok || k.Size < 0 {
		return ok
	}
	fi, err := os.Lstat(object)
	return err == nil && fi.Size() == k.Size
}

// Offset is the number of bytes that are there from before.
func (in *Incoming) Offset() int64 { return in.arrival.Offset() }

// Write appends content; never more than the key allows.
func (in *Incoming) Write(p []byte) (int, error) {
	if in.key.Size >= 0 && in.have+int64(len(p)) > in.key.Size {
		return 0, fmt.Errorf("more than the %d bytes that the key stands for", in.key.Size)
	}
	n, err := in.file.Write(p)
	if in.hash != nil {
		in.hash.Write(p[:n])
	}
	in.have += int64(n)
	return n, err
}

// Finish verifies the content, makes it durable and part of the repository,
// and records it. Content that is wrong is thrown away.
func (in *Incoming) Finish(ctx context.Context) error {
	if in.key.Size >= 0 && in.have < in.key.Size {
		return errWrong // the rest may come later
	}
	defer in.done()
	arrival := in.arrival
	in.arrival = nil
	fi, err := in.file.Stat()
	if err = errors.Join(err, in.file.Close()); err != nil {
		arrival.Suspend()
		return err
	}
	if fi.Size() != in.have || in.hash != nil && !in.key.Verify(in.hash.Sum(nil)) {
		arrival.Discard()
		return errWrong
	}
	if err := arrival.Keep(ctx, fi); err != nil {
		return err
	}
	if err := in.repo.Annex.SyncObjects([]annexkey.Key{in.key}); err != nil {
		return err
	}
	return in.repo.record(ctx, in.key, annexlog.StatusPresent)
}

// Close ends it; content that is not finished is kept for the next attempt.
func (in *Incoming) Close() error {
	if in.arrival == nil {
		return nil
	}
	in.done()
	in.arrival.Suspend()
	in.arrival = nil
	return in.file.Close()
}
