package annexcmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/transfer"
)

// Unannex makes a file an ordinary one that git does not know, the reverse of
// add. The content leaves the annex unless another file has it, too.
func (s *Session) Unannex(ctx context.Context, files []File) error {
	for _, f := range files {
		if f.Rel == "" || !s.D.Annex.Has(f.Key) {
			continue
		}
		item := f.Item("unannex")
		if err := s.unannex(ctx, f); err != nil {
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

func (s *Session) unannex(ctx context.Context, f File) error {
	if err := fsx.Beneath(s.D.Path(), f.Rel); err != nil {
		return err
	}
	if s.isLocked(f) || s.isPointerText(f) {
		object, ok := s.D.Annex.Locate(f.Key)
		if !ok {
			return errors.New("its content is not here")
		}
		fi, err := os.Stat(object)
		if err != nil {
			return err
		}
		perm := fi.Mode().Perm() | 0o200
		if _, err := fsx.CopyBelow(ctx, s.D.Path(), f.Rel, object, fsx.CopyOptions{Perm: perm, KeepTime: true, Sync: true, TempDir: commit.TempDir(s.D.Repo)}); err != nil {
			return err
		}
	}
	s.Stage(gitindex.Edit{Path: f.Rel, Remove: true}, "", nil)
	others, err := s.otherUses(ctx, f)
	if err != nil || others || s.Fast {
		return err
	}
	err = transfer.Drop(ctx, s.ownStore(), f.Key, transfer.Proof{})
	if errors.Is(err, local.ErrLinked) {
		return nil // what it is a link to keeps its content
	}
	if err != nil && !errors.Is(err, remote.ErrAbsent) {
		return err
	}
	return s.SetLocation(ctx, f.Key, s.D.Annex.UUID, annexlog.StatusAbsent)
}

// otherUses reports whether another file of the index has the key.
func (s *Session) otherUses(ctx context.Context, f File) (bool, error) {
	found := false
	err := s.Files(ctx, []string{s.D.Path()}, func(o File) error {
		found = found || o.Key == f.Key && o.Rel != f.Rel
		return nil
	})
	return found, err
}

// Fix corrects the targets of links.
func (s *Session) Fix(_ context.Context, files []File) error {
	for _, f := range files {
		o := f.Item("fix").ok()
		if err := s.fsckLink(f, &o); err != nil {
			return err
		}
		if len(o.Notes) == 0 {
			continue
		}
		o.Notes = nil
		if err := s.Report(o); err != nil {
			return err
		}
	}
	return nil
}

// Migrate gives files the keys of another backend.
func (s *Session) Migrate(ctx context.Context, backend string, files []File) error {
	for _, f := range files {
		object, ok := s.D.Annex.Locate(f.Key)
		if f.Rel == "" || !ok {
			continue
		}
		if err := s.migrate(ctx, f, object, backend); err != nil {
			if err := s.Report(f.Item("migrate").error(err)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Session) migrate(ctx context.Context, f File, object, backend string) error {
	b, err := s.backendFor(s.D.Repo.Path(filepath.FromSlash(f.Rel)), backend)
	if err != nil {
		return err
	}
	if b.Name() == f.Key.Backend && !s.Force {
		return nil
	}
	k, err := s.D.HashAs(ctx, object, f.Rel, b)
	if err != nil {
		return err
	}
	fi, err := os.Lstat(object)
	if err != nil {
		return err
	}
	if err := s.D.Annex.Keep(ctx, object, fi, k); err != nil {
		return err
	}
	if err := s.D.Annex.SyncObjects([]annexkey.Key{k}); err != nil {
		return err
	}
	if err := s.repoint(f, k); err != nil {
		return err
	}
	if err := s.SetLocation(ctx, k, s.D.Annex.UUID, annexlog.StatusPresent); err != nil {
		return err
	}
	item := f.Item("migrate")
	return s.Report(item.ok(short("checksum...")))
}

// repoint makes a file one of another key with the same content.
func (s *Session) repoint(f File, k annexkey.Key) error {
	if err := fsx.Beneath(s.D.Path(), f.Rel); err != nil {
		return err
	}
	if !s.isLocked(f) {
		return s.stageFile(f.Rel, f.Entry.Mode, pointer.Format(k))
	}
	target := pointer.LinkTarget(k, f.Rel)
	if err := s.D.PutLink(f.Rel, target); err != nil {
		return err
	}
	return s.stageFile(f.Rel, gitobj.ModeSymlink, []byte(target))
}
