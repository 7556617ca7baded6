package git

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenAt opens the repository that dir, an absolute path, itself names, as git
// finds the far end of a fetch: dir/.git, dir as a git folder, or dir.git. The
// repository may be bare. It is for repositories that others reach by their
// path; those of the user at work are opened by Open.
func OpenAt(ctx context.Context, dir string, opt Options) (*Repo, error) {
	dir = filepath.Clean(dir)
	for _, d := range []string{dir, dir + ".git"} {
		gitDir, err := gitDirOf(d)
		if err == nil {
			return finishOpen(ctx, &Repo{WorkTree: d, GitDir: gitDir, env: cleanEnv(opt.Env)})
		}
		if isGitDir(d) {
			return finishOpen(ctx, &Repo{WorkTree: d, GitDir: d, Bare: true, env: cleanEnv(opt.Env)})
		}
	}
	return nil, fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
}

// isGitDir looks for what git looks for.
func isGitDir(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func finishOpen(ctx context.Context, r *Repo) (*Repo, error) {
	r.CommonDir, _ = commonDir(r.GitDir)
	if err := r.readConfig(ctx); err != nil {
		return nil, err
	}
	if filepath.Base(r.GitDir) == ".git" && r.Bare && !r.Config.Bool("core.bare", false) {
		r.Bare, r.WorkTree = false, filepath.Dir(r.GitDir) // somebody named the .git folder of a work tree
	}
	return r, r.checkFormat(ctx)
}
