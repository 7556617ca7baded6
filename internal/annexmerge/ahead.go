package annexmerge

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// ahead is what `git merge` will make of HEAD and another commit. A tree without
// a commit has conflicts; without a tree nothing is known.
type ahead struct {
	tree, commit gitobj.OID
}

// LikeGit merges as merge does, which runs `git merge` in the work tree, but so
// that a process that is killed on the way leaves nothing that the next merge
// stumbles over: the commit is made first, and then the branch goes forward to it.
// Where there are conflicts, or settings that are only git's to understand, git
// merges, and what it refuses it refuses in its own words.
func LikeGit(ctx context.Context, d *dataset.Dataset, head git.Head, theirs Theirs, merge func() error) error {
	a, err := lookAhead(ctx, d, head, theirs)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil || a.tree == "":
		return merge()
	case a.commit == "":
		return d.MergeFiles(ctx, head.OID, a.tree, merge)
	}
	err = d.MoveFiles(ctx, head.OID, a.commit, "", func() error { return forward(ctx, d.Repo, theirs, a.commit) })
	if dataset.Declined(err) {
		return merge()
	}
	return err
}

// forward brings HEAD to the merge.
func forward(ctx context.Context, repo *git.Repo, theirs Theirs, to gitobj.OID) error {
	_, err := repo.OutputIn(ctx, []string{"GIT_REFLOG_ACTION=merge " + theirs.Ref}, nil, "merge", "--quiet", "--ff-only", string(to))
	return err
}

func lookAhead(ctx context.Context, d *dataset.Dataset, head git.Head, theirs Theirs) (a ahead, err error) {
	if !foreseeable(d.Repo, head) {
		return a, nil
	}
	if _, err := d.Repo.Output(ctx, "diff-index", "--cached", "--quiet", string(head.OID), "--"); err != nil {
		return a, err // something is staged, which git refuses
	}
	tree, clean, err := d.Repo.MergeTree(ctx, "HEAD", theirs.Ref) // under these names they are in the files
	switch {
	case err != nil:
		return a, err
	case !clean:
		return ahead{tree: tree}, nil
	case slices.ContainsFunc([]string{"pre-merge-commit", "prepare-commit-msg", "commit-msg"}, func(hook string) bool { return d.Repo.Hook(hook) != "" }):
		return a, nil
	}
	made, err := commitMerge(ctx, d.Repo, tree, head, theirs)
	return ahead{tree: tree, commit: made}, err
}

// plainSettings are those of merges that change nothing here, or are heeded.
var plainSettings = []string{"branchdesc", "conflictstyle", "defaulttoupstream", "directoryrenames", "guitool", "log", "renamelimit", "renames",
	"stat", "suppressdest", "tool", "verbosity"}

// foreseeable reports whether nothing is in progress or configured that makes more
// of a merge than its commit.
func foreseeable(repo *git.Repo, head git.Head) bool {
	for _, name := range []string{"MERGE_HEAD", "CHERRY_PICK_HEAD"} {
		if _, err := os.Lstat(filepath.Join(repo.GitDir, name)); err == nil {
			return false
		}
	}
	for _, key := range []string{"branch." + head.Branch() + ".mergeoptions", "pull.twohead", "commit.cleanup"} {
		if _, set := repo.Config.Lookup(key); set {
			return false
		}
	}
	for _, key := range repo.Config.Keys("merge.") {
		name := strings.TrimPrefix(key, "merge.")
		driver := strings.Contains(name, ".")
		_, known := git.ParseBool(repo.Config.Get(key))
		if !driver && !slices.Contains(plainSettings, name) && !(name == "ff" && known) {
			return false
		}
	}
	return true
}

// commitMerge makes the commit that `git merge` makes of a tree.
func commitMerge(ctx context.Context, repo *git.Repo, tree gitobj.OID, head git.Head, theirs Theirs) (gitobj.OID, error) {
	message, err := mergeMessage(ctx, repo, theirs)
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", "-p", string(head.OID), "-p", string(theirs.ID)}
	if repo.Config.Bool("commit.gpgsign", false) {
		args = append(args, "-S")
	}
	made, err := repo.OutputWith(ctx, message, append(args, string(tree))...)
	if err != nil {
		return "", err
	}
	return gitobj.ParseOID(strings.TrimSpace(string(made)))
}

// mergeMessage is git's own, which names the branch and may list commits.
func mergeMessage(ctx context.Context, repo *git.Repo, theirs Theirs) ([]byte, error) {
	now, err := repo.Output(ctx, "rev-parse", theirs.Ref+"^{commit}", "--symbolic-full-name", theirs.Ref)
	if err != nil {
		return nil, err
	}
	id, full, _ := strings.Cut(string(now), "\n")
	if id != string(theirs.ID) { // the tree may be that of another commit
		return nil, fmt.Errorf("merge %s: it has moved to %s", theirs.Ref, id)
	}
	var what string
	switch ref := strings.TrimSpace(full); {
	case ref == "" && theirs.Ref == id:
		what = fmt.Sprintf("commit '%s'", theirs.Ref)
	case strings.HasPrefix(ref, "refs/remotes/"):
		what = fmt.Sprintf("remote-tracking branch '%s' of .", theirs.Ref)
	case strings.HasPrefix(ref, "refs/heads/"):
		what = fmt.Sprintf("branch '%s' of .", theirs.Ref)
	default:
		return nil, fmt.Errorf("merge %s: neither a branch nor a commit", theirs.Ref)
	}
	message, err := repo.OutputWith(ctx, []byte(string(theirs.ID)+"\t\t"+what+"\n"), "fmt-merge-msg")
	if err != nil {
		return nil, err
	}
	return repo.OutputWith(ctx, message, "stripspace")
}
