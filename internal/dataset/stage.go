package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

// StageOptions says how content is stored.
type StageOptions struct {
	ToGit bool // all content goes to git, whatever annex.largefiles says
	Jobs  int  // files hashed at once; 0: one per core

	// For StagePaths: named files that .gitignore names, or that git does not
	// know yet, are passed over; else being named is enough.
	SkipIgnored, SkipUntracked bool
}

// Staged is what a commit needs: content is stored, durable, and in its place
// in the work tree; neither index nor branch know of it yet.
type Staged struct {
	Files   []commit.File
	Logs    []annex.LogEdit
	Records []result.Record // add and delete, in DataLad's order
	Missing []string        // named paths that do not exist
}

// item is one change on its way.
type item struct {
	Change
	file   commit.File
	key    annexkey.Key  // content that is here, if any
	seen   fs.FileInfo   // state of the file when it was hashed
	link   string        // symlink to put in the file's place
	record result.Record // zero: nothing to report
	module *Module       // to be registered
	skip   bool          // already as it should be
	err    error
}

// Stage stores the content of the changes. A file that cannot be stored gives
// an error record; the others go on. The error is for failures that concern
// all.
func (d *Dataset) Stage(ctx context.Context, changes []Change, opt StageOptions) (*Staged, error) {
	d.forgetAttributes()
	items := make([]*item, len(changes))
	for i, c := range changes {
		items[i] = &item{Change: c, file: commit.File{Path: c.Path}}
	}
	if err := d.forEach(ctx, items, opt.Jobs, func(it *item) error { return d.prepare(ctx, it, opt) }); err != nil {
		return nil, err
	}
	items, err := d.updateModules(items)
	if err != nil {
		return nil, err
	}
	if err := d.convertByGit(ctx, items); err != nil {
		return nil, err
	}
	if err := d.syncStored(items); err != nil {
		return nil, err
	}
	if err := d.forEach(ctx, items, opt.Jobs, d.putInPlace); err != nil {
		return nil, err
	}
	return d.collect(items), nil
}

// forEach runs fn on all items that have no error, some at once. An error of
// fn stays with its item, unless it concerns all (a full disk, an interrupt).
func (d *Dataset) forEach(ctx context.Context, items []*item, jobs int, fn func(*item) error) error {
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, it := range items {
		if it.err != nil || it.skip {
			continue
		}
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if it.err = fn(it); fatal(it.err) {
				return it.err
			}
			return nil
		})
	}
	return g.Wait()
}

