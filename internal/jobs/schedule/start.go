package schedule

import (
	"context"
	"sync"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/nested"
)

// start is what jobs are scheduled on.
type start struct {
	head git.Head
	// base is the commit for records: of an adjusted branch, which is made anew
	// all the time, that of the branch it was made of.
	base gitobj.OID
	view *git.TreeView
	tree *nested.Tree // with the subdatasets
	// committed is the same as the commit has it.
	committed *nested.Tree
	// index is read when it is asked for; nil: it cannot be read natively.
	index func() *gitindex.File
}

// close gives files back; a command may schedule many jobs.
func (st *start) close() {
	if st != nil {
		st.tree.Close()
		st.committed.Close()
	}
}

// propagated sees to it that the branch which an adjusted one was made of has what
// git has committed, inputs among it, and returns what both are at then.
func propagated(ctx context.Context, d *dataset.Dataset) (head git.Head, base gitobj.OID, err error) {
	if _, err = d.PropagateToBasis(ctx); err != nil {
		return head, "", err
	}
	if head, err = d.Repo.Head(ctx); err != nil {
		return head, "", err
	}
	base, err = d.RecordedHead(ctx)
	return head, base, err
}

// startingPoint looks at what is checked out.
func startingPoint(ctx context.Context, d *dataset.Dataset) (*start, error) {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return nil, err
	}
	base := head.OID
	if adjusted.Is(head.Branch()) {
		if head, base, err = propagated(ctx, d); err != nil {
			return nil, err
		}
	}
	view := d.Repo.View(head.OID)
	return &start{head: head, base: base, view: view, tree: nested.New(d, head, view), committed: nested.Recorded(d, head, view), index: sync.OnceValue(func() *gitindex.File {
		index, err := d.Repo.ReadIndex()
		if err != nil {
			return nil
		}
		return index
	})}, nil
}
