package golden

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// repository is one git repository that a script left.
type repository struct {
	name, dir string
	env       []string
}

// git returns the output of a git command; a failing one has none.
func (r *repository) git(args ...string) string {
	out, err := r.try(args...)
	if err != nil {
		return ""
	}
	return out
}

func (r *repository) try(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// aspects are what is compared of a repository.
func (r *repository) aspects() map[string]string {
	return map[string]string{
		"refs":     r.refs(),
		"log":      r.git("log", "--topo-order", "--format=commit %H%nparents %P%nauthor %an <%ae> %aI%ncommitter %cn <%ce> %cI%n%n%B", "HEAD"),
		"tree":     r.git("ls-tree", "-r", "HEAD"),
		"status":   r.git("status", "--porcelain", "--ignored"),
		"worktree": r.worktree(),
		"objects":  r.objects(),
		"annex":    r.annexBranch(),
		"config":   r.git("config", "--local", "--list"),
	}
}

func (r *repository) refs() string {
	out := "HEAD " + r.git("symbolic-ref", "-q", "HEAD")
	for _, line := range strings.Split(r.git("for-each-ref", "--format=%(refname) %(objecttype) %(objectname)", "refs/heads", "refs/tags"), "\n") {
		if strings.HasPrefix(line, "refs/heads/git-annex ") {
			line = "refs/heads/git-annex" // how many commits it took is not compared
		}
		out += line + "\n"
	}
	return strings.TrimSuffix(out, "\n")
}

// worktree lists type, permissions, path and target of everything but .git.
func (r *repository) worktree() string {
	var b strings.Builder
	_ = filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == r.dir {
			return err
		}
		if d.Name() == ".git" {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		rel, _ := filepath.Rel(r.dir, path)
		b.WriteString(describe(path, rel))
		return nil
	})
	return b.String()
}

func describe(path, name string) string {
	fi, err := os.Lstat(path)
	if err != nil {
		return fmt.Sprintf("%q: %v\n", name, err)
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		target, _ := os.Readlink(path)
		return fmt.Sprintf("link %q -> %q\n", name, target)
	}
	if fi.IsDir() {
		return fmt.Sprintf("dir %q\n", name)
	}
	return fmt.Sprintf("file %04o %d %q\n", fi.Mode().Perm(), fi.Size(), name)
}

// objects lists the annexed contents that are present.
func (r *repository) objects() string {
	root := filepath.Join(r.dir, ".git", "annex", "objects")
	var lines []string
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(root, path)
			lines = append(lines, describe(path, rel))
		}
		return nil
	})
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// annexBranch is the content of the git-annex branch.
func (r *repository) annexBranch() string {
	var b strings.Builder
	for _, path := range strings.Split(strings.TrimSuffix(r.git("ls-tree", "-r", "--name-only", "-z", "git-annex"), "\x00"), "\x00") {
		if path != "" {
			fmt.Fprintf(&b, "%s\n%s", path, r.git("cat-file", "blob", "git-annex:"+path))
		}
	}
	return b.String()
}
