package local_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
	"github.com/stemma-data/stemma/test/crash/rig"
)

func run(t testing.TB, w *rig.World, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, w.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// annexAt makes an empty annex.
func annexAt(t testing.TB, w *rig.World, name string, bare bool) string {
	t.Helper()
	dir := filepath.Join(w.Root, name)
	args := []string{"git", "init", "-q", dir}
	if bare {
		args = append(args, "--bare")
	}
	run(t, w, w.Root, args...)
	run(t, w, dir, "git", "annex", "init", name)
	return dir
}

func open(t testing.TB, w *rig.World, dir string, opt local.Options) *local.Remote {
	t.Helper()
	opt.Env = w.Env
	r, err := local.Open(t.Context(), remote.Spec{Name: "other", Kind: remote.Path, Dir: dir}, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestConformance(t *testing.T) {
	rig.Need(t, "git-annex")
	w, n := rig.NewWorld(t, "/usr/bin/git"), 0
	remotetest.Run(t, func(t *testing.T) remotetest.Case {
		n++
		dir := annexAt(t, w, fmt.Sprint("far", n), n%2 == 0)
		return remotetest.Case{
			Keeper: open(t, w, dir, local.Options{HardLink: n%3 == 0}),
			Damage: func(t *testing.T, k annexkey.Key, content []byte) { damage(t, dir, k, content) },
		}
	})
}

// damage writes over an object where it lies.
func damage(t *testing.T, dir string, k annexkey.Key, content []byte) {
	t.Helper()
	for _, top := range []string{"annex/objects", ".git/annex/objects"} {
		for _, p := range []string{k.ObjectPath(), k.ObjectPathLower()} {
			path := filepath.Join(dir, top, p)
			if os.Chmod(path, 0o644) == nil {
				if err := os.WriteFile(path, content, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
		}
	}
	t.Fatal("no object to damage")
}

func TestGitAnnexAgreesWithWhatWasStored(t *testing.T) {
	rig.Need(t, "git-annex")
	for _, bare := range []bool{false, true} {
		w := rig.NewWorld(t, "/usr/bin/git")
		dir := annexAt(t, w, "far", bare)
		r := open(t, w, dir, local.Options{})
		content := remotetest.Bytes(100000, 7)
		k := remotetest.KeyOf(content)
		path := filepath.Join(w.Root, "content")
		os.WriteFile(path, content, 0o644)
		if err := r.Store(t.Context(), k, remote.Content{Path: path, Size: k.Size}); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if out := run(t, w, dir, "git", "annex", "fsck", "--all"); strings.Contains(out, "fixing") || !strings.Contains(out, "ok") {
			t.Errorf("bare %v: %s", bare, out)
		}
		if left := run(t, w, dir, "git", "annex", "whereis", "--key", k.String()); !strings.Contains(left, "1 copy") {
			t.Error(left)
		}
		if err := r.Remove(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if log := run(t, w, dir, "git", "grep", "-h", r.UUID(), "git-annex", "--", "*.dat.log"); !strings.Contains(log, " 0 "+r.UUID()) {
			t.Errorf("bare %v, after removal: %s", bare, log)
		}
	}
}

func TestAnAnnexIsStartedWhereABranchIs(t *testing.T) {
	rig.Need(t, "git-annex")
	w := rig.NewWorld(t, "/usr/bin/git")
	src := annexAt(t, w, "src", false)
	bare := filepath.Join(w.Root, "bare.git")
	run(t, w, w.Root, "git", "clone", "-q", "--bare", src, bare)
	r := open(t, w, bare, local.Options{Description: "made by a test"})
	if got := run(t, w, bare, "git", "config", "annex.uuid"); got != r.UUID() || len(got) != 36 {
		t.Errorf("%q %q", got, r.UUID())
	}
	if text := run(t, w, bare, "git", "show", "git-annex:uuid.log"); !strings.Contains(text, r.UUID()+" made by a test") {
		t.Errorf("%s", text)
	}
	run(t, w, bare, "git", "annex", "fsck", "--all")
	plain := filepath.Join(w.Root, "plain")
	run(t, w, w.Root, "git", "init", "-q", plain)
	if _, err := local.Open(t.Context(), remote.Spec{Name: "plain", Dir: plain}, local.Options{Env: w.Env}); err == nil {
		t.Error("a plain repository became an annex")
	}
}

func TestNothingIsDeletedWhereThatMeansMore(t *testing.T) {
	rig.Need(t, "git-annex")
	w := rig.NewWorld(t, "/usr/bin/git")
	dir := annexAt(t, w, "far", false)
	k := remotetest.KeyOf([]byte("secret"))
	path := filepath.Join(w.Root, "content")
	os.WriteFile(path, []byte("secret"), 0o644)
	run(t, w, dir, "git", "config", "annex.secure-erase-command", "shred %file")
	r := open(t, w, dir, local.Options{})
	if err := r.Store(t.Context(), k, remote.Content{Path: path, Size: k.Size}); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), k); err == nil || !strings.Contains(err.Error(), "secure-erase-command") {
		t.Error(err)
	}
}
