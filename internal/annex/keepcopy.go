package annex

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// KeepUnlocked stores the content of a file that stays in the work tree as it
// is, writable: by a copy, or with thin by a hard link, which the next write to
// the file changes, too (annex.thin). seen is the file's state when it was
// hashed; a *ChangedError means that it is another one now. The content is
// durable only after SyncObjects. Content that is here already is not touched.
func (a *Annex) KeepUnlocked(ctx context.Context, path string, seen fs.FileInfo, k annexkey.Key, thin bool) error {
	if err := k.Safe(); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	object := a.ObjectPath(k)
	if here, damaged := a.present(object, k, seen); here {
		return nil
	} else if damaged {
		if err := errors.Join(a.thawObject(object), os.Remove(object)); err != nil {
			return fmt.Errorf("store %s: %w", path, err)
		}
	}
	if err := a.makeKeyDir(filepath.Dir(object)); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	if thin && mayProtect(seen) && alone(path) && os.Link(path, object) == nil {
		return errors.Join(checkPlaced(path, object, seen), a.freezeDir(filepath.Dir(object)))
	}
	if err := copyVerified(ctx, object, path, k); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	return a.freeze(object, seen.Mode())
}

// alone reports whether the file has no other name, so that no other file and
// no other key's object changes with it.
func alone(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && SingleLink(fi)
}

// copyVerified copies a file that somebody may write to meanwhile: what is
// stored must be what the key says.
func copyVerified(ctx context.Context, object, path string, k annexkey.Key) error {
	h, ok := k.Hasher()
	var sum hash.Hash
	if ok {
		sum = h
	}
	_, err := fsx.Copy(ctx, object, path, fsx.CopyOptions{KeepMode: true, KeepTime: true, Hash: sum})
	if errors.Is(err, fsx.ErrChanged) {
		return &ChangedError{path}
	}
	if err == nil && ok && !k.Verify(h.Sum(nil)) {
		return errors.Join(&ChangedError{path}, os.Remove(object))
	}
	return err
}

// Adopt moves a file that nobody else uses into the annex as the content of
// the key, which must have been verified. Content that is here already stays,
// and the file is removed.
func (a *Annex) Adopt(path string, k annexkey.Key) error {
	if err := k.Safe(); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	object := a.ObjectPath(k)
	if here, _ := a.present(object, k, fi); here {
		return os.Remove(path)
	}
	if err := a.makeKeyDir(filepath.Dir(object)); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	if err := fsx.Rename(path, object); err != nil {
		return fmt.Errorf("store %s: %w", path, err)
	}
	return a.freeze(object, fi.Mode())
}
