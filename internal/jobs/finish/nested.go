package finish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/nested"
)

// Outputs in subdatasets are committed there, with the same message, before the
// dataset above records that commit beside the job's other files. A kill in
// between leaves the job open: the same command finds nothing to commit in the
// subdataset, but the job's commit, and goes on.

// openTree looks whether there are subdatasets, and returns what ends their use.
func (f *finishing) openTree(ctx context.Context) (done func()) {
	f.tree, f.logs = nil, map[*nested.Level][]annex.LogEdit{}
	if _, err := os.Lstat(f.d.Repo.Path(".gitmodules")); errors.Is(err, fs.ErrNotExist) {
		return func() {}
	}
	head, err := f.d.Repo.Head(ctx)
	if err != nil {
		return func() {} // publishing will say so
	}
	f.tree = nested.New(f.d, head, f.d.Repo.View(head.OID))
	return func() {
		f.tree.Close()
		f.tree = nil
	}
}

// levelOf returns the subdataset that a path lies in; nil: none.
func (f *finishing) levelOf(ctx context.Context, p string) (*nested.Level, error) {
	if f.tree == nil {
		return nil, nil
	}
	l, err := f.tree.Of(ctx, path.Clean(p))
	if err != nil || l.Above() == nil {
		return nil, err
	}
	return l, nil
}

// byLevel puts paths to the datasets that they lie in, as those name them.
func (f *finishing) byLevel(ctx context.Context, paths []string) (map[*nested.Level][]string, error) {
	inside := map[*nested.Level][]string{nil: {}}
	for _, p := range paths {
		l, err := f.levelOf(ctx, p)
		if err != nil {
			return nil, err
		}
		if l != nil {
			p = l.Inside(path.Clean(p))
		}
		inside[l] = append(inside[l], p)
	}
	return inside, nil
}

// outer is how the dataset names a file of a level.
func outer(l *nested.Level, p string) string {
	if l == nil {
		return p
	}
	return path.Join(l.Rel, p)
}

// noteLevels notes that a job has outputs in a level, also where there is
// nothing to commit.
func (f *finishing) noteLevels(l *nested.Level, o *over) {
	for _, p := range jobpath.Union(o.outputs, o.logs) {
		if jobpath.Within(path.Clean(p), l.Rel) {
			if o.nested == nil {
				o.nested = map[*nested.Level][]commit.File{}
			}
			o.nested[l] = append([]commit.File{}, o.nested[l]...)
			return
		}
	}
}

// checkNested reports, and leaves out, jobs whose outputs cannot go to the
// subdatasets as these are.
func (f *finishing) checkNested(ctx context.Context, list []*over) (ok []*over, err error) {
	for _, o := range list {
		err := f.checkNestedOne(ctx, o)
		if err == nil {
			ok = append(ok, o)
		} else if err := f.fail(&o.job, err); err != nil {
			return nil, err
		}
	}
	return ok, nil
}

func (f *finishing) checkNestedOne(ctx context.Context, o *over) error {
	inside, err := f.byLevel(ctx, jobpath.Union(o.outputs, o.logs))
	if err != nil {
		return err
	}
	for l := range inside {
		if l == nil {
			continue
		}
		if f.opt.Branches || f.opt.Octopus {
			return errs.WithHint(fmt.Errorf("it has outputs in the subdataset %s, which cannot be put on branches", l.Rel), "finish it without --branches and --octopus")
		}
		want, known := o.prov.Subdatasets[l.Rel]
		if known && !sameBranch(want, l.Head.Ref) && !f.opt.Here {
			err := &commit.WrongBranchError{Want: branchName(want), Have: branchName(l.Head.Ref)}
			return errs.WithHint(fmt.Errorf("subdataset %s: %w", l.Rel, err), "check that branch out there, or commit to this one with --here")
		}
	}
	return nil
}

// publishNested commits what the jobs left in subdatasets, the deepest first,
// and gives each job the commits that the datasets above are to record.
func (f *finishing) publishNested(ctx context.Context, list []*over) error {
	seen := map[*nested.Level]bool{}
	for _, o := range list {
		for l := range o.nested {
			for ; l.Above() != nil; l = l.Above() {
				seen[l] = true
			}
		}
	}
	var levels []*nested.Level
	for l := range seen {
		levels = append(levels, l)
	}
	slices.SortFunc(levels, func(a, b *nested.Level) int { return cmp.Compare(b.Rel, a.Rel) })
	for _, l := range levels {
		if err := f.publishIn(ctx, l, list); err != nil {
			return fmt.Errorf("finish: subdataset %s: %w", l.Rel, err)
		}
		f.opt.Step.At("nested " + l.Rel)
	}
	return nil
}

// publishIn commits in one subdataset.
func (f *finishing) publishIn(ctx context.Context, l *nested.Level, list []*over) error {
	var jobs []*over
	var names []string
	req := commit.Request{Logs: f.logs[l], OnBranch: l.Head.Ref}
	for _, o := range list {
		if files, here := o.nested[l]; here {
			jobs, names = append(jobs, o), append(names, o.name())
			req.Commits = append(req.Commits, commit.Commit{Message: f.message(o), Files: files})
		}
	}
	commits := req.Commits
	req.Confirm = func(ctx context.Context) error { return f.onlyForward(ctx, l.Dataset, l, commits) }
	req.Reason = reason(names)
	res, err := jobdb.Publisher(l.Dataset).Publish(ctx, req)
	if err != nil {
		return err
	}
	if err := propagated(ctx, l, res.Commits); err != nil {
		return err
	}
	made, err := f.madeIn(ctx, l, jobs, res.Commits)
	if err != nil {
		return err
	}
	above := l.Above()
	if above.Above() == nil {
		above = nil
	}
	for i, o := range jobs {
		if made[i] != "" {
			o.take(above, commit.File{Path: l.Above().Inside(l.Rel), Mode: gitobj.ModeGitlink, OID: made[i]})
		}
	}
	return nil
}

// onlyForward leaves out, under the lease, the commits of subdatasets that the
// branch is beyond already: another process may have recorded a later one.
func (f *finishing) onlyForward(ctx context.Context, d *dataset.Dataset, at *nested.Level, commits []commit.Commit) error {
	if f.tree == nil {
		return nil
	}
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	view := d.Repo.View(head.OID)
	for i := range commits {
		var keep []commit.File
		for _, file := range commits[i].Files {
			old, err := f.isBehind(ctx, view, at, file)
			if err != nil {
				return err
			}
			if !old {
				keep = append(keep, file)
			}
		}
		commits[i].Files = keep
	}
	return nil
}

// isBehind reports whether a file is the commit of a subdataset, and the branch
// has a later one.
func (f *finishing) isBehind(ctx context.Context, view *git.TreeView, at *nested.Level, file commit.File) (bool, error) {
	if file.Mode != gitobj.ModeGitlink {
		return false, nil
	}
	e, ok, err := view.Lookup(ctx, file.Path)
	if err != nil || !ok || e.Mode != gitobj.ModeGitlink || e.OID == file.OID {
		return false, err
	}
	l, err := f.tree.Of(ctx, outer(at, file.Path))
	if err != nil || e.OID == l.Recorded {
		return false, err
	}
	return l.Dataset.Repo.IsAncestor(ctx, file.OID, e.OID)
}