func fatal(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// prepare decides where the content belongs and stores what goes into the
// annex. The work tree is not changed yet.
func (d *Dataset) prepare(ctx context.Context, it *item, opt StageOptions) error {
	fi, err := os.Lstat(d.Repo.Path(it.Path))
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		it.file.Remove = true
		it.record = d.record("delete", it.Path, typeOfMode(it.PrevMode))
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
	it.file.Mode = fileMode(fi)
	if d.Annex != nil && fi.Size() <= pointer.MaxSize {
		text, err := os.ReadFile(d.Repo.Path(it.Path))
		if err != nil {
			return err
		}
		if _, ok := pointer.Parse(text); ok {
			it.file.Data, it.file.Stat = text, gitindex.StatOf(fi)
			it.record = d.added(it.Path, nil)
			return nil
		}
	}
	annexed, err := d.annexed(ctx, it, fi, opt)
	if err != nil {
		return err
	}
	if !annexed {
		return d.prepareForGit(it, fi, opt)
	}
	return d.prepareForAnnex(ctx, it)
}

func fileMode(fi fs.FileInfo) gitobj.Mode {
	if fi.Mode()&0o100 != 0 {
		return gitobj.ModeExec
	}
	return gitobj.ModeFile
}

// annexed decides between annex and git. What is staged with its present
// content stays where git has it, but an unlocked file is locked again.
func (d *Dataset) annexed(ctx context.Context, it *item, fi fs.FileInfo, opt StageOptions) (bool, error) {
	if d.Annex == nil || opt.ToGit {
		return false, nil
	}
	if !it.WorkTree && it.OID != "" {
		_, isPointer, err := d.pointerKey(ctx, it.OID)
		return isPointer, err
	}
	return d.large(ctx, it.Path, fi)
}

func (d *Dataset) prepareForGit(it *item, fi fs.FileInfo, opt StageOptions) error {
	it.record = d.added(it.Path, nil)
	if opt.ToGit {
		delete(it.record.Fields, "message") // git's word, not git-annex's
	}
	it.file.Stat = gitindex.StatOf(fi)
	if !it.WorkTree && it.OID != "" {
		it.file.OID = it.OID // staged by the user already
		it.record = result.Record{}
		return nil
	}
	it.seen = fi
	it.file.Source, it.file.Size = d.Repo.Path(it.Path), fi.Size()
	return nil
}

// prepareForAnnex hashes and stores the content.
func (d *Dataset) prepareForAnnex(ctx context.Context, it *item) error {
	b, err := d.backend(it.Path)
	if err != nil {
		return err
	}
	path := d.Repo.Path(it.Path)
	key, seen, err := annex.Hash(ctx, path, filepath.Base(it.Path), b, d.extRule())
	if err != nil {
		return err
	}
	if err := d.Annex.Keep(ctx, path, seen, key); err != nil {
		return err
	}
	it.key, it.seen = key, seen
	it.link = pointer.LinkTarget(key, it.Path)
	it.file.Mode, it.file.Data = gitobj.ModeSymlink, []byte(it.link)
	it.record = d.added(it.Path, key.String())
	return nil
}

// convertByGit lets git store the files whose attributes ask for conversion,
// all in one process.
func (d *Dataset) convertByGit(ctx context.Context, items []*item) error {
	var paths []string
	var which []*item
	for _, it := range items {
		if it.err != nil || it.skip || it.file.Source == "" {
			continue
		}
		convert, err := d.needsGit(it.Path)
		if err != nil {
			return err
		}
		if convert {
			paths, which = append(paths, it.Path), append(which, it)
		}
	}
	ids, err := d.Repo.HashFiles(ctx, paths, true)
	if err != nil {
		return err
	}
	for i, it := range which {
		it.file.OID, it.file.Source = ids[i], ""
	}
	return nil
}

// syncStored makes stored content durable before anything refers to it.
func (d *Dataset) syncStored(items []*item) error {
	var keys []annexkey.Key
	for _, it := range items {
		if it.err == nil && it.seen != nil && it.key != (annexkey.Key{}) {
			keys = append(keys, it.key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return d.Annex.SyncObjects(keys)
}

// putInPlace replaces a stored file by the link to its content, unless
// somebody wrote to it since it was hashed.
func (d *Dataset) putInPlace(it *item) error {
	if it.link == "" {
		return nil
	}
	path := d.Repo.Path(it.Path)
	if it.seen != nil {
		now, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if !os.SameFile(now, it.seen) || now.Size() != it.seen.Size() || !now.ModTime().Equal(it.seen.ModTime()) {
			return &annex.ChangedError{Path: path}
		}
	}
	if err := fsx.ReplaceWithSymlinkVia(commit.TempDir(d.Repo), path, it.link); err != nil {
		return fmt.Errorf("lock %s: %w", it.Path, err)
	}
	return nil
}

// collect turns the items into what the commit needs.
func (d *Dataset) collect(items []*item) *Staged {
	s := &Staged{}
	now := annexlog.ClockOf(d.Now())
	logged := map[annexkey.Key]bool{}
	var deletes, adds []result.Record
	for _, it := range items {
		if it.skip {
			continue
		}
		if it.err != nil {
			adds = append(adds, d.failure(it))
			continue
		}
		d.statLink(it)
		s.Files = append(s.Files, it.file)
		if it.key != (annexkey.Key{}) && !logged[it.key] {
			logged[it.key] = true
			s.Logs = append(s.Logs, annex.SetLocation(it.key, d.Annex.UUID, annexlog.StatusPresent, now))
		}
		switch {
		case it.record.Action == "delete":
			deletes = append(deletes, it.record)
		case it.record.Action != "":
			adds = append(adds, it.record)
		}
	}
	d.sortAdds(adds)
	s.Records = append(deletes, adds...)
	return s
}

// statLink fills in the index data of a symlink that is in place now.
func (d *Dataset) statLink(it *item) {
	if it.file.Mode != gitobj.ModeSymlink {
		return
	}
	if fi, err := os.Lstat(d.Repo.Path(it.Path)); err == nil {
		it.file.Stat = gitindex.StatOf(fi)
	}
}

func (d *Dataset) failure(it *item) result.Record {
	if r, ok := d.submoduleFailure(it.err); ok {
		return r
	}
	return d.record("add", it.Path, result.File).As(result.Error).Msg(it.err.Error())
}

// added is the record of a file whose content is stored: key is the annex
// key, or nil where git has the content.
func (d *Dataset) added(rel string, key any) result.Record {
	return d.record("add", rel, result.File).With("key", key).Msg("")
}

// record makes a result record for a path of this dataset.
func (d *Dataset) record(action, rel, typ string) result.Record {
	return result.New(action, result.OK, d.Repo.Path(filepath.FromSlash(rel)), typ).Ref(d.Path())
}
