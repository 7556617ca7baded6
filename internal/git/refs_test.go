package git

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A lock that another git holds for longer than git itself would wait for it.
func TestMoveRefsWaitsForLock(t *testing.T) {
	r, env := newRepo(t)
	runGit(t, r.WorkTree, env, "commit", "-q", "--allow-empty", "-m", "one")
	head, err := r.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	runGit(t, r.WorkTree, env, "commit", "-q", "--allow-empty", "-m", "two")
	two, err := r.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(r.GitDir, "HEAD.lock")
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(600*time.Millisecond, func() { os.Remove(lock) })
	if err := r.MoveRefs(t.Context(), []RefMove{{Name: head.Ref, Old: two.OID, New: head.OID}}, "back"); err != nil {
		t.Error(err)
	}
}
