package ora

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// host is what a store's machine can do. Paths are absolute there. What is not
// there is remote.ErrAbsent.
type host interface {
	// size is the length of a file in bytes.
	size(ctx context.Context, path string) (int64, error)
	read(ctx context.Context, path string) ([]byte, error)
	// fetch is remote.Receive of a file from the offset on.
	fetch(ctx context.Context, k annexkey.Key, path, dst string, offset int64, h hash.Hash) error
	// store makes path a copy of the content, by way of tmp, with the permissions
	// that it has here.
	store(ctx context.Context, c remote.Content, tmp, path string) error
	// remove deletes a file and two folders above it that are empty then.
	remove(ctx context.Context, path string) error
	// sevenZip runs 7z there and gives what it writes to read; remote.ErrAbsent
	// if there is no such archive.
	sevenZip(ctx context.Context, archive string, args []string, read func(io.Reader) error) error
}

// maxSmall bounds the files that read returns.
const maxSmall = 1 << 16

// here is this machine.
type here struct{ env []string }

func (here) size(_ context.Context, path string) (int64, error) {
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, remote.ErrAbsent
	}
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func (h here) read(ctx context.Context, path string) ([]byte, error) {
	if n, err := h.size(ctx, path); err != nil || n > maxSmall {
		return nil, errors.Join(err, tooLong(path, n))
	}
	return os.ReadFile(path)
}

func tooLong(path string, n int64) error {
	if n > maxSmall {
		return fmt.Errorf("%s has %d bytes, which is too long", path, n)
	}
	return nil
}

func (h here) fetch(ctx context.Context, k annexkey.Key, path, dst string, offset int64, sum hash.Hash) error {
	if _, err := h.size(ctx, path); err != nil {
		return err
	}
	return remote.CopyFile(ctx, k, path, dst, offset, sum)
}

func (here) store(ctx context.Context, c remote.Content, tmp, path string) error {
	for _, dir := range []string{filepath.Dir(tmp), filepath.Dir(path)} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	defer os.Remove(tmp)
	res, err := fsx.Copy(ctx, tmp, c.Path, fsx.CopyOptions{KeepMode: true, KeepTime: true, Sync: true})
	if err != nil {
		return err
	}
	if res.Size != c.Size {
		return fsx.ErrChanged
	}
	protect := writable(filepath.Dir(path))
	defer protect()
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	c.Report(res.Size)
	return fsx.SyncDir(filepath.Dir(path))
}

// writable undoes git-annex's write protection of a key's folder; protect puts
// it back, if the folder is still there.
func writable(dir string) (protect func()) {
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm()&0o200 != 0 {
		return func() {}
	}
	os.Chmod(dir, fi.Mode()|0o200)
	return func() { os.Chmod(dir, fi.Mode()) }
}

func (here) remove(_ context.Context, path string) error {
	protect := writable(filepath.Dir(path))
	defer protect()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir, n := filepath.Dir(path), 0; n < 2 && os.Remove(dir) == nil; n++ {
		dir = filepath.Dir(dir)
	}
	return nil
}

func (h here) sevenZip(ctx context.Context, archive string, args []string, read func(io.Reader) error) error {
	if _, err := h.size(ctx, archive); err != nil {
		return err
	}
	err := stream(ctx, proc.Cmd{Name: "7z", Args: args, Env: h.env}, read)
	if errors.Is(err, exec.ErrNotFound) {
		return errs.WithHint(fmt.Errorf("7z is not installed, which the archive %s needs", archive), "install p7zip or 7zip")
	}
	return err
}

// stream runs a program and gives what it writes to read. Its verdict counts,
// too: what read has seen is complete only if stream returns nil.
func stream(ctx context.Context, c proc.Cmd, read func(io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pr, pw := io.Pipe()
	c.Stdout = pw
	done := make(chan error, 1)
	go func() {
		_, err := proc.Run(ctx, c)
		pw.CloseWithError(err)
		done <- err
	}()
	err := read(pr)
	if err != nil {
		cancel()
	}
	pr.CloseWithError(err)
	if rerr := <-done; err == nil {
		err = rerr
	}
	return err
}
