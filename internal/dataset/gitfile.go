package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
)

// LinkGitFolder makes the links of locked files resolve where .git is a file
// that names the git folder, as in submodules, linked work trees and after
// `git init --separate-git-dir`: as git-annex does, .git becomes a symlink to
// that folder, and the git folder of a linked work tree gets a symlink to the
// annex that all work trees share. Git takes either form. Nothing happens
// without an annex, where core.symlinks is false, and where it was done already;
// a repository that we may not write to stays as it is. It may be called at any
// time, by several processes at once.
func (d *Dataset) LinkGitFolder() {
	if d.Annex == nil || d.Repo.Bare || d.Repo.GitDir == d.Repo.Path(".git") || d.linked.Swap(true) {
		return
	}
	if fi, err := os.Lstat(d.Repo.Path(".git")); err != nil || !fi.Mode().IsRegular() || !d.Symlinks() {
		return
	}
	err := errors.Join(d.forgetWorkTree(), d.linkSharedAnnex(), d.replaceGitFile())
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		d.Env.Log.Debug("make .git a symlink", "error", err)
	default:
		d.Env.Log.Warn(fmt.Sprintf("links to annexed content may not work in %s: %v", d.Path(), err))
	}
}

// forgetWorkTree takes away core.worktree, which git wrote for a submodule and
// which a .git that is a folder makes superfluous.
func (d *Dataset) forgetWorkTree() error {
	r := d.Repo
	if r.GitDir != r.CommonDir || !strings.Contains(filepath.ToSlash(r.GitDir), "/.git/modules/") || r.Config.Get("core.worktree") == "" {
		return nil
	}
	err := r.SetConfig(git.ConfigEdit{Key: "core.worktree", Remove: true})
	if errors.Is(err, git.ErrNoSuchKey) {
		return nil // somebody was faster
	}
	return err
}

// linkSharedAnnex gives the git folder of a linked work tree its way to the
// annex. A folder that has content of its own in this place stays.
func (d *Dataset) linkSharedAnnex() error {
	r := d.Repo
	if r.GitDir == r.CommonDir {
		return nil
	}
	target, err := relativeReal(r.GitDir, r.CommonDir)
	if err != nil {
		return err
	}
	link := filepath.Join(r.GitDir, "annex")
	if fi, err := os.Lstat(link); err == nil && fi.IsDir() && os.Remove(link) != nil {
		return errs.WithHint(fmt.Errorf("%s is a folder of its own", link), "move it away if %s has all that it holds", filepath.Join(r.CommonDir, "annex"))
	}
	return fsx.ReplaceWithSymlinkVia(commit.TempDir(r), link, filepath.Join(target, "annex"))
}

func (d *Dataset) replaceGitFile() error {
	target, err := relativeReal(d.Path(), d.Repo.GitDir)
	if err != nil {
		return err
	}
	return fsx.ReplaceWithSymlinkVia(commit.TempDir(d.Repo), d.Repo.Path(".git"), target)
}

// relativeReal is the way from one folder to another as the file system walks
// it.
func relativeReal(from, to string) (string, error) {
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return "", err
	}
	if to, err = filepath.EvalSymlinks(to); err != nil {
		return "", err
	}
	return filepath.Rel(from, to)
}
