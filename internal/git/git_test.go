package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// testEnv isolates a test from the user's git configuration.
func testEnv(t *testing.T) []string {
	home := t.TempDir()
	return append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
}

func runGit(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

func newRepo(t *testing.T, initArgs ...string) (*Repo, []string) {
	t.Helper()
	dir, env := t.TempDir(), testEnv(t)
	runGit(t, dir, env, append([]string{"init", "-q", "-b", "main"}, initArgs...)...)
	r, err := Open(t.Context(), dir, Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	return r, env
}

func TestOpenFindsTop(t *testing.T) {
	r, env := newRepo(t)
	sub := filepath.Join(r.WorkTree, "a", "b")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := Open(t.Context(), sub, Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if got.WorkTree != r.WorkTree || got.GitDir != filepath.Join(r.WorkTree, ".git") {
		t.Errorf("found %s, %s", got.WorkTree, got.GitDir)
	}
	if _, err := Open(t.Context(), sub, Options{Env: append(env, "GIT_CEILING_DIRECTORIES="+filepath.Dir(sub))}); !errors.Is(err, ErrNoRepository) {
		t.Errorf("the ceiling was ignored: %v", err)
	}
}

func TestOpenRefusesForeignOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to give a folder away")
	}
	r, env := newRepo(t)
	if err := exec.Command("chown", "-R", "nobody", r.WorkTree).Run(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), r.WorkTree, Options{Env: env})
	if err == nil || !strings.Contains(err.Error(), "dubious ownership") {
		t.Errorf("opened a repository that git refuses: %v", err)
	}
}

func TestLinkedWorkTree(t *testing.T) {
	r, env := newRepo(t)
	runGit(t, r.WorkTree, env, "commit", "-q", "--allow-empty", "-m", "one")
	other := filepath.Join(t.TempDir(), "wt")
	runGit(t, r.WorkTree, env, "worktree", "add", "-q", "-b", "side", other)
	w, err := Open(t.Context(), other, Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if w.CommonDir != r.CommonDir || w.GitDir == r.GitDir {
		t.Errorf("git dir %s, common %s", w.GitDir, w.CommonDir)
	}
	h, err := w.Head(t.Context())
	if err != nil || h.Ref != "refs/heads/side" || h.OID == "" {
		t.Errorf("head %+v, %v", h, err)
	}
}

func TestRefsLoosePackedDetached(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r, env := newRepo(t, "--object-format="+format)
		h, err := r.Head(t.Context())
		if err != nil || h.Branch() != "main" || h.OID != "" {
			t.Fatalf("unborn head %+v, %v", h, err)
		}
		runGit(t, r.WorkTree, env, "commit", "-q", "--allow-empty", "-m", "one")
		want := runGit(t, r.WorkTree, env, "rev-parse", "HEAD")
		check := func(step string) {
			if h, err := r.Head(t.Context()); err != nil || string(h.OID) != want {
				t.Errorf("%s %s: head %+v, %v, want %s", format, step, h, err, want)
			}
		}
		check("loose")
		runGit(t, r.WorkTree, env, "pack-refs", "--all")
		check("packed")
		runGit(t, r.WorkTree, env, "checkout", "-q", "--detach")
		check("detached")
	}
}

func TestRefNamesThatEscape(t *testing.T) {
	r, _ := newRepo(t)
	for _, name := range []string{"refs/../config", "config", "refs/heads/a.lock", "refs//x", "refs/heads/a b"} {
		if _, err := r.Ref(t.Context(), name); err == nil {
			t.Errorf("%q was read", name)
		}
	}
}

