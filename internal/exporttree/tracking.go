package exporttree

import (
	"context"
	"errors"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// track moves the branch that says what the remote has, refs/remotes/NAME/BRANCH.
func (x *export) track(ctx context.Context, name string) error {
	branch, _, _ := strings.Cut(strings.TrimPrefix(name, "refs/heads/"), ":")
	if branch == "" || strings.Contains(branch, "/") {
		return nil
	}
	tip, err := x.s.D.Repo.Ref(ctx, "refs/heads/"+branch)
	if err != nil || tip == "" {
		return err
	}
	ref := "refs/remotes/" + x.name + "/" + branch
	old, err := x.s.D.Repo.Ref(ctx, ref)
	if err != nil {
		return err
	}
	next := tip
	if old != "" {
		if next, err = x.joinImports(ctx, old, tip); err != nil {
			return err
		}
	}
	if next == old {
		return nil
	}
	return x.s.D.Repo.MoveRefs(ctx, []git.RefMove{{Name: ref, Old: old, New: next}}, "stemma annex export")
}

// trackingMessage is that of commits that join what was exported with what was
// imported.
const trackingMessage = "remote tracking branch"

// joinImports keeps the history of imports that the tracking branch has as its
// second parent.
func (x *run) joinImports(ctx context.Context, old, tip gitobj.OID) (gitobj.OID, error) {
	commits, err := x.s.D.Repo.Log(ctx, string(old), "--max-count=1")
	if err != nil || len(commits) == 0 || len(commits[0].Parents) != 2 {
		return tip, err
	}
	if commits[0].Parents[0] == tip {
		return old, nil
	}
	return x.commit(ctx, trackingMessage, tip, tip, commits[0].Parents[1])
}

// commit makes a commit with the tree of another one.
func (x *run) commit(ctx context.Context, message string, treeOf gitobj.OID, parents ...gitobj.OID) (gitobj.OID, error) {
	who, err := x.s.D.Repo.Identities(ctx, x.s.D.Now())
	if err != nil {
		return "", err
	}
	w := x.s.D.Repo.WriteObjects(ctx)
	defer w.Abort()
	id, _, err := w.Commit(git.CommitSpec{Parents: parents, Who: who, TreeOf: treeOf, Message: message})
	return id, errors.Join(err, w.Close())
}
