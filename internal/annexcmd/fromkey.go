package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// FromKey makes a file of a key, whose content need not be here. Without force
// the key must be known to be somewhere.
func (s *Session) FromKey(ctx context.Context, k annexkey.Key, path string, input []string) error {
	rel, err := s.D.Rel(path)
	if err != nil {
		return err
	}
	item := Item{Command: "fromkey", File: path, Key: k, Input: input}
	if !s.Force && !s.D.Annex.Has(k) {
		return errs.WithHint(fmt.Errorf("key (%s) is not present in backend (use --force to override this sanity check)", k), "")
	}
	if old, ok := s.linkKey(rel); ok && old == k {
		return s.Report(item.ok())
	}
	if _, err := os.Lstat(s.D.Repo.Path(filepath.FromSlash(rel))); err == nil {
		return s.Report(item.error(errors.New("file already exists")))
	}
	if err := s.placeKey(ctx, k, rel); err != nil {
		return s.Report(item.error(err))
	}
	return s.Report(item.ok())
}

// placeKey puts an annexed file into the work tree and stages it: a link, or a
// pointer with its content where annex.addunlocked asks for that.
func (s *Session) placeKey(ctx context.Context, k annexkey.Key, rel string) error {
	if err := fsx.Beneath(s.D.Path(), rel); err != nil {
		return err
	}
	path := s.D.Repo.Path(filepath.FromSlash(rel))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	unlocked, err := s.D.AddUnlocked(ctx, rel, keyInfo{k, rel})
	if err != nil {
		return err
	}
	if !unlocked && s.D.Repo.Config.Bool("core.symlinks", true) {
		target := pointer.LinkTarget(k, rel)
		if err := fsx.ReplaceWithSymlinkVia(commit.TempDir(s.D.Repo), path, target); err != nil {
			return err
		}
		return s.stageFile(rel, gitobj.ModeSymlink, []byte(target))
	}
	text := pointer.Format(k)
	if err := fsx.WriteFileVia(commit.TempDir(s.D.Repo), path, text, 0o644); err != nil {
		return err
	}
	if err := s.stageFile(rel, gitobj.ModeFile, text); err != nil {
		return err
	}
	s.fill = append(s.fill, rel)
	return nil
}

// SetKey makes a file the content of a key; the file is moved.
func (s *Session) SetKey(ctx context.Context, k annexkey.Key, path string) error {
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.D.Env.Cwd, path)
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	if k.Size >= 0 && k.Size != fi.Size() {
		return fmt.Errorf("%s has another size than %s", path, k)
	}
	if err := s.D.Annex.Keep(ctx, path, fi, k); err != nil {
		return err
	}
	if err := s.D.Annex.SyncObjects([]annexkey.Key{k}); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if err := s.SetLocation(ctx, k, s.D.Annex.UUID, annexlog.StatusPresent); err != nil {
		return err
	}
	return s.Report(Item{Command: "setkey", File: path, Key: k, Input: []string{k.String(), path}}.ok())
}

// DropKey deletes content without any proof.
func (s *Session) DropKey(ctx context.Context, k annexkey.Key) error {
	if !s.Force {
		return errors.New("dropkey can cause data loss; use --force if you're sure you want to do this")
	}
	item := Item{Command: "dropkey", NoFile: true, Key: k, Input: []string{k.String()}}
	err := transfer.Drop(ctx, s.ownStore(), k, transfer.Proof{})
	if err != nil && !errors.Is(err, remote.ErrAbsent) {
		return s.Report(item.error(err))
	}
	if err := s.SetLocation(ctx, k, s.D.Annex.UUID, annexlog.StatusAbsent); err != nil {
		return err
	}
	if err := s.D.Depopulate(ctx, []annexkey.Key{k}); err != nil {
		return err
	}
	return s.Report(item.ok())
}

// Reinject makes a file the content of the key that an annexed file has.
func (s *Session) Reinject(ctx context.Context, src string, f File) error {
	item := Item{Command: "reinject", File: src, Key: f.Key, Input: []string{src, f.Show}}
	path := src
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.D.Env.Cwd, path)
	}
	if s.D.Annex.Has(f.Key) {
		return s.Report(item.ok())
	}
	if _, ok := f.Key.Hasher(); ok {
		same, err := s.D.SameContent(ctx, path, f.Key)
		if err != nil {
			return s.Report(item.error(err))
		}
		if !same {
			return s.Report(item.error(errors.New(src + " does not have expected content of " + f.Show)))
		}
	}
	fi, err := os.Lstat(path)
	if err == nil {
		err = s.D.Annex.Keep(ctx, path, fi, f.Key)
	}
	var changed *annex.ChangedError
	if errors.As(err, &changed) || err != nil {
		return s.Report(item.error(err))
	}
	if err := s.D.Annex.SyncObjects([]annexkey.Key{f.Key}); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if err := s.SetLocation(ctx, f.Key, s.D.Annex.UUID, annexlog.StatusPresent); err != nil {
		return err
	}
	return s.Report(item.ok(short("checksum...")))
}
