// Package annexmerge merges commits, and resolves what git cannot merge of
// annexed files as git-annex does: both versions stay, side by side, under names
// that any clone gives to them. What is merged is made outside the work tree, so
// that a process that is killed leaves nothing half merged.
package annexmerge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Options says how is merged.
type Options struct {
	Unrelated bool // also what has no history in common
	NoResolve bool // conflicts of annexed files are left to the user
}

// Theirs is what is merged.
type Theirs struct {
	Ref string // as the user, or a caller, names it
	ID  gitobj.OID
}

// ConflictError says that a merge has conflicts that nobody resolves.
type ConflictError struct {
	Ref   string
	Paths []string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s cannot be merged: conflicts in %s", e.Ref, dataset.NameConflicts(e.Paths))
}

// Merged is a commit that has both sides of a merge.
type Merged struct {
	Commit gitobj.OID
	// Resolved names the files that took the place of conflicts.
	Resolved []string
}

// Outside returns the commit that has both what a commit has and what another
// has; no branch moves. A commit that has all is taken as it is, unless git is
// configured otherwise. Conflicts that are left are a ConflictError.
func Outside(ctx context.Context, d *dataset.Dataset, at gitobj.OID, theirs Theirs, opt Options) (Merged, error) {
	place, err := d.Repo.NewOutside(ctx, commit.StateDir(d.Repo), at)
	if err != nil {
		return Merged{}, err
	}
	defer place.Remove()
	_, err = place.Output(ctx, append(mergeCommand(d, opt), theirs.Ref)...)
	if err == nil {
		made, err := place.Head()
		return Merged{Commit: made}, err
	}
	list, lerr := conflicts(ctx, place)
	if lerr != nil || ctx.Err() != nil || len(list) == 0 {
		return Merged{}, errors.Join(err, lerr)
	}
	r, left := resolution{}, list
	if !opt.NoResolve {
		if r, left, err = resolve(ctx, d, list); err != nil {
			return Merged{}, err
		}
	}
	if len(left) > 0 {
		return Merged{}, &ConflictError{Ref: theirs.Ref, Paths: paths(list)}
	}
	if err := r.stage(ctx, d, place); err != nil {
		return Merged{}, err
	}
	made, err := commitStaged(ctx, d.Repo, place, []gitobj.OID{at, theirs.ID})
	return Merged{made, r.names()}, err
}

// mergeCommand is git's, without what to merge. As with git-annex, files do not
// follow folders that the other side has moved, unless the user wants that: they
// would be conflicts.
func mergeCommand(d *dataset.Dataset, opt Options) []string {
	var args []string
	if d.Repo.Config.Get("merge.directoryRenames") == "" {
		args = append(args, "-c", "merge.directoryRenames=false")
	}
	args = append(args, "merge", "--no-edit", "--quiet")
	if opt.Unrelated {
		args = append(args, "--allow-unrelated-histories")
	}
	return args
}

// resolvedMessage is git-annex's for merges whose conflicts it has resolved.
const resolvedMessage = "git-annex automatic merge conflict fix"

// commitStaged makes the merge of what is in an index.
func commitStaged(ctx context.Context, repo *git.Repo, in runner, parents []gitobj.OID) (gitobj.OID, error) {
	tree, err := in.Output(ctx, "write-tree")
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", "-m", resolvedMessage}
	for _, p := range parents {
		args = append(args, "-p", string(p))
	}
	made, err := repo.Output(ctx, append(args, strings.TrimSpace(string(tree)))...)
	if err != nil {
		return "", err
	}
	return gitobj.ParseOID(strings.TrimSpace(string(made)))
}
