package fsx

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// ErrChanged says that a file changed while it was being read.
var ErrChanged = errors.New("file changed while it was copied")

// CopyMethod says how the bytes went over.
type CopyMethod string

// The ways to copy, best first.
const (
	Reflink   CopyMethod = "reflink"         // extents are shared until one side changes
	FileRange CopyMethod = "copy_file_range" // the kernel or the file server copies
	ReadWrite CopyMethod = "read-write"
)

// CopyOptions says what Copy does beside copying bytes. The zero value makes a
// new file with the umask's permissions and does not sync.
type CopyOptions struct {
	Perm      fs.FileMode // permission bits before umask; 0 means 0666
	KeepMode  bool        // permission bits of the source, whatever the umask
	KeepTime  bool        // modification time of the source
	Sync      bool        // sync the file before the rename, and its folder after
	SyncSoon  bool        // the caller syncs it, with others: the system may begin
	Hash      hash.Hash   // receives exactly the bytes that were stored
	NoReflink bool        // make real, independent blocks
	TempDir   string      // folder for the unfinished copy, made if missing; "": beside the copy
	// Private says that nobody else knows dst, which does not exist: the copy is
	// written there at once, under no other name before.
	Private bool
}

// CopyResult describes a finished copy.
type CopyResult struct {
	Size   int64
	Method CopyMethod
	Source fs.FileInfo // of the source, taken before copying and still true after
}

// Copy makes dst a copy of the regular file src (symlinks are followed); what
// was at dst is replaced in one step. The copy is written under a temporary
// name beside dst, its length is checked and src is looked at again before the
// rename. The error is ErrChanged when src changed meanwhile. After any error,
// a full disk included, dst is as before and nothing is left beside it. Copy is
// as durable as options.Sync says.
func Copy(ctx context.Context, dst, src string, opt CopyOptions) (CopyResult, error) {
	res, err := copyFile(ctx, place{tmpDir: opt.TempDir, path: dst}, src, opt)
	if err != nil {
		return CopyResult{}, fmt.Errorf("copy %s to %s: %w", src, dst, err)
	}
	return res, nil
}

// Fill copies in, which has size bytes, to the empty file out: it shares the
// extents, or lets the kernel copy, or reads and writes. h, which may be nil,
// sees all bytes. It returns how many bytes out has. After an error out holds
// the beginning of in; nothing is synced.
func Fill(ctx context.Context, out, in *os.File, size int64, h hash.Hash) (int64, error) {
	_, n, err := transfer(ctx, out, in, size, CopyOptions{Hash: h})
	return n, err
}

func copyFile(ctx context.Context, to place, src string, opt CopyOptions) (CopyResult, error) {
	in, before, err := OpenRegular(src)
	if err != nil {
		return CopyResult{}, err
	}
	defer in.Close()
	var res CopyResult
	fill := func(tmp string) (err error) {
		if res, err = fillTemp(ctx, tmp, in, before, opt); err != nil && !errors.Is(err, fs.ErrExist) {
			os.Remove(tmp)
		}
		return err
	}
	if opt.Private {
		err = fill(to.path)
	} else {
		err = to.fill(fill)
	}
	if err != nil {
		return CopyResult{}, err
	}
	if opt.Sync {
		err = SyncDir(filepath.Dir(to.path))
	}
	return res, err
}

// Clone makes the new file dst share the blocks of src until one side changes.
// The error is errors.ErrUnsupported where that is not possible; after any
// error there is no dst, unless it was there before.
func Clone(dst, src string, perm fs.FileMode) error {
	in, _, err := OpenRegular(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	err = reflink(out, in)
	if err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		err = errors.ErrUnsupported
	}
	if err = errors.Join(err, out.Close()); err != nil {
		os.Remove(dst)
	}
	return err
}

// OpenRegular opens a regular file for reading, without ever waiting on a FIFO,
// and tells what it is.
func OpenRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, fi, nil
}

// fillTemp creates tmp with everything that the final file shall have. The
// caller removes tmp after an error.
func fillTemp(ctx context.Context, tmp string, in *os.File, before fs.FileInfo, opt CopyOptions) (CopyResult, error) {
	perm := opt.Perm.Perm()
	if opt.Perm == 0 {
		perm = 0o666
	}
	if opt.KeepMode {
		perm = 0o600
	}
	out, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return CopyResult{}, err
	}
	res := CopyResult{Source: before}
	res.Method, res.Size, err = transfer(ctx, out, in, before.Size(), opt)
	if err == nil {
		err = Unchanged(in, before)
	}
	if err == nil && res.Size != before.Size() {
		err = ErrChanged
	}
	if err == nil {
		err = finishTemp(out, tmp, before, opt)
	}
	return res, errors.Join(err, out.Close())
}

// Unchanged fails with ErrChanged if the open file has another size or time of
// modification than before.
func Unchanged(f *os.File, before fs.FileInfo) error {
	after, err := f.Stat()
	if err != nil {
		return err
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return ErrChanged
	}
	return nil
}

func finishTemp(out *os.File, tmp string, before fs.FileInfo, opt CopyOptions) error {
	if opt.KeepTime {
		if err := os.Chtimes(tmp, before.ModTime(), before.ModTime()); err != nil {
			return err
		}
	}
	if opt.KeepMode {
		if err := out.Chmod(before.Mode().Perm()); err != nil {
			return err
		}
	}
	if opt.Sync {
		return out.Sync()
	}
	if opt.SyncSoon {
		beginWriteOut(out, 0, before.Size())
	}
	return nil
}

// transfer moves the bytes by the best method that works. With a hash it
// either reads back the clone, which nobody else can change, or hashes what it
// writes.
func transfer(ctx context.Context, out, in *os.File, size int64, opt CopyOptions) (CopyMethod, int64, error) {
	if !opt.NoReflink && reflink(out, in) == nil {
		n, err := hashBack(ctx, out, size, opt.Hash)
		return Reflink, n, err
	}
	if opt.Hash == nil {
		n, err := copyRange(ctx, out, in, size)
		if n > 0 || err != nil {
			return FileRange, n, err
		}
	}
	n, err := copyBytes(ctx, out, in, size, opt.Hash)
	return ReadWrite, n, err
}

// hashBack feeds the finished clone to h, if there is one, and returns the length.
func hashBack(ctx context.Context, out *os.File, size int64, h hash.Hash) (int64, error) {
	if h != nil {
		return copyBytes(ctx, h, out, size, nil)
	}
	fi, err := out.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

const copyBuffer = 1 << 20

// buffers are used again: to clear a new one costs as much as to copy it.
var buffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// copyBytes copies from the start of in to its end and looks at ctx once per
// buffer. It gives up as soon as there is more than size, because a file that
// grows as fast as it is read has no end.
func copyBytes(ctx context.Context, out io.Writer, in *os.File, size int64, h hash.Hash) (int64, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	if h != nil {
		out = io.MultiWriter(out, h)
	}
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf, total := *pooled, int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := in.Read(buf)
		if n > 0 {
			if _, werr := out.Write(buf[:n]); werr != nil {
				return total, werr
			}
			total += int64(n)
		}
		if total > size {
			return total, ErrChanged
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
