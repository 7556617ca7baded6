package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/transfer"
)

// DropOptions says which content may go.
type DropOptions struct {
	Paths []string // as typed; none: the whole dataset
	// What is "filecontent" or "": the content of annexed files.
	What string
	// Reckless names the checks that are left out: "modification" (unsaved
	// changes), "availability" (other copies), "kill" (both).
	Reckless string
	Jobs     int // files at once; 0: a few
}

// Drop deletes the content of annexed files where enough other repositories
// are proven to have it (numcopies, mincopies, trust). It reports one record
// for each file that was dropped or had to stay, and one for each named path
// beyond that.
func (d *Dataset) Drop(ctx context.Context, opt DropOptions, sink result.Sink) error {
	if opt.What != "" && opt.What != "filecontent" {
		return errs.WithExit(fmt.Errorf("drop: --what %s is not supported yet", opt.What), errs.ExitUsage)
	}
	switch opt.Reckless {
	case "", "modification", "availability", "undead", "kill":
	default:
		return errs.WithExit(fmt.Errorf("drop: unknown --reckless %q", opt.Reckless), errs.ExitUsage)
	}
	if err := d.EnsureAnnex(ctx); err != nil {
		return err
	}
	if err := d.mayDrop(); err != nil {
		return err
	}
	r := &dropping{d: d, opt: opt, sink: sink, failed: map[string]bool{}, done: map[string]bool{}}
	if ok, err := r.look(ctx); err != nil || !ok {
		return err
	}
	if err := r.run(ctx); err != nil {
		return err
	}
	return r.summary(ctx)
}

// mayDrop refuses annexes in which this program cannot delete safely.
func (d *Dataset) mayDrop() error {
	if d.Annex == nil {
		return nil
	}
	if fi, err := os.Lstat(d.Annex.Dir()); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		return errors.New("drop: the annex is a link to another repository's; dropping from it is unsupported to prevent data loss")
	}
	for _, key := range []string{"annex.secure-erase-command", "annex.freezecontent-command", "annex.thawcontent-command"} {
		if d.Repo.Config.Get(key) != "" {
			return errs.WithHint(fmt.Errorf("drop: %s is set, which is not supported yet", key), "use `git annex drop`")
		}
	}
	return nil
}

// dropping is one run of Drop.
type dropping struct {
	d      *Dataset
	opt    DropOptions
	sink   result.Sink
	named  []namedPath
	files  []absentFile // annexed files that have content
	gone   []annexkey.Key
	failed map[string]bool // by path relative to the top
	done   map[string]bool
}

// look finds the files to drop. Paths that cannot be dropped are reported;
// false means that nothing may be done because of them.
func (r *dropping) look(ctx context.Context) (bool, error) {
	index, err := r.d.Repo.ReadIndex()
	if err != nil {
		return false, err
	}
	paths := r.opt.Paths
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

func (r *dropping) name(index *gitindex.File, typed string) (namedPath, result.Record) {
	p := namedPath{abs: r.d.abs(typed)}
	refusal := result.New("drop", result.Error, p.abs, result.File).Ref(r.d.Path())
	var err error
	if p.rel, err = r.d.Rel(typed); err != nil {
		return p, refusal.Msg(fmt.Sprintf("path not associated with dataset %s", r.d.Path()))
	}
	if sub := subdatasetAbove(index, p.rel); sub != "" {
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
func (r *dropping) unsaved(ctx context.Context) (bool, error) {
	if r.opt.Reckless == "modification" || r.opt.Reckless == "kill" {
		return false, nil
	}
	scope := Scope{}
	for _, p := range r.named {
		scope.Paths = append(scope.Paths, p.rel)
	}
	return r.d.Unsaved(ctx, scope, r.sink)
}

// run drops and reports what look has found.
func (r *dropping) run(ctx context.Context) error {
	if len(r.files) == 0 {
		return nil
	}
	pf, err := r.d.newProofs(ctx, r.files, r.opt.Reckless == "availability" || r.opt.Reckless == "kill")
	if err != nil {
		return err
	}
	outcome, err := r.carryOut(ctx, pf)
	for _, f := range r.files {
		if e := r.report(f, outcome); e != nil {
			return errors.Join(err, e)
		}
	}
	return err
}

// report emits the record of a file. Of several files with the same content
// the first one stands for what was dropped, as in git-annex.
func (r *dropping) report(f absentFile, outcome map[annexkey.Key]error) error {
	failure, tried := outcome[f.key]
	if !tried || errors.Is(failure, remote.ErrAbsent) {
		return nil
	}
	rec := r.d.record("drop", f.rel, result.File).With("annexkey", f.key.String())
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
func (r *dropping) summary(ctx context.Context) error {
	var absent []annexkey.Key
	for _, p := range r.named {
		if !p.key.IsZero() {
			absent = append(absent, p.key)
		}
	}
	if len(absent) > 0 {
		if err := r.d.correctLocations(ctx, absent, "stemma drop"); err != nil {
			return err
		}
	}
	for _, p := range r.named {
		if r.failed[p.rel] || r.done[p.rel] {
			continue
		}
		rec := result.New("drop", result.NotNeeded, p.abs, result.File).Ref(r.d.Path())
		if p.dir {
			rec = folderRecord(r.d, rec, p, r.done, r.failed, "drop")
		} else {
			rec = rec.Msg("no annex'ed content")
		}
		if err := r.sink.Emit(rec); err != nil {
			return err
		}
	}
	return nil
}
