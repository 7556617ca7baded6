package annex

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

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// ChangedError says that a file was written to while it was being stored.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s changed while it was being stored", e.Path)
}

// Hash reads the file and returns its key. name is the base name that gives
// the extension. A file that changes meanwhile is a *ChangedError.
func Hash(ctx context.Context, path, name string, b annexkey.Backend, ext annexkey.ExtRule) (annexkey.Key, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return annexkey.Key{}, nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return annexkey.Key{}, nil, err
	}
	if !before.Mode().IsRegular() {
		return annexkey.Key{}, nil, fmt.Errorf("hash %s: not a regular file", path)
	}
	h := b.New()
	n, err := copyHash(ctx, h, f)
	if err != nil {
		return annexkey.Key{}, nil, fmt.Errorf("hash %s: %w", path, err)
	}
	after, err := f.Stat()
	if err != nil {
		return annexkey.Key{}, nil, err
	}
	if n != before.Size() || !sameContent(before, after) {
		return annexkey.Key{}, nil, &ChangedError{path}
	}
	return b.Key(name, n, h.Sum(nil), ext), after, nil
}

// blocks are the read buffers of Hash; many small files would otherwise cost
// more in allocation than in reading.
var blocks = sync.Pool{New: func() any { b := make([]byte, 1<<18); return &b }}

func copyHash(ctx context.Context, h hash.Hash, f *os.File) (int64, error) {
	block := blocks.Get().(*[]byte)
	defer blocks.Put(block)
	buf := *block
	var total int64
	for {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		total += int64(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return total, err
		}
	}
}

func sameContent(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// Keep stores the file's content under the key, by a hard link where the file
// system allows it and else by a copy, with git-annex's permissions. seen is
// the file's state when it was hashed; a *ChangedError means that it is
// another one now. The file itself stays in place. The content is durable only
// after SyncObjects. Content that is here already is not touched.
func (a *Annex) Keep(ctx context.Context, path string, seen fs.FileInfo, k annexkey.Key) error {
	if err := k.Safe(); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	now, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !sameContent(seen, now) {
		return &ChangedError{path}
	}
	object := a.ObjectPath(k)
	switch here, damaged := a.present(object, k); {
	case here:
		return a.freeze(object, now.Mode())
	case damaged:
		if err := errors.Join(thaw(filepath.Dir(object)), os.Remove(object)); err != nil {
			return fmt.Errorf("store %s: %w", path, err)
		}
	}
	if err := a.makeKeyDir(filepath.Dir(object)); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	if err := a.place(ctx, path, object, seen); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	return a.freeze(object, seen.Mode())
}

// present reports whether the object is there with the right size; one cut
// off by a crash is damaged.
func (a *Annex) present(object string, k annexkey.Key) (here, damaged bool) {
	fi, err := os.Lstat(object)
	if err != nil {
		return false, false
	}
	here = fi.Mode().IsRegular() && (k.Size < 0 || fi.Size() == k.Size)
	return here, !here
}

// makeKeyDir creates the key's folder, or makes an existing one writable.
func (a *Annex) makeKeyDir(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeParents(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o777)
	}
	if errors.Is(err, fs.ErrExist) {
		err = thaw(dir)
	}
	return err
}

// makeParents is os.MkdirAll without a look before each step.
func makeParents(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeParents(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o777)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func thaw(dir string) error {
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm()&0o200 != 0 {
		return err
	}
	return os.Chmod(dir, fi.Mode().Perm()|0o200)
}

// place brings the content to the object path.
func (a *Annex) place(ctx context.Context, path, object string, seen fs.FileInfo) error {
	err := os.Link(path, object)
	switch {
	case err == nil:
		return checkPlaced(path, object, seen)
	case errors.Is(err, fs.ErrExist):
		return nil // another process stored the same content
	case !linkRefused(err):
		return err
	}
	_, err = fsx.Copy(ctx, object, path, fsx.CopyOptions{KeepMode: true, KeepTime: true})
	return err
}

// checkPlaced removes the object again if what was linked is not what was
// hashed.
func checkPlaced(path, object string, seen fs.FileInfo) error {
	fi, err := os.Lstat(object)
	if err == nil && !sameContent(seen, fi) {
		err = errors.Join(&ChangedError{path}, os.Remove(object))
	}
	return err
}

func linkRefused(err error) bool {
	for _, e := range []error{syscall.EXDEV, syscall.EPERM, syscall.EACCES, syscall.EMLINK, syscall.EOPNOTSUPP, syscall.ENOSYS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// freeze takes the write permission from object and folder.
func (a *Annex) freeze(object string, perm fs.FileMode) error {
	if err := os.Chmod(object, a.frozenFileMode(perm.Perm())); err != nil {
		return fmt.Errorf("protect %s: %w", object, err)
	}
	return a.freezeDir(filepath.Dir(object))
}

// syncEach is the number of objects up to which each is synced by itself;
// above it one sync of the whole file system is cheaper.
const syncEach = 16

// SyncObjects makes the objects of the keys durable, with the folders that
// lead to them.
func (a *Annex) SyncObjects(keys []annexkey.Key) error {
	if len(keys) > syncEach {
		return fsx.SyncFS(a.Dir("objects"))
	}
	dirs := map[string]bool{a.Dir("objects"): true}
	for _, k := range keys {
		object, ok := a.Locate(k)
		if !ok {
			return fmt.Errorf("sync objects: %s vanished", k)
		}
		if err := fsx.SyncFile(object); err != nil {
			return err
		}
		keyDir := filepath.Dir(object)
		for _, d := range []string{keyDir, filepath.Dir(keyDir), filepath.Dir(filepath.Dir(keyDir))} {
			dirs[d] = true
		}
	}
	for d := range dirs {
		if err := fsx.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}