func TestIdentitiesEqualGitVar(t *testing.T) {
	r, env := newRepo(t)
	for _, extra := range [][]string{
		nil,
		{"GIT_AUTHOR_NAME= .Ada <L>. ", "GIT_AUTHOR_DATE=@1700000000 +0530"},
		{"GIT_AUTHOR_DATE=2024-02-29T12:00:00+01:00", "GIT_COMMITTER_DATE=1700000001 -0800"},
		{"GIT_AUTHOR_DATE=Thu, 07 Apr 2005 22:13:13 +0200"},
	} {
		o, err := Open(t.Context(), r.WorkTree, Options{Env: append(env, extra...)})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		ids, err := o.Identities(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		for role, got := range map[string]gitobj.Identity{"AUTHOR": ids.Author, "COMMITTER": ids.Committer} {
			want := runGit(t, o.WorkTree, o.env, "var", "GIT_"+role+"_IDENT")
			if w, err := ParseIdentity(want); err != nil || w.Name != got.Name || w.Email != got.Email || w.When.Sub(got.When).Abs() > 2*time.Second {
				t.Errorf("%v %s: %s, git has %s (%v)", extra, role, got, want, err)
			}
		}
	}
}

func TestWriterMovesNoRefs(t *testing.T) {
	ctx := context.Background()
	for _, format := range []string{"sha1", "sha256"} {
		r, env := newRepo(t, "--object-format="+format)
		ids, err := r.Identities(ctx, time.Unix(1700000000, 0).UTC())
		if err != nil {
			t.Fatal(err)
		}
		w := r.WriteObjects(ctx)
		defer w.Abort()
		blob, err := w.WriteBlob([]byte("hello\n"))
		if err != nil {
			t.Fatal(err)
		}
		nasty := "sp ace/\"q\"\\b\n\tü"
		one, tree, err := w.Commit(CommitSpec{Who: ids, Message: "one\n", Changes: []TreeChange{{Path: nasty, Mode: gitobj.ModeFile, OID: blob}, {Path: "b", Mode: gitobj.ModeExec, OID: blob}}})
		if err != nil {
			t.Fatal(err)
		}
		side, _, err := w.Commit(CommitSpec{Parents: []gitobj.OID{one}, Who: ids, Message: "side\n", Changes: []TreeChange{{Path: "b", Remove: true}, {Path: "b/c", Mode: gitobj.ModeSymlink, OID: blob}}})
		if err != nil {
			t.Fatal(err)
		}
		merge, _, err := w.Commit(CommitSpec{Parents: []gitobj.OID{one, side}, Who: ids, Message: "merge\n"})
		if err != nil {
			t.Fatal(err)
		}
		if e, ok, err := w.Entry(one, nasty); err != nil || !ok || e.OID != blob {
			t.Errorf("entry %v %v %v", e, ok, err)
		}
		if e, ok, err := w.Entry(side, "b"); err != nil || !ok || e.Mode != gitobj.ModeTree {
			t.Errorf("entry %v %v %v", e, ok, err)
		}
		if _, ok, err := w.Entry(one, "nope"); err != nil || ok {
			t.Errorf("missing entry found: %v", err)
		}
		if got, err := w.Blob(blob); err != nil || string(got) != "hello\n" {
			t.Errorf("blob %q, %v", got, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if refs := runGit(t, r.WorkTree, env, "for-each-ref"); refs != "" {
			t.Errorf("refs moved: %s", refs)
		}
		if err := r.MoveRefs(ctx, []RefMove{{Name: "refs/heads/main", New: merge}}, "stemma test: two\nlines"); err != nil {
			t.Fatal(err)
		}
		if got := runGit(t, r.WorkTree, env, "rev-parse", string(one)+"^{tree}"); got != string(tree) {
			t.Errorf("tree %s, git says %s", tree, got)
		}
		runGit(t, r.WorkTree, env, "fsck", "--strict")
		if got := runGit(t, r.WorkTree, env, "log", "--format=%s", "--first-parent"); got != "merge\none" {
			t.Errorf("log %q", got)
		}
		if err := r.MoveRefs(ctx, []RefMove{{Name: "refs/heads/main", Old: one, New: side}}, "x"); err == nil {
			t.Error("a moved ref was overwritten")
		}
	}
}
