package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// StageOptions says how content is stored.
type StageOptions struct {
	ToGit bool // all content goes to git, whatever annex.largefiles says
	Jobs  int  // files hashed at once; 0: one per core

	// For StagePaths: named files that .gitignore names, or that git does not
	// know yet, are passed over; else being named is enough.
	SkipIgnored, SkipUntracked bool
	// Infos, for StagePaths, is what the caller has just seen at named paths.
	Infos map[string]fs.FileInfo

	ancestors *Ancestors
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
	in     *fsx.Folders  // of the dataset: what is read and replaced is there, not where a link leads
	key    annexkey.Key  // content that is here, if any
	lost   annexkey.Key  // content that was here until the file changed (annex.thin)
	seen   fs.FileInfo   // state of the file when it was hashed
	text   []byte        // the content of a small file that goes to git
	link   string        // symlink to put in the file's place
	record result.Record // zero: nothing to report

	metadata []annex.LogEdit // of a stored file's key
	module   *Module         // to be registered
	skip     bool            // already as it should be
	err      error
}

// Stage stores the content of the changes. A file that cannot be stored gives
// an error record; the others go on. The error is for failures that concern
// all. Paths in conflict are refused.
func (d *Dataset) Stage(ctx context.Context, changes []Change, opt StageOptions) (*Staged, error) {
	if err := refuseConflicts(changes); err != nil {
		return nil, err
	}
	d.forgetAttributes()
	d.texts.Store(0)
	opt.ancestors = d.Ancestors(ctx)
	folders := fsx.NewFolders(d.Path())
	defer folders.Close()
	items := make([]*item, len(changes))
	for i, c := range changes {
		items[i] = &item{Change: c, file: commit.File{Path: c.Path}, in: folders}
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
	keepTexts(items)
	if err := d.syncStored(items); err != nil {
		return nil, err
	}
	if len(items) > 1 { // else many at once find that it is missing
		_ = d.Repo.MakeShared(commit.TempDir(d.Repo))
	}
	if err := d.forEach(ctx, items, opt.Jobs, d.putInPlace); err != nil {
		return nil, err
	}
	return d.collect(items), nil
}

// overlap is how many small files are worked on at once: on a parallel file
// system most of the time is spent waiting for answers.
const overlap = 32

// smallFile is the size up to which a file costs more questions than reading.
const smallFile = 1 << 20

// forEach runs fn on all items that have no error, some at once: as many as
// jobs says of large files, and of those nobody has looked at. An error of fn
// stays with its item, unless it concerns all (a full disk, an interrupt).
func (d *Dataset) forEach(ctx context.Context, items []*item, jobs int, fn func(*item) error) error {
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	big := make(chan bool, jobs)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(jobs, overlap))
	for _, it := range items {
		if it.err != nil || it.skip {
			continue
		}
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if it.info == nil || it.info.Size() > smallFile {
				big <- true
				defer func() { <-big }()
			}
			if it.err = fn(it); errs.Fatal(it.err) {
				return it.err
			}
			return nil
		})
	}
	return g.Wait()
}

// keepTexts hands on the content of small files that nobody converts, so that
// they are not read twice.
func keepTexts(items []*item) {
	for _, it := range items {
		if it.text != nil && it.file.Source != "" && it.file.OID == "" {
			it.file.Data, it.file.Source = it.text, ""
		}
		it.text = nil
	}
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
	return it.in.In(it.Path, func(dir *fsx.Folder, name string) error {
		if it.seen != nil {
			if same, err := dir.Holds(name, it.seen); err != nil {
				return err
			} else if !same {
				return &annex.ChangedError{Path: d.Repo.Path(it.Path)}
			}
		}
		if err := d.PutLinkIn(dir, name, it.link); err != nil {
			return fmt.Errorf("lock %s: %w", it.Path, err)
		}
		return nil
	})
}

// collect turns the items into what the commit needs, and uses them up.
func (d *Dataset) collect(items []*item) *Staged {
	s := &Staged{}
	now := d.LogClock()
	logged, lost := map[annexkey.Key]bool{}, map[annexkey.Key]bool{}
	var deletes, adds []result.Record
	for i, it := range items {
		items[i] = nil // what follows takes as much memory again
		if it.skip {
			continue
		}
		if it.err != nil {
			adds = append(adds, d.failure(it))
			continue
		}
		d.statLink(it)
		if it.lost != (annexkey.Key{}) {
			lost[it.lost] = true
		}
		s.Files = append(s.Files, it.file)
		if it.key != (annexkey.Key{}) && !logged[it.key] {
			logged[it.key] = true
			s.Logs = append(s.Logs, annex.SetLocation(it.key, d.Annex.UUID, annexlog.StatusPresent, now))
		}
		s.Logs = append(s.Logs, it.metadata...)
		switch {
		case it.record.Action == "delete":
			deletes = append(deletes, it.record)
		case it.record.Action != "":
			adds = append(adds, it.record)
		}
	}
	for k := range lost {
		if !logged[k] && !d.Annex.Has(k) {
			s.Logs = append(s.Logs, annex.SetLocation(k, d.Annex.UUID, annexlog.StatusAbsent, now))
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
	return d.Record("add", it.Path, result.File).As(result.Error).Msg(it.err.Error())
}

// added is the record of a file whose content is stored: key is the annex
// key, or nil where git has the content.
func (d *Dataset) added(rel string, key any) result.Record {
	return d.Record("add", rel, result.File).With("key", key).Msg("")
}
