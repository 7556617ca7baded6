package finish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/stages"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/stage"
)

// Isolated jobs may write the same paths. Each brings its outputs back to the
// work tree and is committed before the next one does so: the commits follow
// one another in the order in which the jobs are finished, the work tree has
// the last one's files, and what stands in the work tree alone is never written
// over.

// waves splits jobs so that no two of one wave bring the same paths back. What
// is not isolated lies in the work tree already, and goes with the first.
func (f *finishing) waves(list []*over) (waves [][]*over) {
	at, below := map[string]int{}, map[string]int{} // first free wave, by path, and for what holds it
	rows := map[int64]int{}                         // by the ledger's rows: tasks of one array go together
	for _, o := range list {
		n, known := rows[o.job.ID]
		if o.job.Isolated != "" && !known {
			for _, p := range o.job.Claims {
				n = max(n, below[p])
				for up := p; ; up = path.Dir(up) {
					if n = max(n, at[up]); up == "." {
						break
					}
				}
			}
		}
		for _, p := range f.graph.after[o.job.ID] {
			n = max(n, rows[p])
		}
		if o.job.Isolated != "" && !known {
			for _, p := range o.job.Claims {
				at[p] = n + 1
				for up := p; ; up = path.Dir(up) {
					if below[up] = max(below[up], n+1); up == "." {
						break
					}
				}
			}
		}
		rows[o.job.ID] = n
		for len(waves) <= n {
			waves = append(waves, nil)
		}
		waves[n] = append(waves[n], o)
	}
	return waves
}

// enter claims the paths in the work tree for a job that is marked, unless
// another process brings the same paths back. It returns why the job must wait.
func (f *finishing) enter(tx *ledger.Tx, j *ledger.Job) (busy string, err error) {
	for {
		err := tx.Enter(j.ID)
		var conflict *ledger.ConflictError
		if !errors.As(err, &conflict) {
			return "", err
		}
		if taken(&conflict.Other, f.d.Now()) != "" {
			return fmt.Sprintf("writes %s, as does job %s, which another process is finishing right now; finish it afterwards", conflict.Path, jobrec.Label(&conflict.Other)), nil
		}
		if err := tx.Leave(conflict.Other.ID); err != nil { // its process is gone
			return "", err
		}
	}
}

// gatherIsolated checks what is in the folder of a job and brings its outputs
// back.
func (f *finishing) gatherIsolated(ctx context.Context, o *over) error {
	damage, err := f.damage(&o.job)
	if err != nil {
		return err
	}
	if err := f.locate(o); err != nil {
		var missing *MissingOutputError
		if errors.As(err, &missing) && damage.Lost() {
			return errs.WithHint(fmt.Errorf("%w; %s", err, purged(damage)), "schedule it again, and give this one up with `stemma jobs release %s`", o.job.JobID)
		}
		return err
	}
	if damage.Lost() {
		if err := f.judgeLoss(o, damage); err != nil {
			return err
		}
	}
	if err := f.bringBack(ctx, o, f.mayReplace); err != nil {
		return err
	}
	o.changed = map[string]string{}
	id := &fileid.Identifier{Top: o.job.AltDir, Format: f.d.Repo.Format}
	for _, p := range append(append(damage.Vanished, damage.Truncated...), damage.Changed...) {
		o.changed[p] = fileid.Missing
		if oid, err := id.Hash(ctx, id.Abs(p)); err == nil {
			o.changed[p] = string(oid)
		}
	}
	for _, p := range damage.Changed {
		f.d.Env.Log.Warn(fmt.Sprintf("job %s: its staged input %s was written to", jobrec.Label(&o.job), p))
	}
	return nil
}

// damage compares the folder of an isolated job with what was put into it.
func (f *finishing) damage(j *ledger.Job) (d stage.Damage, err error) {
	n, ok, err := stages.NoteOf(f.d, j)
	if err != nil || !ok {
		return d, err
	}
	return stage.Inspect(j.AltDir, n.Files)
}

