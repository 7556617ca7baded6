package annexmerge

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// IntoHead merges a commit into the branch that is checked out, if it has more,
// and into the work tree. Conflicts are left as git leaves them (*ConflictError),
// unless all are of annexed files: those are resolved before anything is touched,
// and the branch goes forward to the merge.
func IntoHead(ctx context.Context, d *dataset.Dataset, theirs Theirs, opt Options) error {
	if err := d.ResumeMove(ctx); err != nil {
		return err
	}
	at, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	head := at.OID
	forward := head == ""
	if !forward {
		if done, err := d.Repo.IsAncestor(ctx, theirs.ID, head); err != nil || done {
			return err
		}
		if forward, err = d.Repo.IsAncestor(ctx, head, theirs.ID); err != nil {
			return err
		}
	}
	if err := d.RefuseUnmerged(ctx); err != nil {
		return err
	}
	if !forward && !opt.NoResolve {
		m, err := Outside(ctx, d, head, theirs, opt)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if len(m.Resolved) > 0 {
			return goForward(ctx, d, head, m)
		}
		// Whatever stands in git's way there, it tells better here.
	}
	merge := func() error {
		_, err := d.Repo.Output(ctx, append(mergeCommand(d, opt), "--", theirs.Ref)...)
		return err
	}
	if forward && head != "" {
		err = d.MoveFiles(ctx, head, theirs.ID, "", merge)
	} else {
		err = merge()
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	names, uerr := d.Unmerged(ctx)
	if uerr != nil || len(names) == 0 {
		return errors.Join(err, uerr)
	}
	return errs.WithHint(&ConflictError{Ref: theirs.Ref, Paths: names}, wayOut)
}

// wayOut of conflicts that are left to the user.
const wayOut = "resolve them (`git annex resolvemerge` does, where all are of annexed files), `git add` them and `git commit`, or give the merge up with `git merge --abort`; nothing is committed before"

// goForward brings the branch and the work tree to a resolved merge.
func goForward(ctx context.Context, d *dataset.Dataset, head gitobj.OID, m Merged) error {
	return d.MoveFiles(ctx, head, m.Commit, "", func() error {
		if _, err := d.Repo.Output(ctx, "merge", "--ff-only", "--quiet", string(m.Commit)); err != nil {
			return err
		}
		return d.PopulateFiles(ctx, m.Resolved)
	})
}
