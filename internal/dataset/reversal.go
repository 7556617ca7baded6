package dataset

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// commitText is what a commit says.
type commitText struct {
	id      gitobj.OID
	parents []gitobj.OID
	// author and committer are as they stand there: old histories have some that
	// git makes no more.
	author, committer string
	encoding          string // of the message; "" for UTF-8
	message           string
}

func (c commitText) identities() (who git.Identities, err error) {
	if who.Author, err = git.ParseIdentity(c.author); err == nil {
		who.Committer, err = git.ParseIdentity(c.committer)
	}
	if err != nil {
		return who, fmt.Errorf("commit %s: %w", c.id.Short(), err)
	}
	return who, nil
}

// adjusts reports whether it is git-annex's own, which has only adjusted files.
func (c commitText) adjusts() bool { return strings.TrimSpace(c.message) == annex.AdjustedMessage }

// onto reports whether it stands on a commit alone.
func (c commitText) onto(id gitobj.OID) bool { return len(c.parents) == 1 && c.parents[0] == id }

// unpropagated lists what is above the basis, parents first.
func (d *Dataset) unpropagated(ctx context.Context, a *Adjusted) ([]commitText, error) {
	out, err := d.Repo.Output(ctx, "rev-list", "--topo-order", "--reverse", string(a.Head.OID), "^"+string(a.Basis))
	if err != nil {
		return nil, err
	}
	var list []commitText
	for _, id := range strings.Fields(string(out)) {
		c, err := d.readCommit(ctx, gitobj.OID(id))
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
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
			c.author = value
		case "committer":
			c.committer = value
		case "encoding":
			c.encoding = value
		}
	}
	return c, nil
}

// reversal makes commits of an adjusted branch again for the original one.
type reversal struct {
	d      *Dataset
	a      *Adjusted
	writer *git.ObjectWriter
	// stands has what stands for a commit on the original branch. Commits that
	// came by merges of other branches are not in it, and stay as they are.
	stands map[gitobj.OID]gitobj.OID
	// lowest is the first commit where none of git-annex's is below it: HEAD was
	// reset to the basis, or to what is before that.
	lowest gitobj.OID
}

// lowestOf follows first parents down through the list. It is "" where they lead
// to one of git-annex's commits.
func lowestOf(list []commitText, head gitobj.OID) (lowest gitobj.OID) {
	for i := len(list) - 1; i >= 0; i-- {
		c := list[i]
		switch {
		case c.id != head:
			continue
		case c.adjusts() || len(c.parents) == 0:
			return ""
		}
		lowest, head = c.id, c.parents[0]
	}
	return lowest
}

// all makes the commits of the list, parents first, and returns the new tip.
func (r *reversal) all(ctx context.Context, list []commitText) (gitobj.OID, error) {
	if len(list) == 0 {
		return r.a.Basis, nil
	}
	r.lowest = lowestOf(list, r.a.Head.OID)
	for _, c := range list {
		var err error
		if c.adjusts() {
			r.stands[c.id], err = r.below(ctx, c)
		} else {
			err = r.one(ctx, c)
		}
		if err != nil {
			return "", err
		}
	}
	if tip, ok := r.stands[r.a.Head.OID]; ok {
		return tip, nil
	}
	err := fmt.Errorf("commits on %s have no history in common with %s", r.a.Head.Branch(), r.a.Original)
	return "", errs.WithHint(err, "`git branch NAME` gives them a branch of their own, and `git reset --keep %s` goes back", r.a.Original)
}

// below is what one of git-annex's own commits stands on. It is beyond the basis
// where a process was killed that had moved the adjusted branch only.
func (r *reversal) below(ctx context.Context, c commitText) (gitobj.OID, error) {
	if len(c.parents) == 0 || c.onto(r.a.Basis) {
		return r.a.Basis, nil
	}
	if id, ok := r.stands[c.parents[0]]; ok {
		return id, nil
	}
	beyond, err := r.d.Repo.IsAncestor(ctx, r.a.Basis, c.parents[0])
	if err != nil || !beyond {
		return r.a.Basis, err
	}
	return c.parents[0], nil
}

// one makes a commit, if it is not of another branch.
func (r *reversal) one(ctx context.Context, c commitText) error {
	parents, own := slices.Clone(c.parents), -1
	for i, p := range parents {
		if id, ok := r.stands[p]; ok {
			parents[i] = id
			own = max(own, i)
		}
	}
	if own < 0 && c.id == r.lowest {
		parents[0], own = r.a.Basis, 0
	}
	if own < 0 {
		return nil
	}
	asIs := slices.Equal(parents, c.parents)
	var changes []git.TreeChange
	err := r.d.Repo.DiffTrees(ctx, git.TreeDiff{From: c.parents[own], To: c.id}, func(diff git.TreeDelta) error {
		change, err := r.original(ctx, diff)
		changes = append(changes, change)
		asIs = asIs && change.Mode == diff.To.Mode && change.OID == diff.To.OID
		return err
	})
	if err != nil {
		return err
	}
	if asIs {
		r.stands[c.id] = c.id
		return nil
	}
	who, err := c.identities()
	if err != nil {
		return err
	}
	spec := git.CommitSpec{Parents: parents, Who: who, Message: c.message, Encoding: c.encoding, Changes: changes}
	if own > 0 {
		spec.TreeOf = parents[own]
	}
	r.stands[c.id], _, err = r.writer.Commit(spec)
	return err
}

// original is a change with the file in the form that the original branch has.
func (r *reversal) original(ctx context.Context, diff git.TreeDelta) (git.TreeChange, error) {
	e := diff.To
	change := git.TreeChange{Path: diff.Path, Mode: e.Mode, OID: e.OID, Remove: e.OID == ""}
	if change.Remove || e.Mode == gitobj.ModeSymlink || !r.a.LocksOriginals() {
		return change, nil
	}
	k, annexed, err := r.d.BlobKey(ctx, e.Mode, e.OID)
	if err != nil || !annexed {
		return change, err
	}
	change.Mode = gitobj.ModeSymlink
	change.OID, err = r.writer.WriteBlob([]byte(pointer.LinkTarget(k, diff.Path)))
	return change, err
}
