package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// withoutAnnex keeps git from starting git-annex, which need not be installed.
// What its filter would have done is done afterwards.
var withoutAnnex = []string{"-c", "filter.annex.process=", "-c", "filter.annex.clean=", "-c", "filter.annex.smudge="}

// git runs a command that moves HEAD, and brings the work tree's annexed files
// up to date.
func (x *replay) git(ctx context.Context, args ...string) error {
	hooks, done, err := userHooks(x.d.Repo)
	if err != nil {
		return err
	}
	defer done()
	before, err := x.d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	lease, err := x.d.Publisher().Lock(ctx, "rerun: git "+args[0])
	if err != nil {
		return err
	}
	args = append(append(append([]string{}, withoutAnnex...), "-c", "core.hooksPath="+hooks), args...)
	if _, err = x.d.Repo.Output(ctx, args...); doubtful(err) {
		if settled, serr := x.settle(ctx); serr != nil {
			err = serr
		} else if settled {
			_, err = x.d.Repo.Output(ctx, args...)
		}
	}
	if rerr := lease.Release(); err == nil {
		err = rerr
	}
	if err != nil {
		return err
	}
	return x.follow(ctx, before.OID)
}

// follow makes everything else agree with a HEAD that git has moved.
func (x *replay) follow(ctx context.Context, before gitobj.OID) error {
	now, err := x.d.Repo.Head(ctx)
	if err != nil || now.OID == before {
		return err
	}
	fresh, err := dataset.From(x.d.Repo, x.d.Env) // attributes and configuration may have changed
	if err != nil {
		return err
	}
	fresh.ID = x.d.ID
	x.d = fresh
	return x.populate(ctx, before, now.OID)
}

// gitOrAbort is git for commands that can end in a conflict. Nothing of them
// remains then.
func (x *replay) gitOrAbort(ctx context.Context, args ...string) error {
	err := x.git(ctx, args...)
	if git.ExitCode(err) <= 0 {
		return err
	}
	if conflicts := x.conflicts(ctx); conflicts != "" {
		err = fmt.Errorf("conflict in %s", conflicts)
	}
	if aerr := x.git(context.WithoutCancel(ctx), args[0], "--abort"); aerr != nil {
		return fmt.Errorf("%w; and git could not take it back: %w", err, aerr)
	}
	return errs.WithHint(err, "HEAD is at %s, where everything before this step is done", x.head.Short())
}

// conflicts names a few of the files that git could not merge.
func (x *replay) conflicts(ctx context.Context) string {
	out, err := x.d.Repo.Output(ctx, "diff", "--name-only", "--diff-filter=U", "-z")
	if err != nil {
		return ""
	}
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	const shown = 5
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("and %d more", len(names)-shown))
	}
	return strings.Join(names, ", ")
}

func (x *replay) moveBranch(ctx context.Context, ref string, old, now gitobj.OID) error {
	if old == now {
		return nil
	}
	return x.d.Repo.MoveRefs(ctx, []git.RefMove{{Name: ref, Old: old, New: now}}, "stemma rerun")
}

// hookNames are those that checkout, cherry-pick and merge run.
var hookNames = []string{"post-checkout", "post-merge", "pre-merge-commit", "pre-commit", "prepare-commit-msg", "commit-msg",
	"post-commit", "post-rewrite", "post-index-change", "reference-transaction"}

// userHooks makes a folder with the user's hooks only: git-annex's own would
// fail where it is not installed. done removes it.
func userHooks(repo *git.Repo) (dir string, done func(), err error) {
	done = func() {}
	var own []string
	for _, name := range hookNames {
		p := repo.Hook(name)
		if p == "" {
			continue
		}
		if text, err := os.ReadFile(p); err != nil || !annex.IsOwnHook(name, string(text)) {
			own = append(own, p)
		}
	}
	if len(own) == 0 {
		return os.DevNull, done, nil
	}
	if dir, err = os.MkdirTemp("", "stemma-hooks-"); err != nil {
		return "", done, err
	}
	done = func() { os.RemoveAll(dir) }
	for _, p := range own {
		if err := os.Symlink(p, filepath.Join(dir, filepath.Base(p))); err != nil {
			return dir, done, err
		}
	}
	return dir, done, nil
}
