package smudge

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/proc"
)

// FixStaged corrects staged links into the annex whose depth is wrong, as after
// `git mv`, in the work tree and in the index that the commit is made of (which
// git names in the environment). It returns their paths.
func FixStaged(ctx context.Context, d *dataset.Dataset, paths []string) ([]string, error) {
	args := []string{"--literal-pathspecs", "diff", "--cached", "--name-only", "--no-renames", "--no-ext-diff", "-z", "--diff-filter=ACMT"}
	if _, err := d.Repo.Head(ctx); err != nil {
		return nil, err
	}
	if len(paths) > 0 {
		args = append(append(args, "--"), paths...)
	}
	out, err := gitInEnv(ctx, d, d.Env.Cwd, nil, args...)
	if err != nil {
		return nil, err
	}
	var fixed []string
	var links [][]byte
	for rel := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if rel == "" {
			continue
		}
		target, err := os.Readlink(d.Repo.Path(filepath.FromSlash(rel)))
		if err != nil {
			continue
		}
		k, ok := pointer.ParseLink(target)
		right := ""
		if ok && k.Safe() == nil {
			right = pointer.LinkTarget(k, rel)
		}
		if right == "" || right == target || fsx.Beneath(d.Path(), rel) != nil {
			continue
		}
		if err := d.PutLink(rel, right); err != nil {
			return fixed, err
		}
		fixed, links = append(fixed, rel), append(links, []byte(right))
	}
	return fixed, stageLinks(ctx, d, fixed, links)
}

// stageLinks puts the links into git's present index.
func stageLinks(ctx context.Context, d *dataset.Dataset, paths []string, links [][]byte) error {
	if len(paths) == 0 {
		return nil
	}
	ids, err := d.StoreBlobs(ctx, links)
	if err != nil {
		return err
	}
	var in bytes.Buffer
	for i, p := range paths {
		in.WriteString("120000 " + string(ids[i]) + "\t" + p + "\x00")
	}
	_, err = gitInEnv(ctx, d, d.Path(), in.Bytes(), "update-index", "-z", "--index-info")
	return err
}

// gitInEnv runs git with the whole environment of the hook.
func gitInEnv(ctx context.Context, d *dataset.Dataset, dir string, stdin []byte, args ...string) ([]byte, error) {
	cmd := proc.Cmd{Name: "git", Args: args, Dir: dir, Env: d.Env.Vars}
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	res, err := proc.Run(ctx, cmd)
	var failed *proc.ExitError
	if errors.As(err, &failed) {
		return nil, errors.New("git " + args[0] + ": " + failed.Stderr)
	}
	return res.Stdout, err
}
