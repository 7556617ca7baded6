package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// repository opens the other repository for writing, once.
func (r *Remote) repository(ctx context.Context) (*Repository, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opened != nil {
		return r.opened, nil
	}
	repo, err := OpenRepository(context.WithoutCancel(ctx), r.spec.Dir, RepositoryOptions{Env: r.env})
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", r.spec.Name, err)
	}
	if repo.Annex.UUID != r.uuid {
		err := &remote.MismatchError{Name: r.spec.Name, Want: r.uuid, Have: repo.Annex.UUID}
		return nil, errors.Join(err, repo.Close())
	}
	r.opened = repo
	return repo, nil
}

// Store implements remote.Keeper. The other repository records the content in
// its own location log, as git-annex does.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	repo, err := r.repository(ctx)
	if err != nil {
		return err
	}
	in, err := r.accept(ctx, repo, k)
	if err != nil || in == nil {
		return err
	}
	defer in.Close()
	src, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer src.Close()
	if _, err := src.Seek(in.Offset(), io.SeekStart); err != nil {
		return err
	}
	if c.Moved != nil && in.Offset() > 0 {
		c.Moved(in.Offset())
	}
	if err := pour(ctx, in, src, c.Moved); err != nil {
		return err
	}
	return in.Finish(ctx)
}

// accept waits while somebody else brings the same content.
func (r *Remote) accept(ctx context.Context, repo *Repository, k annexkey.Key) (*Incoming, error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		in, err := repo.Accept(ctx, k, r.from)
		if !errors.Is(err, annex.ErrTransferring) {
			return in, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// pour copies until the source ends.
func pour(ctx context.Context, to io.Writer, from io.Reader, moved func(int64)) error {
	buf := make([]byte, hashBuffer)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return werr
			}
			if moved != nil {
				moved(int64(n))
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
}

// Remove implements remote.Keeper.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	repo, err := r.repository(ctx)
	if err != nil {
		return err
	}
	return repo.Delete(ctx, k, ctx.Err)
}

// Close implements remote.Closer: the other repository commits what it has
// recorded.
func (r *Remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opened == nil {
		return nil
	}
	err := r.opened.Close()
	r.opened = nil
	return err
}
