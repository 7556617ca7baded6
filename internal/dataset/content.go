package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

// prepare decides where the content belongs and stores what goes into the
// annex. The work tree is not changed yet.
func (d *Dataset) prepare(ctx context.Context, it *item, opt StageOptions) error {
	err := d.prepareSeen(ctx, it, opt)
	if it.info != nil && errors.As(err, new(*annex.ChangedError)) {
		it.info = nil // it changed since somebody looked at it, perhaps long ago
		err = d.prepareSeen(ctx, it, opt)
	}
	return err
}

// prepareSeen is prepare for what was at the path when it was seen.
func (d *Dataset) prepareSeen(ctx context.Context, it *item, opt StageOptions) error {
	fi, err := it.info, error(nil)
	if fi == nil {
		fi, err = os.Lstat(d.Repo.Path(it.Path))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		it.file.Remove = true
		it.record = d.Record("delete", it.Path, typeOfMode(it.PrevMode))
		it.skip = it.Prev == "" && it.OID == "" // never was there
		return nil
	case err != nil:
		return err
	case fi.IsDir():
		return d.prepareDir(ctx, it)
	case fi.Mode()&fs.ModeSymlink != 0:
		return d.prepareLink(it)
	case !fi.Mode().IsRegular():
		it.skip = true // sockets, pipes, devices: git does not know them either
		return nil
	}
	return d.prepareFile(ctx, it, fi, opt)
}

// prepareDir handles a nested repository, or a folder that took the place of
// a file.
func (d *Dataset) prepareDir(ctx context.Context, it *item) error {
	if it.Mode == gitobj.ModeGitlink || it.State == Untracked {
		return d.prepareSubdataset(ctx, it)
	}
	it.file.Remove = true
	it.skip = it.Prev == "" && it.OID == ""
	return nil
}

// prepareLink stages a symlink. One that leads into the annex gets the target
// that is right for its place, as after a move.
func (d *Dataset) prepareLink(it *item) error {
	path := d.Repo.Path(it.Path)
	target, err := os.Readlink(path)
	if err != nil {
		return err
	}
	it.record = d.added(it.Path, nil)
	if key, ok := pointer.ParseLink(target); ok && d.Annex != nil {
		it.record = d.added(it.Path, key.String())
		if right := pointer.LinkTarget(key, it.Path); right != target {
			it.link, target = right, right
		}
		if d.Annex.Has(key) {
			it.key = key // says so in the location log, should a crash have lost it
		}
	}
	it.file.Mode, it.file.Data = gitobj.ModeSymlink, []byte(target)
	if !it.WorkTree && it.OID != "" && it.link == "" {
		it.record = result.Record{} // staged by the user already
	}
	return nil
}

// prepareFile stages a regular file: pointer text stays as it is, the rest is
// annexed or goes to git.
func (d *Dataset) prepareFile(ctx context.Context, it *item, fi fs.FileInfo, opt StageOptions) error {
	it.file.Mode = d.FileMode(fi, it.Mode)
	c := &content{path: d.Repo.Path(it.Path), rel: it.Path, in: it.in, fi: fi}
	defer c.close()
	if d.Annex != nil && fi.Size() <= pointer.MaxSize {
		settle(fi)
		if err := c.read(); err != nil {
			return err
		}
		if _, ok := pointer.Parse(c.text); ok {
			it.file.Data, it.file.Stat = c.text, gitindex.StatOf(c.fi)
			it.record = d.added(it.Path, nil)
			return nil
		}
	}
	annexed, err := d.annexed(ctx, it, c, opt)
	if err != nil {
		return err
	}
	if !annexed {
		if err := c.isInside(); err != nil {
			return err
		}
		if d.texts.Add(int64(len(c.text))) <= maxTexts {
			it.text = c.text
		}
		return d.prepareForGit(it, c.fi, opt)
	}
	if err := d.prepareForAnnex(ctx, it, c); err != nil {
		return err
	}
	it.metadata = nil
	if err := opt.ancestors.inherit(ctx, it); err != nil {
		return err
	}
	if d.Repo.Config.Bool("annex.genmetadata", false) {
		it.metadata = append(it.metadata, annex.DateMetadata(it.key, it.seen.ModTime(), d.LogClock()))
	}
	return nil
}

