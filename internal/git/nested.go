package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// surroundings are the settings that do not come from the repository itself:
// they are the same for a repository below it.
type surroundings struct {
	weak, strong [][2]string // system and global files; the command line
	dependent    bool        // what applies depends on the repository (includeIf)
}

// note takes in a setting with its origin, as git config --show-origin has it.
func (s *surroundings) note(origin, key, value string, local bool) {
	lower := strings.ToLower(key)
	switch {
	case strings.HasPrefix(lower, "includeif."), local && strings.HasPrefix(lower, "include."):
		s.dependent = true
	case local:
	case strings.HasPrefix(origin, "file:"):
		s.weak = append(s.weak, [2]string{key, value})
	default:
		s.strong = append(s.strong, [2]string{key, value})
	}
}

// OpenBelow opens the repository whose top folder is dir, which lies below
// that of r. It starts no process where git's rules are certain to be kept
// without: the settings from outside the repositories are r's, those of its
// own are read from its file. It returns ErrNoRepository where dir has no
// .git of its own.
func (r *Repo) OpenBelow(ctx context.Context, dir string) (*Repo, error) {
	gitDir, err := gitDirOf(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoRepository)
	}
	if err != nil {
		return nil, err
	}
	sub := &Repo{WorkTree: dir, GitDir: gitDir, CommonDir: gitDir, env: r.env}
	if sub.nativeConfig(&r.Config.outer) {
		return sub, sub.checkFormat(ctx)
	}
	sub, err = Open(ctx, dir, Options{Env: r.env})
	if err == nil && sub.WorkTree != dir {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoRepository)
	}
	return sub, err
}

// maxConfigFile bounds a repository's own configuration, in bytes.
const maxConfigFile = 4 << 20

// nativeConfig fills in r.Config, unless only git can tell what it is.
func (r *Repo) nativeConfig(outer *surroundings) bool {
	if outer.dependent || !r.owned() {
		return false
	}
	if _, err := os.Lstat(filepath.Join(r.GitDir, "commondir")); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if !isGitDir(r.GitDir) {
		return false
	}
	own, err := readPlainConfig(filepath.Join(r.GitDir, "config"))
	if err != nil || own.Bool("extensions.worktreeconfig", false) {
		return false
	}
	if v := own.Get("core.repositoryformatversion"); v != "" && v != "0" {
		return false // git knows which extensions it can serve
	}
	r.Config = NewConfig(outer.weak...)
	r.Config.sawLocal, r.Config.outer = true, *outer
	r.Config.settings = append(r.Config.settings, own.settings...)
	for _, kv := range outer.strong {
		r.Config.add(kv[0], kv[1], false)
	}
	return true
}

// owned reports whether all that git looks at belongs to the present user;
// otherwise it is git's business to accept or refuse the repository.
func (r *Repo) owned() bool {
	for _, path := range []string{r.WorkTree, filepath.Join(r.WorkTree, ".git"), r.GitDir} {
		fi, err := os.Lstat(path)
		if err != nil {
			return false
		}
		st, ok := fi.Sys().(*syscall.Stat_t)
		if !ok || int(st.Uid) != os.Geteuid() {
			return false
		}
	}
	return true
}

// Tracking returns the remote of the branch that is checked out, and its URL;
// both are "" where there is none.
func (r *Repo) Tracking(ctx context.Context) (remote, url string, err error) {
	head, err := r.Head(ctx)
	if err != nil || head.Ref == "" {
		return "", "", err
	}
	branch := "branch." + head.Branch()
	remote = r.Config.Get(branch + ".remote")
	if remote == "" || r.Config.Get(branch+".merge") == "" {
		return "", "", nil
	}
	return remote, r.Config.Get("remote." + remote + ".url"), nil
}

// IsTop reports whether dir is the top folder of a repository's work tree, as
// far as its .git tells.
func IsTop(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, ".git", "HEAD")); err == nil {
		return true
	}
	_, err := gitDirOf(dir)
	return err == nil
}

// Around returns the git folder of the repository that an absolute path lies in,
// as far as the .git above it tells; false if there is none.
func Around(path string) (gitDir string, ok bool) {
	for dir := path; ; dir = filepath.Dir(dir) {
		if gitDir, err := gitDirOf(dir); err == nil {
			return gitDir, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// treeOf returns the tree of a commit.
func (r *Repo) treeOf(commit []byte) (gitobj.OID, error) {
	line, _, _ := strings.Cut(string(commit), "\n")
	id, ok := strings.CutPrefix(line, "tree ")
	if !ok {
		return "", errors.New("commit has no tree")
	}
	return gitobj.ParseOID(id)
}
