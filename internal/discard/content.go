package discard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/transfer"
)

// dropContent deletes the content of annexed files where enough other repositories
// are proven to have it (numcopies, mincopies, trust). It reports one record for
// each file that was dropped or had to stay, and one for each named path beyond
// that.
func dropContent(ctx context.Context, t *target, opt Options, sink result.Sink) error {
	d := t.d
	if err := d.EnsureAnnex(ctx); err != nil {
		return err
	}
	if err := d.MayDrop(); err != nil {
		return err
	}
	r := &emptying{d: d, paths: t.paths, opt: opt, sink: sink, failed: map[string]bool{}, done: map[string]bool{}}
	if ok, err := r.look(ctx); err != nil || !ok {
		return err
	}
	if err := r.run(ctx); err != nil {
		return err
	}
	return r.summary(ctx)
}

// namedPath is a path that the user gave and that exists.
type namedPath struct {
	abs, rel string
	dir      bool
	key      annexkey.Key // of a file whose content is not here
}

// annexedFile is a file whose content is here.
type annexedFile struct {
	rel  string // "": any file, or none
	key  annexkey.Key
	left bool // a drop that was killed has left the content in the file alone
}

// emptying is the deletion of content in one dataset.
type emptying struct {
	d      *dataset.Dataset
	paths  []string // as typed; nil: the whole dataset
	opt    Options
	sink   result.Sink
	named  []namedPath
	files  []annexedFile // annexed files that have content
	gone   []annexkey.Key
	failed map[string]bool // by path relative to the top
	done   map[string]bool
}

// look finds the files to drop. Paths that cannot be dropped are reported;
// false means that nothing may be done because of them.
func (r *emptying) look(ctx context.Context) (bool, error) {
	index, err := r.d.Repo.ReadIndex()
	if err != nil {
		return false, err
	}
	paths := r.paths
	if len(paths) == 0 {
		paths = []string{r.d.Path()}
	}
	for _, typed := range paths {
		p, rec := r.name(index, typed)
		if rec.Action != "" {
			if err := r.sink.Emit(rec); err != nil {
				return false, err
			}
			continue
		}
		r.named = append(r.named, p)
	}
	if len(r.named) == 0 {
		return false, nil
	}
	if blocked, err := r.unsaved(ctx); err != nil || blocked {
		return false, err
	}
	seen := map[string]bool{}
	for i := range r.named {
		if err := r.collect(ctx, index, &r.named[i], seen); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *emptying) name(index *gitindex.File, typed string) (namedPath, result.Record) {
	p := namedPath{abs: r.d.Abs(typed)}
	refusal := result.New("drop", result.Error, p.abs, result.File).Ref(r.d.Path())
	var err error
	if p.rel, err = r.d.Rel(typed); err != nil {
		return p, refusal.Msg(fmt.Sprintf("path not associated with dataset %s", r.d.Path()))
	}
	if sub := dataset.SubdatasetAbove(index, p.rel); sub != "" {
		return p, refusal.Msg(fmt.Sprintf("path is in the subdataset %s: dropping there from here is not supported yet", sub))
	}
	fi, err := os.Lstat(r.d.Repo.Path(p.rel))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		if _, tracked := index.Lookup(p.rel); !tracked {
			return p, refusal.With("error_message", "File unknown to git").Msg("path does not exist")
		}
		return p, result.Record{}
	}
	if err != nil {
		return p, refusal.Msg(err.Error())
	}
	p.dir = fi.IsDir()
	return p, result.Record{}
}

// unsaved reports changes that are not saved: their content may be the only
// copy of something.
func (r *emptying) unsaved(ctx context.Context) (bool, error) {
	if r.opt.Reckless == Modification || r.opt.Reckless == Kill {
		return false, nil
	}
	scope := dataset.Scope{}
	for _, p := range r.named {
		scope.Paths = append(scope.Paths, p.rel)
	}
	return r.d.Unsaved(ctx, scope, r.sink)
}

// run drops and reports what look has found.
func (r *emptying) run(ctx context.Context) error {
	if len(r.files) == 0 {
		return nil
	}
	pf, err := newProofs(ctx, r.d, r.files, r.opt.Reckless == Availability || r.opt.Reckless == Kill)
	if err != nil {
		return err
	}
	outcome, err := r.carryOut(ctx, pf)
	for _, f := range r.files {
		if e := r.report(f, pf.explain(ctx, f, outcome[f.key]), outcome); e != nil {
			return errors.Join(err, e)
		}
	}
	return err
}

// report emits the record of a file. Of several files with the same content
// the first one stands for what was dropped, as in git-annex.
func (r *emptying) report(f annexedFile, failure error, outcome map[annexkey.Key]error) error {
	if _, tried := outcome[f.key]; !tried || errors.Is(failure, remote.ErrAbsent) {
		return nil
	}
	rec := r.d.Record("drop", f.rel, result.File).With("annexkey", f.key.String())
	if failure != nil {
		r.failed[f.rel] = true
		return r.sink.Emit(rec.As(result.Error).Msg(dropFailure(failure)))
	}
	r.done[f.rel] = true
	delete(outcome, f.key)
	return r.sink.Emit(rec)
}

func dropFailure(err error) string {
	var unsafe *transfer.UnsafeError
	switch {
	case errors.As(err, &unsafe):
		return err.Error()
	case errors.Is(err, remote.ErrBusy):
		return "content is locked: somebody relies on it or is dropping it now"
	case errors.Is(err, remote.ErrNoLock):
		return err.Error() + " (use `git annex drop`)"
	}
	return err.Error()
}

// summary reports the named paths that no record was about yet.
func (r *emptying) summary(ctx context.Context) error {
	var absent []annexkey.Key
	for _, p := range r.named {
		if !p.key.IsZero() {
			absent = append(absent, p.key)
		}
	}
	if len(absent) > 0 {
		if err := r.d.CorrectLocations(ctx, absent, "stemma drop"); err != nil {
			return err
		}
	}
	for _, p := range r.named {
		if r.failed[p.rel] || r.done[p.rel] {
			continue
		}
		rec := result.New("drop", result.NotNeeded, p.abs, result.File).Ref(r.d.Path())
		if p.dir {
			rec = r.d.FolderRecord(rec, p.rel, r.done, r.failed, "drop")
		} else {
			rec = rec.Msg("no annex'ed content")
		}
		if err := r.sink.Emit(rec); err != nil {
			return err
		}
	}
	return nil
}
