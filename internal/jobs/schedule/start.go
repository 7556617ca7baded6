package schedule

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/jobs/nested"
)

// start is what jobs are scheduled on.
type start struct {
	head git.Head
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
		st.view.Close()
	}
}

// startingPoint refuses branches that jobs cannot be scheduled on.
func startingPoint(ctx context.Context, d *dataset.Dataset) (*start, error) {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(head.Ref, "refs/heads/adjusted/") {
		return nil, errs.WithHint(fmt.Errorf("schedule: %s is an adjusted branch, which is not supported yet", head.Branch()),
			"check out the branch that it was made from")
	}
	view := d.Repo.View(head.OID)
	return &start{head: head, view: view, tree: nested.New(d, head, view), committed: nested.Recorded(d, head, view), index: sync.OnceValue(func() *gitindex.File {
		index, err := d.Repo.ReadIndex()
		if err != nil {
			return nil
		}
		return index
	})}, nil
}
