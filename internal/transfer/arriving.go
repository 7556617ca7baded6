package transfer

import (
	"context"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// resumeFrom is the size in bytes from which a broken transfer is worth being
// continued: what is kept of it, and the locks that this needs, cost as much as
// a small file itself.
const resumeFrom = 1 << 20

// arriving is a large key's content on its way: it may come in pieces, from
// several remotes, and go on where an earlier process ended.
type arriving struct {
	g    *Getter
	key  annexkey.Key
	a    *annex.Arrival
	have int64     // bytes in the file
	hash *pipeHash // of just these bytes; nil where the key has no hash
	old  bool      // some bytes were there before the present attempt
}

// otherTransfer is how often it is looked whether another process that fetches
// the same content has ended.
const otherTransfer = 200 * time.Millisecond

// arrive prepares for the content. It returns nil if another process has
// fetched it meanwhile.
func (g *Getter) arrive(ctx context.Context, k annexkey.Key, from remote.Remote) (*arriving, error) {
	for {
		a, err := g.Annex.Arrive(k, from.UUID())
		if err == nil {
			return &arriving{g: g, key: k, a: a, have: a.Offset()}, nil
		}
		if !errors.Is(err, annex.ErrTransferring) {
			return nil, err
		}
		if g.Annex.Has(k) {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(otherTransfer):
		}
	}
}

// from continues with a remote and, if the content is complete and intact,
// makes it part of the annex.
func (b *arriving) from(ctx context.Context, r remote.Remote) error {
	if err := b.refill(ctx); err != nil {
		return err
	}
	b.old = b.have > 0
	if b.key.Size < 0 || b.have < b.key.Size {
		if err := b.fetch(ctx, r); err != nil {
			return err
		}
	}
	fi, err := b.verify()
	var damaged *DamagedError
	if errors.As(err, &damaged) && b.old {
		// The fault may lie in what was there before: once more, all of it.
		if err = b.restart(); err == nil {
			return b.from(ctx, r)
		}
	}
	if err != nil {
		return err
	}
	return b.a.Keep(ctx, fi)
}

// fetch appends what the remote has beyond what is there. The bytes that
// arrived stay, whatever happens, as long as the hash has seen them as well.
func (b *arriving) fetch(ctx context.Context, r remote.Remote) error {
	resumer, ok := remote.As[remote.Resumer](r)
	if !ok {
		return b.fetchWhole(ctx, r)
	}
	w := newWatch(ctx, b.key, r, b.g.Stall, begin(b.g.Progress, b.key, r))
	w.start(b.a.Path(), b.have)
	err := w.end(resumer.FetchFrom(w.ctx, b.key, b.a.Path(), b.have, counted{b.inner(), w}))
	w.meter.End(err)
	if err := errors.Join(err, b.settle(w.moved.Load())); err != nil {
		return err
	}
	if b.have < b.key.Size {
		return &remote.SizeError{Key: b.key, Have: b.have, Want: b.key.Size}
	}
	return nil
}

func (b *arriving) inner() hash.Hash {
	if b.hash == nil {
		return nil
	}
	return b.hash
}

// settle takes in what an attempt has left in the file.
func (b *arriving) settle(hashed int64) error {
	fi, err := os.Lstat(b.a.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return b.restart() // the remote has cleared it away
	}
	if err != nil {
		return err
	}
	grown := fi.Size() - b.have
	if b.key.Size >= 0 && fi.Size() > b.key.Size || grown < 0 {
		return b.restart()
	}
	b.have = fi.Size()
	if grown != hashed {
		b.drop() // what was hashed is not what was written: read it again
	}
	return nil
}

// fetchWhole is for remotes that can only deliver from the start. What is there
// stays until the whole has come.
func (b *arriving) fetchWhole(ctx context.Context, r remote.Remote) error {
	tmp := b.g.temp()
	h := newPipeOf(b.key)
	defer h.stop()
	if err := b.g.fetchInto(ctx, b.key, r, tmp, h.orNil()); err != nil {
		return err
	}
	b.drop()
	if err := os.Rename(tmp, b.a.Path()); err != nil {
		os.Remove(tmp)
		return err
	}
	fi, err := os.Lstat(b.a.Path())
	if err == nil {
		b.have, b.old = fi.Size(), false
		err = b.refill(ctx)
	}
	return err
}

// refill makes the hash of what is there, if there is none.
func (b *arriving) refill(ctx context.Context) error {
	if b.hash != nil {
		return nil
	}
	h := newPipeOf(b.key)
	if h == nil || b.have == 0 {
		b.hash = h
		return nil
	}
	f, err := os.Open(b.a.Path())
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, refillBuffer)
	for left := b.have; left > 0; {
		n, err := f.Read(buf[:min(left, refillBuffer)])
		h.Write(buf[:n])
		left -= int64(n)
		if errors.Is(err, io.EOF) && left > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err = errors.Join(err, ctx.Err()); err != nil && left > 0 {
			h.stop()
			return err
		}
	}
	b.hash = h
	return nil
}

const refillBuffer = 1 << 20

// verify looks whether the content is what the key stands for. What is not is
// thrown away.
func (b *arriving) verify() (fs.FileInfo, error) {
	fi, err := os.Lstat(b.a.Path())
	if err != nil {
		return nil, err
	}
	good := b.key.Size < 0 || fi.Size() == b.key.Size
	if b.hash != nil {
		good = good && fi.Size() == b.have && b.key.Verify(b.hash.Sum(nil))
		b.drop()
	}
	if good {
		return fi, nil
	}
	if !b.old {
		err = b.restart()
	}
	return nil, errors.Join(&DamagedError{b.key}, err)
}

// restart throws away what is there.
func (b *arriving) restart() error {
	b.drop()
	b.have, b.old = 0, false
	return b.a.Restart()
}

// drop forgets the hash.
func (b *arriving) drop() {
	if b.hash != nil {
		b.hash.stop()
		b.hash = nil
	}
}

// end leaves what has come for the next attempt.
func (b *arriving) end() {
	b.drop()
	b.a.Suspend()
}
