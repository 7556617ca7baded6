package publish

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/git"
)

// TestGitTarget compares the default target with where git would push to.
func TestGitTarget(t *testing.T) {
	dir := t.TempDir()
	env := append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	run := func(args ...string) (string, error) {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(args ...string) {
		t.Helper()
		if out, err := run(args...); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	must("init", "-q", "-b", "main", ".")
	must("commit", "-q", "--allow-empty", "-m", "x")
	for _, name := range []string{"b", "c", "origin"} {
		must("init", "-q", "--bare", name+".git")
	}
	for _, names := range [][]string{{"b"}, {"b", "c"}, {"b", "origin"}} {
		var remotes []string
		for _, name := range names {
			remotes = append(remotes, "-c", "remote."+name+".url="+filepath.Join(dir, name+".git"))
		}
		for _, pairs := range combinations(
			[][2]string{{}, {"push.default", "current"}, {"push.default", "upstream"}, {"push.default", "nothing"}},
			[][2]string{{}, {"remote.pushdefault", "b"}, {"remote.pushdefault", names[len(names)-1]}},
			[][2]string{{}, {"branch.main.remote", "b"}, {"branch.main.remote", "."}},
			[][2]string{{}, {"branch.main.merge", "refs/heads/main"}, {"branch.main.merge", "refs/heads/other"}},
		) {
			args := slices.Clone(remotes)
			for _, p := range pairs {
				args = append(args, "-c", p[0]+"="+p[1])
			}
			want := ""
			if out, err := run(append(args, "push", "--dry-run", "--porcelain")...); err == nil {
				first, _, _ := strings.Cut(out, "\n")
				want = strings.TrimSuffix(filepath.Base(strings.TrimPrefix(first, "To ")), ".git")
			}
			if want == "." {
				want = "" // the repository itself is no sibling
			}
			if got := gitTarget(git.NewConfig(pairs...), names, "main"); got != want {
				t.Errorf("remotes %v, %v: %q, git pushes to %q", names, pairs, got, want)
			}
		}
	}
}

// combinations takes one setting of each list; empty ones are left out.
func combinations(lists ...[][2]string) [][][2]string {
	all := [][][2]string{nil}
	for _, list := range lists {
		var next [][][2]string
		for _, chosen := range all {
			for _, s := range list {
				if s[0] == "" {
					next = append(next, chosen)
				} else {
					next = append(next, append(slices.Clone(chosen), s))
				}
			}
		}
		all = next
	}
	return all
}