// maxTexts bounds the content of small files that is kept in memory, in bytes;
// others are read once more.
const maxTexts = 32 << 20

// annexed decides between annex and git. What is staged with its present
// content stays where git has it, but where the last commit has a link, an unlocked
// file is locked again.
func (d *Dataset) annexed(ctx context.Context, it *item, c *content, opt StageOptions) (bool, error) {
	if d.Annex == nil || opt.ToGit {
		return false, nil
	}
	if !it.WorkTree && it.OID != "" {
		if it.PrevMode != gitobj.ModeSymlink {
			return false, nil
		}
		_, isPointer, err := d.pointerKey(ctx, it.OID)
		return isPointer, err
	}
	return d.large(ctx, it.Path, c)
}

func (d *Dataset) prepareForGit(it *item, fi fs.FileInfo, opt StageOptions) error {
	it.record = d.added(it.Path, nil)
	if opt.ToGit || d.Annex == nil {
		delete(it.record.Fields, "message") // git's word, not git-annex's
	}
	it.file.Stat = gitindex.StatOf(fi)
	if !it.WorkTree && it.OID != "" {
		it.file.OID = it.OID // staged by the user already
		it.record = result.Record{}
		return nil
	}
	settle(fi)
	it.seen = fi
	it.file.Source, it.file.Size = d.Repo.Path(it.Path), fi.Size()
	return nil
}

// clockTick is the longest time for which file systems of Linux give the same
// time stamp.
const clockTick = 10 * time.Millisecond

// settle waits until another write to the file would show in its time stamp,
// so that no change between reading it and committing it goes unnoticed.
func settle(fi fs.FileInfo) {
	if age := time.Since(fi.ModTime()); age >= 0 && age < clockTick {
		time.Sleep(clockTick - age)
	}
}

// prepareForAnnex hashes and stores the content.
func (d *Dataset) prepareForAnnex(ctx context.Context, it *item, c *content) error {
	b, err := d.backend(it.Path)
	if err != nil {
		return err
	}
	key, seen, err := d.keyOf(ctx, c, b)
	if err != nil {
		return err
	}
	if err := d.outgrown(ctx, it, seen, key); err != nil {
		return err
	}
	unlocked, err := d.AddUnlocked(ctx, it.Path, seen)
	if err != nil {
		return err
	}
	if unlocked {
		return d.keepUnlocked(ctx, it, c.path, seen, key)
	}
	if err := d.Annex.Keep(ctx, c.path, seen, key); err != nil {
		return err
	}
	it.key, it.seen = key, seen
	it.link = pointer.LinkTarget(key, it.Path)
	it.file.Mode, it.file.Data = gitobj.ModeSymlink, []byte(it.link)
	it.record = d.added(it.Path, key.String())
	return nil
}

// keepUnlocked stores the content of a file that stays as it is.
func (d *Dataset) keepUnlocked(ctx context.Context, it *item, path string, seen fs.FileInfo, key annexkey.Key) error {
	if err := d.Annex.KeepUnlocked(ctx, path, seen, key, d.Repo.Config.Bool("annex.thin", false)); err != nil {
		return err
	}
	it.key, it.seen = key, seen
	it.file.Data, it.file.Stat = pointer.Format(key), gitindex.StatOf(seen)
	it.record = d.added(it.Path, key.String())
	return nil
}

// keyOf hashes a file and tells its state, which is the one it was seen in.
func (d *Dataset) keyOf(ctx context.Context, c *content, b annexkey.Backend) (annexkey.Key, fs.FileInfo, error) {
	name := filepath.Base(c.path)
	if c.text != nil {
		return annex.KeyOf(c.text, name, b, d.extRule()), c.fi, nil
	}
	f, err := c.open()
	if err != nil {
		return annexkey.Key{}, nil, err
	}
	return annex.HashOpen(ctx, f, c.fi, name, b, d.extRule())
}
