package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// nestedRepo makes a repository with history below another one.
func nestedRepo(t *testing.T) (above *Repo, dir string, git func(args ...string) string) {
	t.Helper()
	top, home := t.TempDir(), t.TempDir()
	env := append(os.Environ(), "HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
	dir = filepath.Join(top, "a", "sub")
	git = func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return strings.TrimRight(string(out), "\n")
	}
	if err := os.MkdirAll(filepath.Join(dir, "d", "e"), 0o755); err != nil {
		t.Fatal(err)
	}
	git("init", "-q", "-b", "main", top)
	git("init", "-q", "-b", "main", dir)
	git("config", "--global", "Some.Setting", "global")
	above, err := Open(t.Context(), top, Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(above.Close)
	return above, dir, git
}

func TestOpenBelowReadsWhatGitReads(t *testing.T) {
	above, dir, git := nestedRepo(t)
	git("config", "some.setting", "own")
	git("config", "branch.main.remote", "up")
	git("config", "branch.main.merge", "refs/heads/main")
	git("config", "remote.up.url", "../there")
	sub, err := above.OpenBelow(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := Open(t.Context(), dir, Options{Env: above.env})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range asked.Config.Keys("") {
		if got, want := fmt.Sprint(sub.Config.All(key)), fmt.Sprint(asked.Config.All(key)); got != want {
			t.Errorf("%s: %s, git says %s", key, got, want)
		}
		if sub.Config.Local(key) != asked.Config.Local(key) {
			t.Errorf("%s: local %v", key, sub.Config.Local(key))
		}
	}
	if _, url, err := sub.Tracking(t.Context()); err != nil || url != "../there" {
		t.Errorf("tracking %q, %v", url, err)
	}
	if _, err := above.OpenBelow(t.Context(), filepath.Dir(dir)); !errors.Is(err, ErrNoRepository) {
		t.Errorf("a plain folder: %v", err)
	}
}

// TestOpenBelowAsksGit shows settings that only git can put together.
func TestOpenBelowAsksGit(t *testing.T) {
	above, dir, git := nestedRepo(t)
	extra := filepath.Join(t.TempDir(), "extra")
	git("config", "-f", extra, "from.include", "yes")
	git("config", "include.path", extra)
	sub, err := above.OpenBelow(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := sub.Config.Get("from.include"); got != "yes" {
		t.Errorf("an included setting is %q", got)
	}
	git("config", "--unset", "include.path")
	git("config", "--global", "includeIf.gitdir:**/sub/.path", extra)
	again, err := Open(t.Context(), above.WorkTree, Options{Env: above.env})
	if err != nil {
		t.Fatal(err)
	}
	if sub, err = again.OpenBelow(t.Context(), dir); err != nil || sub.Config.Get("from.include") != "yes" {
		t.Errorf("a setting for this repository only is %q, %v", sub.Config.Get("from.include"), err)
	}
}

// TestNativeObjects reads every object of a repository loose, packed, and
// packed as deltas, as git reads it.
func TestNativeObjects(t *testing.T) {
	above, dir, git := nestedRepo(t)
	for i := range 12 {
		var b strings.Builder
		for n := range 300 {
			fmt.Fprintf(&b, "line %d of %d\n", n, n/(i+1))
		}
		for _, name := range []string{"f", "d/g", fmt.Sprintf("d/e/%d", i)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		git("add", ".")
		git("commit", "-q", "-m", fmt.Sprintf("commit %d", i))
		if i == 8 {
			git("repack", "-q", "-a", "-d", "-f", "--depth=20", "--window=20")
		}
	}
	sub, err := above.OpenBelow(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, packing := range []string{"mixed", "offset deltas", "ref deltas"} {
		switch packing {
		case "offset deltas":
			git("repack", "-q", "-a", "-d", "-f", "--depth=20", "--window=20")
		case "ref deltas":
			git("-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f", "--depth=20")
		}
		compareObjects(t, sub, git, packing)
	}
}

func compareObjects(t *testing.T, r *Repo, git func(...string) string, packing string) {
	t.Helper()
	objs := r.objects()
	list := strings.Split(git("cat-file", "--batch-check", "--batch-all-objects"), "\n")
	for _, l := range list {
		f := strings.Fields(l)
		typ, data, err := objs.read(gitobj.OID(f[0]))
		if err != nil || typ != f[1] || r.Format.HashObject(typ, data) != gitobj.OID(f[0]) {
			t.Fatalf("%s: %s: got %s, %d bytes, %v", packing, l, typ, len(data), err)
		}
	}
	if len(list) < 60 {
		t.Errorf("%s: only %d objects", packing, len(list))
	}
	if _, _, err := objs.read(r.Format.EmptyTree()); err == nil {
		t.Errorf("%s: an object that is not there was read", packing)
	}
}

func TestIndexMatches(t *testing.T) {
	above, dir, git := nestedRepo(t)
	for _, name := range []string{"d/e/x", "d.a", "d-a", "d/z", "a"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("add", ".")
	git("commit", "-q", "-m", "one")
	check := func(what string, equal bool) {
		t.Helper()
		sub, err := above.OpenBelow(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		index, err := sub.ReadIndex()
		if err != nil {
			t.Fatal(err)
		}
		head, err := sub.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, known := sub.IndexMatches(index, head.OID); got != equal || !known {
			t.Errorf("%s: equal %v, known %v", what, got, known)
		}
	}
	check("after a commit", true)
	git("gc", "-q")
	check("packed", true)
	git("update-index", "--chmod=+x", "d/z")
	check("another mode", false)
	git("reset", "-q", "--hard")
	git("rm", "-q", "--cached", "d/z")
	check("one less at the end", false)
	git("reset", "-q", "--hard")
	if err := os.WriteFile(filepath.Join(dir, "z"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	git("add", "z")
	check("one more", false)
}

func FuzzApplyDelta(f *testing.F) {
	f.Add([]byte("base text"), []byte{9, 4, 0x90, 4})
	f.Add([]byte("base"), []byte{4, 3, 3, 'a', 'b', 'c'})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		if len(delta) > 1<<12 || len(base) > 1<<12 {
			return
		}
		out, err := applyDelta(base, delta)
		if err == nil && len(out) > maxNativeObject {
			t.Errorf("%d bytes", len(out))
		}
	})
}
