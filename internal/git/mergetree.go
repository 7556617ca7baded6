package git

import (
	"context"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// MergeTree returns the tree that `git merge` would make of two revisions, whose
// histories may be unrelated, without an index or a work tree. Where clean is
// false it has what git would write into files that are in conflict. It is an
// error with git before 2.38.
func (r *Repo) MergeTree(ctx context.Context, ours, theirs string) (tree gitobj.OID, clean bool, err error) {
	out, err := r.Output(ctx, "merge-tree", "--write-tree", "--allow-unrelated-histories", "--name-only", "--no-messages", ours, theirs)
	if clean = err == nil; !clean && ExitCode(err) != 1 {
		return "", false, err
	}
	first, _, _ := strings.Cut(string(out), "\n")
	tree, err = gitobj.ParseOID(first)
	return tree, clean, err
}
