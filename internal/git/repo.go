// Package git gives access to one repository: discovery, configuration, refs,
// index, and objects through long-lived git processes. A Repo keeps no
// process-wide state, so that several repositories can be open at once. The
// package knows git only: nothing of annexes, datasets, records or jobs.
package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// ErrNoRepository is returned by Open where neither the folder nor any of
// its parents is a git work tree.
var ErrNoRepository = errors.New("not inside a git repository")

// Repo is one repository, usually with a work tree. It is safe for concurrent
// use.
type Repo struct {
	WorkTree  string // top folder of the work tree, absolute, as the user reached it; of a bare repository, its git folder
	GitDir    string // this work tree's git folder, absolute
	CommonDir string // the git folder shared by all work trees, absolute
	Format    gitobj.Format
	Config    *Config
	Bare      bool // it has no work tree; only OpenAt returns such a Repo
	env       []string
	reader    reader
	views     views
	single    singleObjects
	packs     packSet
	lately    treeTexts

	indexMu sync.Mutex
	index   *gitindex.File // as last read
}

// Options says how repositories are opened.
type Options struct {
	// Env is the environment for all child processes, as KEY=VALUE. GIT_DIR
	// and its kin are removed from it: a Repo is named by its folder alone.
	Env []string
}

// Open finds the repository that holds dir (an absolute path, which need not
// be physical: symlinks stay as the user typed them) and reads its
// configuration, with a git process where git's rules are not certain to be
// kept without. A repository that git refuses to work in (owned by somebody
// else, unknown format) is refused with git's words.
func Open(ctx context.Context, dir string, opt Options) (*Repo, error) {
	r := &Repo{env: cleanEnv(opt.Env)}
	if err := r.discover(dir, opt.Env); err != nil {
		return nil, err
	}
	if err := r.readConfig(ctx); err != nil {
		return nil, err
	}
	if err := r.checkFormat(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// discover walks up from dir, first as typed and then physically.
func (r *Repo) discover(dir string, env []string) error {
	ceilings := ceilingDirs(env)
	top, gitDir, err := findTop(dir, ceilings)
	if errors.Is(err, ErrNoRepository) {
		if real, rerr := filepath.EvalSymlinks(dir); rerr == nil && real != dir {
			top, gitDir, err = findTop(real, ceilings)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	r.WorkTree, r.GitDir = top, gitDir
	r.CommonDir, err = commonDir(gitDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("open repository %s: %w", top, err)
	}
	return nil
}

// commonDir returns the folder that the work trees of gitDir share: gitDir
// itself, unless its commondir names another. That is relative to where gitDir
// really is, which may be a symlink (git-annex makes such ones).
func commonDir(gitDir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if err != nil {
		return gitDir, err
	}
	path := strings.TrimRight(string(text), "\r\n")
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	real, err := filepath.EvalSymlinks(gitDir)
	if err != nil {
		return gitDir, err
	}
	return filepath.Join(real, path), nil
}

// ceilingDirs reads GIT_CEILING_DIRECTORIES, above which no search goes.
func ceilingDirs(env []string) map[string]bool {
	dirs := map[string]bool{}
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "GIT_CEILING_DIRECTORIES="); ok {
			for _, d := range filepath.SplitList(v) {
				if filepath.IsAbs(d) {
					dirs[filepath.Clean(d)] = true
				}
			}
		}
	}
	return dirs
}

// findTop returns the closest folder at or above dir that has a .git, and
// where that leads.
func findTop(dir string, ceilings map[string]bool) (top, gitDir string, err error) {
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		gitDir, err := gitDirOf(d)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return d, gitDir, err
		}
		if parent := filepath.Dir(d); parent == d || ceilings[parent] {
			return "", "", ErrNoRepository
		}
	}
}

// gitDirOf follows top/.git, which is a folder, a link to one, or a file
// with a "gitdir:" line. fs.ErrNotExist means that there is none.
func gitDirOf(top string) (string, error) {
	dotGit := filepath.Join(top, ".git")
	fi, err := os.Stat(dotGit)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
			return "", fs.ErrNotExist
		}
		return "", err
	}
	if fi.IsDir() {
		if _, err := os.Lstat(filepath.Join(dotGit, "HEAD")); err != nil {
			return "", fs.ErrNotExist // git passes over such a folder, too
		}
		return dotGit, nil
	}
	const maxGitFile = 1 << 16
	if fi.Size() > maxGitFile {
		return "", fmt.Errorf("open repository: %s is too large for a gitfile", dotGit)
	}
	data, err := os.ReadFile(dotGit)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(string(data), "gitdir: ")
	if !ok {
		return "", fmt.Errorf("open repository: %s is no valid gitfile", dotGit)
	}
	return absFrom(top, strings.TrimRight(target, "\r\n")), nil
}

func absFrom(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// checkFormat refuses what this program must not touch and asks git itself
// for its words where git did not accept the repository.
func (r *Repo) checkFormat(ctx context.Context) error {
	if !r.Config.sawLocal {
		if _, err := r.Output(ctx, "rev-parse", "--git-dir"); err != nil {
			return err
		}
	}
	switch v := r.Config.Get("core.repositoryformatversion"); v {
	case "", "0", "1":
	default:
		return fmt.Errorf("open repository %s: unknown format version %s", r.WorkTree, v)
	}
	r.Format = gitobj.SHA1
	if strings.EqualFold(r.Config.Get("extensions.objectformat"), "sha256") {
		r.Format = gitobj.SHA256
	}
	if r.Config.Bool("core.bare", false) && !r.Bare {
		return errs.WithHint(fmt.Errorf("open repository %s: it is bare", r.WorkTree),
			"work in a clone of it that has a work tree")
	}
	return nil
}

// NativeRefs reports whether refs are stored as files, which this package
// reads itself; otherwise (reftable) it asks git.
func (r *Repo) NativeRefs() bool {
	s := r.Config.Get("extensions.refstorage")
	return s == "" || strings.EqualFold(s, "files")
}

// Path joins elem to the work tree's top folder.
func (r *Repo) Path(elem ...string) string {
	return filepath.Join(append([]string{r.WorkTree}, elem...)...)
}

// Has reports whether the object is in the repository.
func (r *Repo) Has(ctx context.Context, id gitobj.OID) bool {
	_, err := r.Output(ctx, "cat-file", "-e", string(id))
	return err == nil
}
