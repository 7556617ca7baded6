package remote

import (
	"context"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// CopyFile is FetchFrom of content that is the regular file path on this
// machine. From the start it shares the file's extents where it may. In the end
// dst has path's time and permissions, and can be written to. A dst that was
// missing is made, if offset is 0, and removed again after an error. Errors:
// fs.ErrNotExist, fsx.ErrChanged, *SizeError.
func CopyFile(ctx context.Context, k annexkey.Key, path, dst string, offset int64, h hash.Hash) error {
	src, before, err := fsx.OpenRegular(path)
	if err != nil {
		return err
	}
	defer src.Close()
	if most, ok := Bound(ctx, k); ok && before.Size() > most {
		return &SizeError{Key: k, Have: before.Size(), Want: most}
	}
	_, err = os.Lstat(dst)
	made := offset == 0 && errors.Is(err, fs.ErrNotExist)
	if offset == 0 {
		err = fill(ctx, dst, src, before.Size(), h)
	} else if _, err = src.Seek(min(offset, before.Size()), io.SeekStart); err == nil {
		err = Receive(ctx, k, dst, offset, h, src)
	}
	if err == nil {
		err = fsx.Unchanged(src, before)
	}
	if err == nil && k.ChunkNum < 0 && before.Size() < k.Size {
		err = &SizeError{Key: k, Have: before.Size(), Want: k.Size, All: true}
	}
	if err == nil {
		_ = os.Chmod(dst, before.Mode().Perm()|0o600)
		err = os.Chtimes(dst, before.ModTime(), before.ModTime())
	}
	if err != nil && made {
		os.Remove(dst)
	}
	return err
}

func fill(ctx context.Context, dst string, src *os.File, size int64, h hash.Hash) error {
	out, err := os.OpenFile(dst, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = fsx.Fill(ctx, out, src, size, h)
	return errors.Join(err, out.Close())
}
