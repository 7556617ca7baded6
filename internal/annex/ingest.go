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
	return HashOpen(ctx, f, before, name, b, ext)
}

// HashOpen is Hash for a file that is open at its start, and whose state was
// before.
func HashOpen(ctx context.Context, f *os.File, before fs.FileInfo, name string, b annexkey.Backend, ext annexkey.ExtRule) (annexkey.Key, fs.FileInfo, error) {
	path := f.Name()
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

// KeyOf is Hash for content that was read already.
func KeyOf(content []byte, name string, b annexkey.Backend, ext annexkey.ExtRule) annexkey.Key {
	h := b.New()
	h.Write(content)
	return b.Key(name, int64(len(content)), h.Sum(nil), ext)
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
	object := a.ObjectPath(k)
	isNew, err := a.newKeyDir(filepath.Dir(object))
	if err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	if !isNew { // else nothing can be there
		here, damaged := a.present(object, k, seen)
		if here {
			return errors.Join(unchanged(path, seen), a.freeze(object, seen.Mode()))
		}
		if err = a.thaw(filepath.Dir(object)); err == nil && damaged {
			a.freezer.Thaw(object)
			err = os.Remove(object)
		}
		if err != nil {
			return fmt.Errorf("store %s: %w", path, err)
		}
	}
	if err := a.place(ctx, path, object, seen); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	if isNew {
		return a.freezeNew(object, seen.Mode())
	}
	return a.freeze(object, seen.Mode())
}

// present reports whether the object is there with the right size; one cut
// off by a crash, or written to, is damaged. seen is a file that has the
// content; it may be the object itself.
func (a *Annex) present(object string, k annexkey.Key, seen fs.FileInfo) (here, damaged bool) {
	fi, err := os.Lstat(object)
	if err != nil {
		return false, false
	}
	here = fi.Mode().IsRegular() && (k.Size < 0 || fi.Size() == k.Size) && (sameContent(seen, fi) || a.guard.Intact(object, fi, k))
	return here, !here
}

// unchanged says that the file is as it was seen, or that it is not.
func unchanged(path string, seen fs.FileInfo) error {
	now, err := os.Lstat(path)
	if err == nil && !sameContent(seen, now) {
		err = &ChangedError{path}
	}
	return err
}

// makeKeyDir creates the key's folder, or makes an existing one writable.
func (a *Annex) makeKeyDir(dir string) error {
	isNew, err := a.newKeyDir(dir)
	if err == nil && !isNew {
		err = a.thaw(dir)
	}
	return err
}

// newKeyDir creates the key's folder unless there is one. Mostly the folder
// above it is missing, too.
func (a *Annex) newKeyDir(dir string) (isNew bool, err error) {
	if err := a.Repo.MakeShared(filepath.Dir(dir)); err != nil {
		return false, err
	}
	err = os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// place brings the content to the object path.
func (a *Annex) place(ctx context.Context, path, object string, seen fs.FileInfo) error {
	// What a colleague owns cannot be protected, and what a command protects may
	// not be replaced by a link: that is copied.
	err := error(syscall.EPERM)
	if a.freezer == nil && mayProtect(seen) {
		err = os.Link(path, object)
	}
	switch {
	case err == nil:
		return checkPlaced(path, object, seen)
	case errors.Is(err, fs.ErrExist):
		return nil // another process stored the same content
	case !linkRefused(err):
		return err
	}
	if err := unchanged(path, seen); err != nil {
		return err
	}
	res, err := fsx.Copy(ctx, object, path, fsx.CopyOptions{KeepMode: true, KeepTime: true})
	if err == nil && !sameContent(seen, res.Source) {
		err = errors.Join(&ChangedError{path}, os.Remove(object)) // the path led to another file meanwhile
	}
	return err
}

// mayProtect reports whether we may change the mode of a file.
func mayProtect(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return !ok || os.Geteuid() == 0 || int(st.Uid) == os.Geteuid()
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
		object, fi := a.Object(k)
		if fi == nil {
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
