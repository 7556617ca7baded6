package dataset

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Adjusted is an adjusted branch that is checked out.
type Adjusted struct {
	annex.Adjustment
	Head     git.Head
	Original string     // the branch that it was made of
	Basis    gitobj.OID // the commit of that branch that it stands on
	Tip      gitobj.OID // of that branch; not Basis where it has moved since
}

// Adjusted tells of the adjusted branch that is checked out; nil: there is none,
// or it lacks what git-annex keeps of it, of which the log warns.
func (d *Dataset) Adjusted(ctx context.Context) (*Adjusted, error) {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return nil, err
	}
	a := &Adjusted{Head: head}
	var ok bool
	if a.Original, a.Adjustment, ok = annex.ParseAdjusted(head.Branch()); !ok || d.Annex == nil {
		return nil, nil
	}
	if a.Basis, err = d.Repo.Ref(ctx, annex.BasisRef(head.Branch())); err != nil {
		return nil, err
	}
	if a.Basis == "" {
		d.Env.Log.Warn(fmt.Sprintf("%s is missing: what is committed to %s does not get to %s; check that out and run `git annex adjust --force` again",
			annex.BasisRef(head.Branch()), head.Branch(), a.Original))
		return nil, nil
	}
	a.Tip, err = d.Repo.Ref(ctx, a.OriginalRef())
	return a, err
}

// OriginalRef is the full name of the original branch.
func (a *Adjusted) OriginalRef() string { return "refs/heads/" + a.Original }

// Propagate brings commits that were made on an adjusted branch to the branch
// that it was made of, with files in their original form, and then puts the
// adjusted branch on top of that. Elsewhere it does nothing. What it costs
// depends on those commits only.
func (d *Dataset) Propagate(ctx context.Context) error {
	a, err := d.PropagateToBasis(ctx)
	if err != nil || a == nil || a.Tip == a.Basis {
		return err
	}
	return errs.WithHint(fmt.Errorf("the branch %s has moved since %s was made of it", a.Original, a.Head.Branch()), "`git annex merge` takes over what is new there")
}

// PropagateToBasis is Propagate, but where the original branch has moved by
// itself it stays, and what stands on the old basis can be merged with it. It
// returns the adjusted branch as it is then; nil: there is none.
func (d *Dataset) PropagateToBasis(ctx context.Context) (*Adjusted, error) {
	a, err := d.Adjusted(ctx)
	if err != nil || a == nil {
		return nil, err
	}
	// One commit tells in nearly all cases.
	if top, err := d.readCommit(ctx, a.Head.OID); err != nil || a.settled([]commitText{top}) {
		return a, err
	}
	// Under the lease, so that of several writers one does it for all.
	lease, err := d.Publisher().Lock(ctx, "propagate commits of an adjusted branch")
	if err != nil {
		return nil, err
	}
	a, err = d.propagateLocked(ctx, lease)
	if rerr := lease.Release(); err == nil {
		err = rerr
	}
	return a, err
}

// settled reports whether nothing but git-annex's commit is above the basis,
// which the original branch has.
func (a *Adjusted) settled(list []commitText) bool {
	return a.Tip == a.Basis && (len(list) == 0 || len(list) == 1 && list[0].adjusts() && list[0].onto(a.Basis))
}

// propagations bounds how often a git that knows no lease may be faster.
const propagations = 5

func (d *Dataset) propagateLocked(ctx context.Context, lease *fsx.Lease) (a *Adjusted, err error) {
	for range propagations {
		if a, err = d.Adjusted(ctx); err != nil || a == nil {
			return a, err
		}
		var moves []git.RefMove
		if moves, err = d.propagation(ctx, a); err != nil || len(moves) == 0 {
			return a, err
		}
		if err = d.Publisher().MoveRefs(ctx, lease, moves, "stemma: propagate commits of an adjusted branch"); err == nil {
			return d.Adjusted(ctx)
		}
	}
	return nil, err
}

// propagation makes the commits and says how refs are to be moved. A process
// that is killed between two of them leaves what tells where to go on.
func (d *Dataset) propagation(ctx context.Context, a *Adjusted) ([]git.RefMove, error) {
	list, err := d.unpropagated(ctx, a)
	if err != nil || a.settled(list) {
		return nil, err
	}
	who, err := d.Repo.Identities(ctx, d.Now())
	if err != nil {
		return nil, err
	}
	w := d.Repo.WriteObjects(ctx)
	defer w.Abort()
	r := &reversal{d: d, a: a, writer: w, stands: map[gitobj.OID]gitobj.OID{}}
	tip, err := r.all(ctx, list)
	if err != nil {
		return nil, err
	}
	top := a.Head.OID
	if last := len(list) - 1; last >= 0 && !(list[last].adjusts() && list[last].onto(tip)) {
		top, _, err = w.Commit(git.CommitSpec{Parents: []gitobj.OID{tip}, Who: who, TreeOf: a.Head.OID, Message: annex.AdjustedMessage})
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, err
	}
	return d.adjustedMoves(ctx, a, top, tip)
}

// adjustedMoves leaves the original branch out if it has what tip lacks.
func (d *Dataset) adjustedMoves(ctx context.Context, a *Adjusted, top, tip gitobj.OID) (moves []git.RefMove, err error) {
	forward := a.Tip == a.Basis || a.Tip == ""
	if !forward {
		if forward, err = d.Repo.IsAncestor(ctx, a.Tip, tip); err != nil {
			return nil, err
		}
	}
	if a.Head.OID != top {
		moves = append(moves, git.RefMove{Name: a.Head.Ref, Old: a.Head.OID, New: top})
	}
	if a.Basis != tip {
		moves = append(moves, git.RefMove{Name: annex.BasisRef(a.Head.Branch()), Old: a.Basis, New: tip})
	}
	if forward && a.Tip != tip {
		moves = append(moves, git.RefMove{Name: a.OriginalRef(), Old: a.Tip, New: tip})
	}
	return moves, nil
}
