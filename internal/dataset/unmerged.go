package dataset

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
)

// Unmerged lists the paths that a merge, or whatever else git does by merging,
// has left in conflict.
func (d *Dataset) Unmerged(ctx context.Context) ([]string, error) {
	out, err := d.Repo.Output(ctx, "ls-files", "-u", "-z", "--full-name", "--", ":/")
	if err != nil {
		return nil, err
	}
	var paths []string
	for line := range strings.SplitSeq(string(out), "\x00") {
		if _, path, ok := strings.Cut(line, "\t"); ok {
			paths = append(paths, path)
		}
	}
	return slices.Compact(paths), nil // in the index's order
}

// RefuseUnmerged is the error of what would commit the work tree, with the
// conflicts that are in it, as if somebody had resolved them.
func (d *Dataset) RefuseUnmerged(ctx context.Context) error {
	paths, err := d.Unmerged(ctx)
	if err != nil || len(paths) == 0 {
		return err
	}
	return unmergedError(paths)
}

// namedConflicts is how many paths a message names.
const namedConflicts = 10

// NameConflicts puts paths into a message.
func NameConflicts(paths []string) string {
	if n := len(paths); n > namedConflicts {
		return fmt.Sprintf("%s and %d more", strings.Join(paths[:namedConflicts], ", "), n-namedConflicts)
	}
	return strings.Join(paths, ", ")
}

// unmergedHint is the way out of conflicts.
const unmergedHint = "resolve them and `git add` them (where they are of annexed files, `git annex resolvemerge` keeps both versions), or give the merge up with `git merge --abort`"

func unmergedError(paths []string) error {
	return errs.WithHint(fmt.Errorf("nothing is committed while there are conflicts in %s", NameConflicts(paths)), unmergedHint)
}

// refuseConflicts is RefuseUnmerged for changes that have been looked at.
func refuseConflicts(changes []Change) error {
	var paths []string
	for _, c := range changes {
		if c.unmerged {
			paths = append(paths, c.Path)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	slices.Sort(paths)
	return unmergedError(slices.Compact(paths))
}
