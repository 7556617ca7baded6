package dataset

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Propagate brings commits that were made on an adjusted branch to the branch
// that it was made of, with files in their original form, and then puts the
// adjusted branch on top of that. Elsewhere it does nothing.
func (d *Dataset) Propagate(ctx context.Context) error {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	original, a, ok := annex.ParseAdjusted(head.Branch())
	if !ok {
		return nil
	}
	basis, err := d.Repo.Ref(ctx, "refs/basis/"+head.Branch())
	if err != nil || basis == "" {
		return err
	}
	tip, err := d.Repo.Ref(ctx, "refs/heads/"+original)
	if err != nil {
		return err
	}
	if tip != basis && tip != "" {
		// A killed process may have moved the others only.
		if behind, err := d.Repo.IsAncestor(ctx, tip, basis); err != nil {
			return err
		} else if behind {
			err = d.Repo.MoveRefs(ctx, []git.RefMove{{Name: "refs/heads/" + original, Old: tip, New: basis}}, annex.AdjustedMessage)
			if err != nil {
				return err
			}
			tip = basis
		}
	}
	if tip != basis {
		return errs.WithHint(fmt.Errorf("the branch %s has moved since %s was made of it", original, head.Branch()),
			"run `git annex adjust` again after your commits were saved on a branch of their own")
	}
	commits, err := d.newCommits(ctx, basis, head.OID)
	if err != nil || len(commits) == 0 {
		return err
	}
	return d.propagate(ctx, head, original, a, basis, commits)
}

// newCommits are those above the basis, oldest first, without git-annex's own.
func (d *Dataset) newCommits(ctx context.Context, basis, head gitobj.OID) ([]commitText, error) {
	out, err := d.Repo.Output(ctx, "rev-list", "--first-parent", "--reverse", string(basis)+".."+string(head))
	if err != nil {
		return nil, err
	}
	var list []commitText
	for _, id := range strings.Fields(string(out)) {
		c, err := d.readCommit(ctx, gitobj.OID(id))
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(c.message) != annex.AdjustedMessage {
			list = append(list, c)
		}
	}
	return list, nil
}

// commitText is what a commit says.
type commitText struct {
	id      gitobj.OID
	parents []gitobj.OID
	who     git.Identities
	message string
}

func (d *Dataset) readCommit(ctx context.Context, id gitobj.OID) (commitText, error) {
	c := commitText{id: id}
	_, text, err := d.Repo.Object(ctx, string(id), -1)
	if err != nil {
		return c, err
	}
	head, message, _ := strings.Cut(string(text), "\n\n")
	c.message = message
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch name {
		case "parent":
			c.parents = append(c.parents, gitobj.OID(value))
		case "author":
			c.who.Author, err = git.ParseIdentity(value)
		case "committer":
			c.who.Committer, err = git.ParseIdentity(value)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

func (d *Dataset) propagate(ctx context.Context, head git.Head, original string, a annex.Adjustment, basis gitobj.OID, commits []commitText) error {
	who, err := d.Repo.Identities(ctx, d.Now())
	if err != nil {
		return err
	}
	im, err := d.Repo.StartImport(ctx)
	if err != nil {
		return err
	}
	defer im.Abort()
	tip := basis
	for _, c := range commits {
		if len(c.parents) != 1 {
			return errs.WithHint(errors.New("a merge on an adjusted branch cannot be propagated yet"), "merge into the branch %s instead", original)
		}
		changes, err := d.reversed(ctx, im, a, c)
		if err != nil {
			return err
		}
		if tip, _, err = im.Commit(git.CommitSpec{Parents: []gitobj.OID{tip}, Who: c.who, Message: c.message, Changes: changes}); err != nil {
			return err
		}
	}
	top, _, err := im.Commit(git.CommitSpec{Parents: []gitobj.OID{tip}, Who: who, TreeOf: head.OID, Message: annex.AdjustedMessage})
	if err == nil {
		err = im.Close()
	}
	if err != nil {
		return err
	}
	// In this order each beginning can be told from what the user has done.
	return d.Repo.MoveRefs(ctx, []git.RefMove{
		{Name: head.Ref, Old: head.OID, New: top},
		{Name: "refs/basis/" + head.Branch(), Old: basis, New: tip},
		{Name: "refs/heads/" + original, Old: basis, New: tip},
	}, annex.AdjustedMessage)
}

// reversed are the changes of a commit with annexed files in the form that the
// original branch has.
func (d *Dataset) reversed(ctx context.Context, im *git.Import, a annex.Adjustment, c commitText) ([]git.TreeChange, error) {
	out, err := d.Repo.Output(ctx, "diff-tree", "-r", "-z", "--no-renames", string(c.parents[0]), string(c.id))
	if err != nil {
		return nil, err
	}
	var changes []git.TreeChange
	parts := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(parts); i += 2 {
		w, path := strings.Fields(parts[i]), parts[i+1]
		if len(w) != 5 {
			return nil, fmt.Errorf("git diff-tree: unexpected line %q", parts[i])
		}
		if w[4] == "D" {
			changes = append(changes, git.TreeChange{Path: path, Remove: true})
			continue
		}
		var mode uint32
		fmt.Sscanf(w[1], "%o", &mode)
		e := gitindex.Entry{Path: path, Mode: gitobj.Mode(mode), OID: gitobj.OID(w[3])}
		change, err := d.original(ctx, im, a, e)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

func (d *Dataset) original(ctx context.Context, im *git.Import, a annex.Adjustment, e gitindex.Entry) (git.TreeChange, error) {
	change := git.TreeChange{Path: e.Path, Mode: e.Mode, OID: e.OID}
	k, annexed, err := d.BlobKey(ctx, e.Mode, e.OID)
	if err != nil || !annexed {
		return change, err
	}
	var text []byte
	switch link := e.Mode == gitobj.ModeSymlink; {
	case !link && (a.Unlock || a.UnlockPresent):
		change.Mode, text = gitobj.ModeSymlink, []byte(pointer.LinkTarget(k, e.Path))
	case link && a.Lock:
		change.Mode, text = gitobj.ModeFile, pointer.Format(k)
	default:
		return change, nil
	}
	change.OID, err = im.WriteBlob(text)
	return change, err
}
