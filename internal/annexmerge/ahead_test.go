package annexmerge

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

type place struct {
	t   *testing.T
	dir string
	env []string
}

func (p place) git(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (p place) commit(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	p.git("add", name)
	p.git("commit", "-q", "-m", "change  "+name+"  ")
}

// diverged makes a repository whose branch and up/main have both changed a file.
func diverged(t *testing.T, branch string) place {
	home := t.TempDir()
	p := place{t, filepath.Join(t.TempDir(), "r"), append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL=", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.org",
		"GIT_AUTHOR_DATE=1700000000 +0100", "GIT_COMMITTER_DATE=1700000001 +0200")}
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.git("init", "-q", "-b", branch)
	p.commit("f", "1\n2\n3\n4\n5\n")
	p.git("checkout", "-q", "-b", "theirs")
	p.commit("f", "1\n2\n3\n4\ntheirs\n")
	p.git("update-ref", "refs/remotes/up/main", "theirs")
	p.git("checkout", "-q", branch)
	p.commit("f", "ours\n2\n3\n4\n5\n")
	return p
}

// The commit that is made ahead is git's own, byte for byte.
func TestMergeIsTheOneOfGit(t *testing.T) {
	for _, c := range []struct {
		name, branch, ref string
		config            [][2]string
		detached, byGit   bool // not foreseen
	}{
		{name: "master", branch: "master", ref: "up/main"},
		{name: "other branch", branch: "side", ref: "up/main"},
		{name: "local branch", branch: "main", ref: "theirs"},
		{name: "commit", branch: "main"},
		{name: "detached", branch: "main", ref: "up/main", detached: true},
		{name: "log", branch: "main", ref: "up/main", config: [][2]string{{"merge.log", "true"}}},
		{name: "no forward", branch: "main", ref: "up/main", config: [][2]string{{"merge.ff", "false"}}},
		{name: "encoding", branch: "main", ref: "up/main", config: [][2]string{{"i18n.commitEncoding", "latin1"}}},
		{name: "driver", branch: "main", ref: "up/main", config: [][2]string{{"merge.own.driver", "cp %B %A"}, {"core.attributesFile", "own-attributes"}}},
		{name: "stash", branch: "main", ref: "up/main", config: [][2]string{{"merge.autoStash", "true"}}, byGit: true},
		{name: "options", branch: "main", ref: "up/main", config: [][2]string{{"branch.main.mergeOptions", "--signoff"}}, byGit: true},
		{name: "strategy", branch: "main", ref: "up/main", config: [][2]string{{"pull.twohead", "ours"}}, byGit: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := diverged(t, c.branch)
			for _, s := range c.config {
				if s[1] == "own-attributes" {
					s[1] = filepath.Join(filepath.Dir(p.dir), s[1])
					if err := os.WriteFile(s[1], []byte("f merge=own\n"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				p.git("config", s[0], s[1])
			}
			if c.ref == "" {
				c.ref = p.git("rev-parse", "theirs")
			}
			if c.detached {
				p.git("checkout", "-q", "--detach")
			}
			before := p.git("rev-parse", "HEAD")
			merge := func() error { p.git("merge", "-q", "--no-edit", c.ref); return nil }
			if err := merge(); err != nil {
				t.Fatal(err)
			}
			want, tree := p.git("cat-file", "-p", "HEAD"), p.git("ls-files", "-s")
			p.git("reset", "-q", "--hard", before)
			byGit := likeGit(t, p, c.ref, merge)
			if got := p.git("cat-file", "-p", "HEAD"); got != want || p.git("ls-files", "-s") != tree || p.git("status", "--porcelain") != "" {
				t.Errorf("merged to\n%s\nwant\n%s\n%s", got, want, p.git("status", "--porcelain"))
			}
			if byGit != c.byGit {
				t.Errorf("left to git: %v", byGit)
			}
		})
	}
}

// Hooks that have a say in the commit are git's to run.
func TestMergeWithHooksIsLeftToGit(t *testing.T) {
	for _, hook := range []string{"pre-merge-commit", "prepare-commit-msg", "commit-msg"} {
		p := diverged(t, "main")
		file := filepath.Join(p.dir, ".git/hooks", hook)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("#!/bin/sh\ntouch "+hook+"-has-run\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		byGit := likeGit(t, p, "up/main", func() error { p.git("merge", "-q", "--no-edit", "up/main"); return nil })
		if _, err := os.Stat(filepath.Join(p.dir, hook+"-has-run")); err != nil || !byGit {
			t.Errorf("%s has not run: %v", hook, err)
		}
	}
}

// A ref that has moved since it was looked up gives a tree that its commit does not
// explain, and one with a namesake another message.
func TestMergeOfDoubtfulRefIsLeftToGit(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p place)
	}{
		{"moved", func(p place) { p.git("update-ref", "refs/remotes/up/main", p.git("rev-parse", "later")) }},
		{"tag", func(p place) { p.git("tag", "up/main", "theirs") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := diverged(t, "main")
			p.git("checkout", "-q", "-b", "later", "theirs")
			p.commit("g", "later\n")
			p.git("checkout", "-q", "main")
			theirs := Theirs{Ref: "up/main", ID: gitobj.OID(p.git("rev-parse", "up/main"))}
			c.change(p)
			byGit := false
			err := merge(t.Context(), t, p, theirs, func() error { byGit = true; return nil })
			if err != nil || !byGit {
				t.Errorf("%v; left to git: %v\n%s", err, byGit, p.git("log", "--graph", "--name-only"))
			}
		})
	}
}

func TestInterruptedMergeIsNoSuccess(t *testing.T) {
	p := diverged(t, "main")
	p.git("config", "merge.autoStash", "true") // nothing is foreseen, so nothing asks git
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := merge(ctx, t, p, Theirs{Ref: "up/main", ID: gitobj.OID(p.git("rev-parse", "up/main"))}, func() error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// likeGit runs LikeGit, and reports whether it has left the merge to git.
func likeGit(t *testing.T, p place, ref string, byThem func() error) (byGit bool) {
	t.Helper()
	theirs := Theirs{Ref: ref, ID: gitobj.OID(p.git("rev-parse", ref))}
	if err := merge(t.Context(), t, p, theirs, func() error { byGit = true; return byThem() }); err != nil {
		t.Fatal(err)
	}
	return byGit
}

// merge is LikeGit in the place.
func merge(ctx context.Context, t *testing.T, p place, theirs Theirs, byGit func() error) error {
	t.Helper()
	repo, err := git.Open(t.Context(), p.dir, git.Options{Env: p.env})
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	head, err := repo.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return LikeGit(ctx, &dataset.Dataset{Repo: repo}, head, theirs, byGit)
}
