package adjusted

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexmerge"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Options says what is merged.
type Options struct {
	Refs      []string // full names; those that do not exist are passed over
	Unrelated bool     // also what has no history in common
	// Anew makes the adjusted branch again even where nothing is merged: files
	// may have come or gone that it shows or hides.
	Anew bool
	// NoResolve leaves conflicts of annexed files to the user.
	NoResolve bool
}

// attempts bounds how often the branch may move while a merge is made.
const attempts = 5

// Merge merges refs into the branch that the adjusted one which is checked out
// was made of, and what that has by itself, and makes the adjusted branch anew.
// What was committed to it is propagated first. Where something is in the way (a
// conflict, changed files in the work tree) nothing is merged.
func Merge(ctx context.Context, d *dataset.Dataset, opt Options) error {
	var err error
	for range attempts {
		var moved bool
		if moved, err = merge(ctx, d, opt); err == nil || !moved {
			return err
		}
	}
	return err
}

// merge is one attempt. moved says of an error that another process was faster.
func merge(ctx context.Context, d *dataset.Dataset, opt Options) (moved bool, err error) {
	if err := d.Resume(ctx); err != nil {
		return false, err
	}
	a, err := d.PropagateToBasis(ctx)
	if err != nil {
		return false, err
	}
	if a == nil {
		return false, errors.New("merge: no adjusted branch of git-annex is checked out")
	}
	refs := opt.Refs
	if a.Tip != a.Basis {
		refs = append([]string{a.OriginalRef()}, refs...)
	}
	tip := a.Basis
	for _, ref := range refs {
		if tip, err = withRef(ctx, d, tip, ref, opt); err != nil {
			return false, err
		}
	}
	if tip == a.Basis && !opt.Anew {
		return false, nil
	}
	v, err := adjust(ctx, d, a.Adjustment, tip, a.Head.OID)
	if err != nil || tip == a.Basis && v.forward == "" {
		return false, err
	}
	return goTo(ctx, d, a, tip, v)
}

// goTo brings the work tree, and then the branches, to a version. A process
// that is killed before the branches have moved is made up for by the same
// command, which finds the work tree as it is to be.
func goTo(ctx context.Context, d *dataset.Dataset, a *dataset.Adjusted, tip gitobj.OID, v version) (moved bool, err error) {
	at := a.Head.OID
	if v.forward != "" {
		err := d.MoveFiles(ctx, at, v.forward, "", func() error {
			_, err := d.Repo.Output(ctx, "merge", "--ff-only", "--quiet", string(v.forward))
			return err
		})
		if err != nil {
			now, herr := d.Repo.Head(ctx)
			return herr == nil && now.OID != at, err
		}
		at = v.forward
	}
	if err := d.PopulateFiles(ctx, v.unlocked); err != nil {
		return false, err
	}
	moves := []git.RefMove{{Name: a.Head.Ref, Old: at, New: v.commit}}
	if tip != a.Basis {
		moves = append(moves, git.RefMove{Name: annex.BasisRef(a.Head.Branch()), Old: a.Basis, New: tip})
	}
	if tip != a.Tip {
		moves = append(moves, git.RefMove{Name: a.OriginalRef(), Old: a.Tip, New: tip})
	}
	lease, err := d.Publisher().Lock(ctx, "update adjusted branch")
	if err != nil {
		return false, err
	}
	err = d.Publisher().MoveRefs(ctx, lease, moves, "updating adjusted branch")
	return err != nil, errors.Join(err, lease.Release())
}

// withRef returns the commit that has both a commit and a ref's.
func withRef(ctx context.Context, d *dataset.Dataset, tip gitobj.OID, ref string, opt Options) (gitobj.OID, error) {
	id, err := d.Repo.Ref(ctx, ref)
	if err != nil || id == "" || id == tip {
		return tip, err
	}
	if has, err := d.Repo.IsAncestor(ctx, id, tip); err != nil || has {
		return tip, err
	}
	m, err := annexmerge.Outside(ctx, d, tip, annexmerge.Theirs{Ref: ref, ID: id}, annexmerge.Options{Unrelated: opt.Unrelated, NoResolve: opt.NoResolve})
	var c *annexmerge.ConflictError
	if errors.As(err, &c) {
		err = errs.WithHint(err, "check out the original branch, merge there, check this branch out again, and repeat the command")
	}
	return m.Commit, err
}

// Is reports whether a branch, by its short name, is an adjusted one.
func Is(branch string) bool {
	_, _, ok := annex.ParseAdjusted(branch)
	return ok
}
