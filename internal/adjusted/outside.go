package adjusted

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// outside merges commits of the original branch, which is not checked out.
type outside struct {
	*git.Outside
	at gitobj.OID
}

func newOutside(ctx context.Context, repo *git.Repo, at gitobj.OID) (*outside, error) {
	o, err := repo.NewOutside(ctx, commit.StateDir(repo), at)
	if err != nil {
		return nil, err
	}
	return &outside{o, at}, nil
}

// merge returns the merge with a ref, whose commit is id: a commit that has all
// is taken as it is, unless git is configured otherwise.
func (o *outside) merge(ctx context.Context, d *dataset.Dataset, ref string, id gitobj.OID, opt Options) (gitobj.OID, error) {
	args := []string{"merge", "--no-edit", "--quiet"}
	if opt.Unrelated {
		args = append(args, "--allow-unrelated-histories")
	}
	_, err := o.Output(ctx, append(args, ref)...)
	if err == nil {
		return o.Head()
	}
	list, lerr := o.conflicts(ctx)
	if lerr != nil || ctx.Err() != nil || len(list) == 0 {
		return "", errors.Join(err, lerr)
	}
	if !opt.NoResolve {
		if resolved, err := o.resolve(ctx, d, list); err != nil || resolved {
			return o.commit(ctx, d, id, err)
		}
	}
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.path
	}
	return "", errs.WithHint(fmt.Errorf("%s cannot be merged: conflicts in %s", ref, strings.Join(names, ", ")),
		"check out the original branch, merge there, check this branch out again, and repeat the command")
}

// resolvedMessage is git-annex's for merges whose conflicts it has resolved.
const resolvedMessage = "git-annex automatic merge conflict fix"

// commit makes the merge of what is in the index.
func (o *outside) commit(ctx context.Context, d *dataset.Dataset, id gitobj.OID, err error) (gitobj.OID, error) {
	if err != nil {
		return "", err
	}
	tree, err := o.Output(ctx, "write-tree")
	if err != nil {
		return "", err
	}
	made, err := d.Repo.Output(ctx, "commit-tree", "-p", string(o.at), "-p", string(id), "-m", resolvedMessage, strings.TrimSpace(string(tree)))
	if err != nil {
		return "", err
	}
	return gitobj.ParseOID(strings.TrimSpace(string(made)))
}
