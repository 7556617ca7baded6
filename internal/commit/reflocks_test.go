package commit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// A git that was killed with its parent leaves the locks of refs behind: our
// own go, with our id in them or empty; a foreign one stays.
func TestRefLocksOfKilledGitAreRemoved(t *testing.T) {
	p := newPublisher(t)
	res := p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	next := gitobj.OID(p.gitOut(t, "commit-tree", "-p", string(res.Tip), "-m", "next", "HEAD^{tree}"))
	moves := []git.RefMove{
		{Name: "refs/heads/main", Old: res.Tip, New: next},
		{Name: "refs/heads/other", New: next},
	}
	if err := p.writeIntent(&intent{Moves: moves, GitDir: p.Repo.GitDir}); err != nil {
		t.Fatal(err)
	}
	locks := map[string]string{
		"refs/heads/main.lock":  string(next) + "\n",
		"HEAD.lock":             "",
		"refs/heads/other.lock": string(res.Tip) + "\n",
	}
	for name, text := range locks {
		if err := os.WriteFile(filepath.Join(p.Repo.GitDir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recoverNow(t, p)
	left, _ := filepath.Glob(filepath.Join(p.Repo.GitDir, "refs/heads/*.lock"))
	if len(left) != 1 || !strings.HasSuffix(left[0], "other.lock") {
		t.Errorf("locks %v", left)
	}
	if _, err := os.Stat(filepath.Join(p.Repo.GitDir, "HEAD.lock")); err == nil {
		t.Error("HEAD.lock is left")
	}
	if got := p.gitOut(t, "rev-parse", "HEAD"); got != string(res.Tip) {
		t.Error("something was published")
	}
}

// git moves one ref after the other: what it did not get to is done later.
func TestRecoveryMovesTheOtherRefs(t *testing.T) {
	p := newPublisher(t)
	res := p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	next := gitobj.OID(p.gitOut(t, "commit-tree", "-p", string(res.Tip), "-m", "next", "HEAD^{tree}"))
	moves := []git.RefMove{{Name: "refs/heads/job-1", New: next}, {Name: "refs/heads/job-2", New: next}}
	if err := p.writeIntent(&intent{Moves: moves, GitDir: p.Repo.GitDir}); err != nil {
		t.Fatal(err)
	}
	p.gitOut(t, "update-ref", "refs/heads/job-1", string(next))
	recoverNow(t, p)
	if got := p.gitOut(t, "rev-parse", "job-2"); got != string(next) {
		t.Errorf("job-2 is at %s", got)
	}
}

// If only the log of the annex moved, nothing is published: it says the truth
// without the rest.
func TestRecoveryAfterTheAnnexBranchAlone(t *testing.T) {
	p := newPublisher(t)
	res := p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	next := gitobj.OID(p.gitOut(t, "commit-tree", "-p", string(res.Tip), "-m", "next", "HEAD^{tree}"))
	moves := []git.RefMove{{Name: "refs/heads/git-annex", New: next}, {Name: "refs/heads/main", Old: res.Tip, New: next}}
	if err := p.writeIntent(&intent{Moves: moves, GitDir: p.Repo.GitDir}); err != nil {
		t.Fatal(err)
	}
	p.gitOut(t, "update-ref", "refs/heads/git-annex", string(next))
	recoverNow(t, p)
	if got := p.gitOut(t, "rev-parse", "HEAD"); got != string(res.Tip) {
		t.Error("published")
	}
}

// A git process of a dead writer may still be moving the refs.
func TestRecoveryWaitsForOrphans(t *testing.T) {
	p := newPublisher(t)
	if err := os.MkdirAll(StateDir(p.Repo), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := p.writeIntent(&intent{GitDir: p.Repo.GitDir}); err != nil {
		t.Fatal(err)
	}
	hold, err := p.holdIntent()
	if err != nil {
		t.Fatal(err)
	}
	released := make(chan time.Time, 1)
	time.AfterFunc(200*time.Millisecond, func() { released <- time.Now(); hold.Close() })
	recoverNow(t, p)
	select {
	case <-released:
	default:
		t.Error("recovery did not wait")
	}
}

// A command that finds nothing to do settles what was left all the same.
func TestSettle(t *testing.T) {
	p := newPublisher(t)
	if err := p.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(StateDir(p.Repo)); err == nil {
		t.Error("it left something where nothing was")
	}
	if err := os.MkdirAll(StateDir(p.Repo), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := p.writeIntent(&intent{GitDir: p.Repo.GitDir}); err != nil {
		t.Fatal(err)
	}
	if err := p.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.intentPath()); err == nil {
		t.Error("the intent is left")
	}
}

// A writer that died in another work tree, on a detached HEAD, is judged by
// that work tree's HEAD: its index follows.
func TestRecoveryForAnotherWorkTree(t *testing.T) {
	p := newPublisher(t)
	res := p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	other := filepath.Join(t.TempDir(), "other")
	p.gitOut(t, "worktree", "add", "-q", "--detach", other)
	gitDir := p.gitOut(t, "-C", other, "rev-parse", "--absolute-git-dir")
	next := gitobj.OID(p.gitOut(t, "commit-tree", "-p", string(res.Tip), "-m", "next", "HEAD^{tree}"))
	p.gitOut(t, "-C", other, "update-ref", "--no-deref", "HEAD", string(next))
	index, lock := filepath.Join(gitDir, "index"), filepath.Join(gitDir, "index.lock")
	data, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lock, data, 0o644); err != nil {
		t.Fatal(err)
	}
	id := fsx.Identity(lock)
	in := &intent{
		Moves: []git.RefMove{{Name: "HEAD", Old: res.Tip, New: next}}, GitDir: gitDir, Lock: id,
		Edits: []intentEdit{{Path: "a", Mode: gitobj.ModeFile}},
	}
	if err := p.writeIntent(in); err != nil {
		t.Fatal(err)
	}
	recoverNow(t, p)
	if fsx.Identity(index) != id {
		t.Error("the index did not follow")
	}
}