func purged(d stage.Damage) string {
	return d.String() + ": was the file system cleaned up?"
}

// purgeNote says of a job that is not complete whether files that were staged
// for it are gone, which may be why.
func (f *finishing) purgeNote(j *ledger.Job) string {
	if j.Isolated == "" {
		return ""
	}
	if d, err := f.damage(j); err == nil && d.Lost() {
		return purged(d)
	}
	return ""
}

// judgeLoss decides about a completed job whose inputs are gone, in part. If
// that may have happened while it ran, its results are not to be trusted.
func (f *finishing) judgeLoss(o *over, d stage.Damage) error {
	when := "after it ended"
	if !lostLater(o, d) {
		when = "and perhaps while it ran"
		if o.sentence == "" && !f.opt.CommitFailed {
			return errs.WithHint(fmt.Errorf("%s, %s", purged(d), when),
				"schedule it again; or look whether its results are right, and commit them with `stemma finish --commit-failed-jobs %s`", o.job.JobID)
		}
		o.sentence = "Staged inputs were lost, perhaps while the job ran: " + d.String() + "."
	}
	f.d.Env.Log.Warn(fmt.Sprintf("job %s: %s, %s", jobrec.Label(&o.job), d.String(), when))
	return nil
}

// endSlack is how far the clocks of scheduler and file system may differ; the
// scheduler's times are in whole seconds.
const endSlack = 3 * time.Second

// lostLater reports whether all that is gone went after the job had ended, as
// the times of the files and of their folders prove.
func lostLater(o *over, d stage.Damage) bool {
	var end time.Time
	for _, t := range o.status.Tasks {
		if t.End.After(end) {
			end = t.End
		}
	}
	if end.IsZero() {
		return false
	}
	changed := func(rel string) bool {
		fi, err := os.Lstat(filepath.Join(o.job.AltDir, filepath.FromSlash(rel)))
		return err != nil || fi.ModTime().After(end.Add(endSlack))
	}
	for _, p := range d.Vanished {
		if !changed(path.Dir(p)) {
			return false
		}
	}
	for _, p := range d.Truncated {
		if !changed(p) {
			return false
		}
	}
	return true
}

// LocalChangeError says that bringing back an output would destroy what no
// commit holds.
type LocalChangeError struct{ Path string }

func (e *LocalChangeError) Error() string {
	return fmt.Sprintf("output %s is in the work tree with content that is not committed", e.Path)
}

// mayReplace allows to replace files that the branch holds as they are.
func (f *finishing) mayReplace(ctx context.Context, rel string) error {
	refuse := errs.WithHint(&LocalChangeError{rel}, "save it, or move it away, and finish the job again")
	d := f.d
	if l, err := f.levelOf(ctx, rel); err != nil {
		return err
	} else if l != nil {
		d, rel = l.Dataset, l.Inside(rel)
	}
	index, err := readIndex(d)
	if err != nil || index == nil {
		return errors.Join(err, refuse)
	}
	e, known := index.Lookup(rel)
	if !known {
		return refuse
	}
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	view := d.Repo.View(head.OID)
	if in, ok, err := view.Lookup(ctx, rel); err != nil || !ok || in.OID != e.OID {
		return errors.Join(err, refuse)
	}
	fi, err := os.Lstat(d.Repo.Path(filepath.FromSlash(rel)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	id := &fileid.Identifier{Top: d.Path(), Format: d.Repo.Format, Index: func() *gitindex.File { return index }}
	_, state, err := id.File(ctx, rel, fi, e, true)
	if err == nil && state != fileid.Clean {
		err = refuse
	}
	return err
}

func isEmptyFolder(p string) bool {
	if fi, err := os.Lstat(p); err != nil || !fi.IsDir() {
		return false
	}
	f, err := os.Open(p)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	return errors.Is(err, io.EOF)
}
