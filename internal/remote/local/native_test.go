package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// TestKeeper: a repository that a path leads to passes the suite, with a work
// tree and without one.
func TestKeeper(t *testing.T) {
	for name, args := range map[string][]string{"worktree": {"init", "-q"}, "bare": {"init", "-q", "--bare"}} {
		t.Run(name, func(t *testing.T) {
			remotetest.Run(t, func(t *testing.T) remotetest.Case {
				return remotetest.Case{Keeper: newRemote(t, args)}
			})
		})
	}
}

func newRemote(t *testing.T, initArgs []string) *Remote {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	config := filepath.Join(t.TempDir(), "gitconfig")
	if err := os.WriteFile(config, []byte("[user]\n\tname = Ada\n\temail = ada@example.org\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "GIT_CONFIG_GLOBAL="+config, "GIT_CONFIG_NOSYSTEM=1")
	if out, err := exec.Command("git", append(initArgs, dir)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	repo, err := OpenRepository(t.Context(), dir, RepositoryOptions{Env: env, Init: true, Description: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), remote.Spec{Name: "r", Dir: dir}, Options{Env: env, From: "00000000-0000-0000-0000-0000000000aa"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		exec.Command("chmod", "-R", "u+w", dir).Run()
	})
	return r
}
