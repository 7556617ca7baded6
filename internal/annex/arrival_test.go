package annex

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
)

// bareAnnex is a bare repository with an annex.
func bareAnnex(t *testing.T) *Annex {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bare.git")
	env := append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@b")
	if out, err := exec.Command("git", "init", "-q", "--bare", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	repo, err := git.OpenAt(t.Context(), dir, git.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	a, logs, err := Init(repo, InitOptions{UUID: NewUUID(), Description: "bare", Now: annexlog.ClockOf(time.Now())})
	if err == nil {
		err = a.Commit(t.Context(), logs, time.Now(), "test")
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func keyFor(content []byte) annexkey.Key {
	sum := sha256.Sum256(content)
	k := annexkey.New("SHA256", hex.EncodeToString(sum[:]))
	k.Size = int64(len(content))
	return k
}

func TestArrivalsGoOn(t *testing.T) {
	a, content := bareAnnex(t), []byte("0123456789")
	k := keyFor(content)
	os.MkdirAll(a.Dir("tmp"), 0o755)
	os.WriteFile(a.Dir("tmp", k.File()), content[:4], 0o644) // git-annex left it
	r, err := a.Arrive(k, "u")
	if err != nil || r.Offset() != 4 {
		t.Fatalf("%v %v", r, err)
	}
	if _, err := os.Stat(a.Dir("tmp", k.File())); err == nil {
		t.Error("others can write to it by its name")
	}
	if _, err := a.Arrive(k, "v"); !errors.Is(err, ErrTransferring) {
		t.Errorf("a second one: %v", err)
	}
	os.WriteFile(r.Path(), content[:7], 0o644)
	r.Suspend()
	if got, _ := os.ReadFile(a.Dir("tmp", k.File())); !bytes.Equal(got, content[:7]) {
		t.Errorf("left for git-annex: %q", got)
	}
	if r, err = a.Arrive(k, "v"); err != nil || r.Offset() != 7 {
		t.Fatal(err)
	}
	os.WriteFile(r.Path(), content, 0o644)
	fi, _ := os.Lstat(r.Path())
	if err := r.Keep(t.Context(), fi); err != nil {
		t.Fatal(err)
	}
	if object, ok := a.Locate(k); !ok || object != a.Dir("objects", filepath.FromSlash(k.ObjectPathLower())) {
		t.Errorf("%s %v", object, ok)
	}
	for _, dir := range []string{"tmp", "transfer/download/lck", "transfer/download/u", "transfer/download/v"} {
		if left, _ := os.ReadDir(a.Dir(dir)); len(left) > 0 {
			t.Errorf("left in %s: %v", dir, left)
		}
	}
}

func TestAnArrivalOfAKilledProcessIsTakenOver(t *testing.T) {
	a, content := bareAnnex(t), []byte("0123456789")
	k := keyFor(content)
	r, err := a.Arrive(k, "u")
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(r.Path(), content[:5], 0o644)
	r.lock.Unlock() // as the kernel does
	if r, err = a.Arrive(k, "u"); err != nil || r.Offset() != 5 {
		t.Fatalf("%v", err)
	}
	os.WriteFile(r.Path(), append(content, 'x'), 0o644)
	r.Suspend()
	if r, err = a.Arrive(k, "u"); err != nil || r.Offset() != 0 {
		t.Errorf("more than the key has: %v %v", r, err)
	}
	r.Discard()
}

func TestCommitFoldsTheJournal(t *testing.T) {
	a := bareAnnex(t)
	k := keyFor([]byte("x"))
	set := SetLocation(k, a.UUID, annexlog.StatusPresent, annexlog.ClockOf(time.Now()))
	if err := a.WriteJournal(t.Context(), set.Path, set.UUID, set.Change); err != nil {
		t.Fatal(err)
	}
	if err := a.Commit(t.Context(), nil, time.Now(), "test"); err != nil {
		t.Fatal(err)
	}
	_, text, err := a.Repo.Object(t.Context(), BranchRef+":"+set.Path, -1)
	if where := annexlog.ParsePresence(text).Present(); err != nil || len(where) != 1 || where[0] != a.UUID {
		t.Errorf("%q %v", text, err)
	}
	if left, _ := os.ReadDir(a.Dir("journal")); len(left) > 0 {
		t.Errorf("left in the journal: %v", left)
	}
	tip, _ := a.Repo.Ref(t.Context(), BranchRef)
	if err := a.Commit(t.Context(), nil, time.Now(), "test"); err != nil {
		t.Fatal(err)
	}
	if now, _ := a.Repo.Ref(t.Context(), BranchRef); now != tip {
		t.Error("a commit without a change")
	}
}
