package local

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// repository opens the other repository for writing, once.
func (r *Remote) repository(ctx context.Context) (*Repository, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writable != nil {
		return r.writable, nil
	}
	repo, err := OpenRepository(context.WithoutCancel(ctx), r.spec.Dir, RepositoryOptions{Env: r.opt.Env})
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", r.spec.Name, err)
	}
	if repo.Annex.UUID != r.uuid {
		repo.Close()
		return nil, &remote.MismatchError{Name: r.spec.Name, Want: r.uuid, Have: repo.Annex.UUID}
	}
	r.writable = repo
	return repo, nil
}

// Close commits what the other repository has noted of what came and went.
func (r *Remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writable == nil {
		return nil
	}
	err := r.writable.Close()
	r.writable = nil
	return err
}

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string { return [][2]string{{"path", r.spec.Dir}} }

// Streams implements remote.Streamer.
func (r *Remote) Streams() {}

// Store implements remote.Keeper. A broken transfer goes on where it ended.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	repo, err := r.repository(ctx)
	if err != nil {
		return err
	}
	in, err := r.accept(ctx, repo, k)
	if in == nil || err != nil {
		return err
	}
	defer in.Close()
	if err := in.copyFrom(ctx, c); err != nil {
		return err
	}
	return in.Finish(ctx)
}

// accept waits while somebody else brings the same content.
func (r *Remote) accept(ctx context.Context, repo *Repository, k annexkey.Key) (*Incoming, error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		in, err := repo.Accept(ctx, k, r.opt.From)
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

// Remove implements remote.Keeper, under the other repository's locks.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	repo, err := r.repository(ctx)
	if err != nil {
		return err
	}
	return repo.Delete(ctx, k, ctx.Err)
}

// copyFrom takes over the file from where an earlier attempt ended. From the
// start, extents are shared where the file system can.
func (in *Incoming) copyFrom(ctx context.Context, c remote.Content) error {
	src, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer src.Close()
	before, err := src.Stat()
	if err != nil {
		return err
	}
	c.Report(in.have)
	if in.have == 0 {
		err = in.fill(ctx, src, before, c)
	} else {
		err = in.append(ctx, src, c)
	}
	if err != nil {
		return err
	}
	if err = fsx.Unchanged(src, before); err == nil {
		err = in.file.Chmod(before.Mode().Perm() | 0o600)
	}
	if err == nil {
		err = os.Chtimes(in.arrival.Path(), before.ModTime(), before.ModTime())
	}
	return err
}

func (in *Incoming) fill(ctx context.Context, src *os.File, fi os.FileInfo, c remote.Content) error {
	out, err := os.OpenFile(in.arrival.Path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer out.Close()
	var h hash.Hash
	if in.hash != nil {
		h = reporting{in.hash, c}
	}
	in.have, err = fsx.Fill(ctx, out, src, fi.Size(), h)
	if h == nil {
		c.Report(in.have)
	}
	return err
}

// reporting tells people about each block that is hashed.
type reporting struct {
	hash.Hash
	content remote.Content
}

func (r reporting) Write(p []byte) (int, error) {
	r.content.Report(int64(len(p)))
	return r.Hash.Write(p)
}

func (in *Incoming) append(ctx context.Context, src *os.File, c remote.Content) error {
	if _, err := src.Seek(in.have, io.SeekStart); err != nil {
		return err
	}
	return pump(ctx, in, c.MovedReader(src))
}

const pumpBuffer = 1 << 20

// pump copies to the end of r and looks at ctx once per block.
func pump(ctx context.Context, w io.Writer, r io.Reader) error {
	buf := make([]byte, pumpBuffer)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return werr
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

// FetchFrom implements remote.Resumer. From the start it shares the file or its
// extents where it may.
func (r *Remote) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	object, ok := r.store.Locate(k)
	if !ok {
		return remote.ErrAbsent
	}
	if offset == 0 && r.opt.HardLink && linkable(object) {
		if err := linkOver(object, dst); err == nil {
			return remote.HashFile(ctx, dst, h)
		}
	}
	err := remote.CopyFile(ctx, k, object, dst, offset, h)
	if errors.Is(err, fs.ErrNotExist) && !exists(object) {
		err = remote.ErrAbsent
	}
	return err
}

// linkOver replaces the file by another name of the object.
func linkOver(object, dst string) error {
	link := dst + "-link"
	if err := os.Link(object, link); err != nil {
		return err
	}
	err := os.Rename(link, dst)
	if err != nil {
		os.Remove(link)
	}
	return err
}
