package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
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
		return fmt.Errorf("%s: %w", path, err)
	}
	item := Item{Command: "fromkey", File: path, Key: k, Input: input}
	if !s.Force && !s.D.Annex.Has(k) {
		return errs.WithHint(fmt.Errorf("key (%s) is not present in backend (use --force to override this sanity check)", k), "")
	}
	if old, ok := s.linkKey(rel); ok && old == k {
		return s.Report(item.ok())
	}
	if _, err := os.Lstat(s.D.Repo.Path(filepath.FromSlash(rel))); err == nil {
		return s.Report(item.error(fmt.Errorf("%s already exists with different content", path)))
	}
	if err := s.placeKey(ctx, k, rel); err != nil {
		return s.Report(item.error(err))
	}
	return s.Report(item.ok())
}

// mayPlace refuses paths that git never takes into an index, such as those in
// .git, and what lies behind a link.
func (s *Session) mayPlace(rel string) error {
	if err := gitindex.CheckPath(rel); err != nil {
		return fmt.Errorf("%q is no place for a file: git would not keep it", rel)
	}
	return fsx.Beneath(s.D.Path(), rel)
}

// placeKey puts an annexed file into the work tree and stages it: a link, or a
// pointer with its content where annex.addunlocked asks for that.
func (s *Session) placeKey(ctx context.Context, k annexkey.Key, rel string) error {
	if err := s.mayPlace(rel); err != nil {
		return err
	}
	dir, err := fsx.MakeFolder(s.D.Path(), path.Dir(rel))
	if err != nil {
		return err
	}
	defer dir.Close()
	unlocked, err := s.D.AddUnlocked(ctx, rel, keyInfo{k, rel})
	if err != nil {
		return err
	}
	if !unlocked {
		target := pointer.LinkTarget(k, rel)
		if err := s.D.PutLinkIn(dir, path.Base(rel), target); err != nil {
			return err
		}
		return s.stageFile(rel, gitobj.ModeSymlink, []byte(target))
	}
	text := pointer.Format(k)
	if err := dir.WriteFile(commit.TempDir(s.D.Repo), path.Base(rel), text, 0o644); err != nil {
		return err
	}
	if err := s.stageFile(rel, gitobj.ModeFile, text); err != nil {
		return err
	}
	s.fill = append(s.fill, rel)
	return nil
}

// SetKey makes a file, which has to be what the key stands for, its content;
// the file is moved.
func (s *Session) SetKey(ctx context.Context, k annexkey.Key, path string) error {
	item := Item{Command: "setkey", File: path, Key: k, Input: []string{k.String(), path}}
	return s.takeIn(ctx, path, k, item, errors.New("Verification of content failed"))
}

// takeIn moves a file into the annex as the key's content, also where that is
// here already. wrong is the error about a file that is something else.
func (s *Session) takeIn(ctx context.Context, path string, k annexkey.Key, item Item, wrong error) error {
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.D.Env.Cwd, path)
	}
	seen, notes, err := s.verified(ctx, path, k, wrong)
	if object, ok := s.D.Annex.Locate(k); err == nil && ok {
		_, _, err = s.verified(ctx, object, k, errs.WithHint(fmt.Errorf("the content of %s that is here is damaged", k), "run `git annex fsck` first"))
	}
	if err == nil {
		err = s.D.Annex.Keep(ctx, path, seen, k)
	}
	if err != nil {
		o := item.error(err)
		o.Notes = notes
		return s.Report(o)
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
	if err := s.D.Populate(ctx, []annexkey.Key{k}); err != nil {
		return err
	}
	return s.Report(item.ok(notes...))
}

// verified is the state of a file that has the key's size and, where the key
// tells it, its hash; or else the error wrong.
func (s *Session) verified(ctx context.Context, path string, k annexkey.Key, wrong error) (fs.FileInfo, []Note, error) {
	fi, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, nil, err
	case !fi.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s is no regular file", path)
	case k.Size >= 0 && k.Size != fi.Size():
		return nil, nil, wrong
	}
	if _, ok := k.Hasher(); !ok {
		return fi, nil, nil
	}
	same, err := s.D.SameContent(ctx, path, k)
	if err == nil && !same {
		err = wrong
	}
	return fi, []Note{short("checksum...")}, err
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
	if old, ok, err := s.FileOf(ctx, src); err != nil {
		return err
	} else if ok && old.Rel == f.Rel {
		return nil
	} else if ok {
		return errors.New("cannot use annexed file as src: " + src)
	}
	item := Item{Command: "reinject", File: src, Key: f.Key, Input: []string{src, f.Show}}
	return s.takeIn(ctx, src, f.Key, item, errors.New(src+" does not have expected content of "+f.Show))
}
