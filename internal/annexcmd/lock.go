package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

// UnlockAll replaces the links among the files by writable copies, or by
// pointer text where the content is not here, and stages pointers.
func (s *Session) UnlockAll(ctx context.Context, files []File) error {
	var here []string
	byPath := map[string]File{}
	for _, f := range files {
		if f.Rel == "" || !s.isLocked(f) {
			continue
		}
		if s.D.Annex.Has(f.Key) {
			path := s.D.Repo.Path(filepath.FromSlash(f.Rel))
			here, byPath[path] = append(here, path), f
			continue
		}
		if err := s.unlockAbsent(f); err != nil {
			return err
		}
	}
	if len(here) == 0 {
		return nil
	}
	s.changed = true
	return s.D.Unlock(ctx, dataset.UnlockOptions{Paths: here}, result.SinkFunc(func(r result.Record) error {
		item := byPath[r.Path].Item("unlock")
		if r.Status == result.OK {
			return s.Report(item.ok())
		}
		return s.Report(item.error(fmt.Errorf("%v", r.Fields["message"])))
	}))
}

// unlockAbsent puts pointer text in the place of a link without content.
func (s *Session) unlockAbsent(f File) error {
	item := f.Item("unlock")
	text := pointer.Format(f.Key)
	err := fsx.WriteFileBelow(s.D.Path(), f.Rel, commit.TempDir(s.D.Repo), text, 0o644)
	if err == nil {
		err = s.stageFile(f.Rel, gitobj.ModeFile, text)
	}
	if err != nil {
		return s.Report(item.error(err))
	}
	return s.Report(item.ok())
}

// LockAll replaces unlocked files by links again. A file that was changed is
// refused, since its new content would be lost; force gives that up.
func (s *Session) LockAll(ctx context.Context, files []File) error {
	for _, f := range files {
		if f.Rel == "" || s.isLocked(f) || f.Entry.Mode == gitobj.ModeSymlink && missing(s.lstat(f)) {
			continue
		}
		item := f.Item("lock")
		if err := s.lock(ctx, f); err != nil {
			if err := s.Report(item.error(err)); err != nil {
				return err
			}
			continue
		}
		if err := s.Report(item.ok()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) lstat(f File) error {
	_, err := os.Lstat(s.D.Repo.Path(filepath.FromSlash(f.Rel)))
	return err
}

var errModified = errs.WithHint(errors.New("git-annex: Locking this file would discard any changes you have made to it. Use 'git annex add' to stage your changes. (Or, use --force to override)"), "")

func (s *Session) lock(ctx context.Context, f File) error {
	path := s.D.Repo.Path(filepath.FromSlash(f.Rel))
	if err := fsx.Beneath(s.D.Path(), f.Rel); err != nil {
		return err
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if fi.Mode().IsRegular() && !s.isPointerText(f) && !s.Force {
		same, err := s.D.SameContent(ctx, path, f.Key)
		if err != nil {
			return err
		}
		if !same {
			return errModified
		}
		if !s.D.Annex.Has(f.Key) {
			// The work tree has the only copy here.
			if err := s.keepUnlocked(ctx, path, f); err != nil {
				return err
			}
		}
	}
	target := pointer.LinkTarget(f.Key, f.Rel)
	if err := s.D.PutLink(f.Rel, target); err != nil {
		return err
	}
	return s.stageFile(f.Rel, gitobj.ModeSymlink, []byte(target))
}

func (s *Session) keepUnlocked(ctx context.Context, path string, f File) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	var changed *annex.ChangedError
	err = s.D.Annex.Keep(ctx, path, fi, f.Key)
	if errors.As(err, &changed) {
		return errModified
	}
	return err
}
