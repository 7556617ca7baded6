package annexmerge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// InProgress resolves the merge that git has stopped at, and commits it. The
// commit is made before the work tree, the index and the branch go there, as git
// moves them; the merge is in progress until they have.
func InProgress(ctx context.Context, d *dataset.Dataset) error {
	theirs, err := mergeHeads(d.Repo)
	if err != nil {
		return err
	}
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	list, err := conflicts(ctx, d.Repo)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errs.WithHint(errors.New("nothing is in conflict"), "`git commit` ends the merge")
	}
	r, left, err := resolve(ctx, d, list)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return errs.WithHint(fmt.Errorf("conflicts that are not of annexed files: %s", dataset.NameConflicts(paths(left))),
			"resolve the others, `git add` them, and repeat the command")
	}
	made, err := commitIndex(ctx, d, r, append([]gitobj.OID{head.OID}, theirs...))
	if err != nil {
		return err
	}
	if _, err := d.Repo.Output(ctx, "reset", "--quiet", "--merge", string(made)); err != nil {
		return err
	}
	return d.PopulateFiles(ctx, r.names())
}

// mergeHeads are the commits that are being merged.
func mergeHeads(repo *git.Repo) (ids []gitobj.OID, err error) {
	text, err := os.ReadFile(filepath.Join(repo.GitDir, "MERGE_HEAD"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.WithHint(errors.New("no merge is in progress"), "`git annex merge` and `git annex sync` resolve conflicts of annexed files by themselves")
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		id, err := gitobj.ParseOID(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("MERGE_HEAD: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// commitIndex commits what the index will have when the conflicts in it are
// resolved.
func commitIndex(ctx context.Context, d *dataset.Dataset, r resolution, parents []gitobj.OID) (gitobj.OID, error) {
	if err := d.Repo.MakeShared(commit.StateDir(d.Repo)); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(commit.StateDir(d.Repo), "index-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	index, err := os.ReadFile(d.Repo.IndexPath())
	if err != nil {
		return "", err
	}
	in := indexCopy{d.Repo, filepath.Join(dir, "index")}
	if err := os.WriteFile(in.path, index, 0o600); err != nil {
		return "", err
	}
	if err := r.stage(ctx, d, in); err != nil {
		return "", err
	}
	return commitStaged(ctx, d.Repo, in, parents)
}

// indexCopy runs git with another index.
type indexCopy struct {
	repo *git.Repo
	path string
}

func (c indexCopy) Output(ctx context.Context, args ...string) ([]byte, error) {
	return c.OutputWith(ctx, nil, args...)
}

func (c indexCopy) OutputWith(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	cmd := c.repo.Command(ctx, args...)
	cmd.Env = append(append([]string{}, cmd.Env...), "GIT_INDEX_FILE="+c.path)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
