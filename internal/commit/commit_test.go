package commit

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

func newPublisher(t *testing.T) *Publisher {
	t.Helper()
	dir, home := t.TempDir(), t.TempDir()
	env := append(os.Environ(), "HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
	cmd := exec.Command("git", "init", "-q", "-b", "main", dir)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	repo, err := git.Open(t.Context(), dir, git.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	return &Publisher{Repo: repo}
}

func (p *Publisher) gitOut(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.Repo.Output(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(out), "\n")
}

// textFile writes a file and describes it for a commit.
func (p *Publisher) textFile(t *testing.T, rel, text string) File {
	t.Helper()
	path := p.Repo.Path(rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return File{Path: rel, Mode: gitobj.ModeFile, Data: []byte(text), Stat: gitindex.StatOf(fi)}
}

func (p *Publisher) publish(t *testing.T, req Request) Result {
	t.Helper()
	if req.Reason == "" {
		req.Reason = "test"
	}
	res, err := p.Publish(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestChain(t *testing.T) {
	p := newPublisher(t)
	res := p.publish(t, Request{Commits: []Commit{
		{Message: "one\n", Files: []File{p.textFile(t, "a", "a\n")}},
		{Message: "nothing\n", Files: []File{p.textFile(t, "a", "a\n")}},
		{Message: "record\n", Files: []File{p.textFile(t, "a", "a\n")}, AllowEmpty: true},
		{Message: "two\n", Files: []File{p.textFile(t, "d/b", "b\n")}},
	}, Reason: "stemma finish: job 12"})
	if got := p.gitOut(t, "log", "--format=%s"); got != "two\nrecord\none" {
		t.Errorf("log %q", got)
	}
	if res.Commits[1] != "" || res.Changed[2] || !res.Changed[3] || res.Tip != res.Commits[3] {
		t.Errorf("result %+v", res)
	}
	if got := p.gitOut(t, "status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
	if got := p.gitOut(t, "reflog", "--format=%gs", "-1"); got != "stemma finish: job 12" {
		t.Errorf("reflog %q", got)
	}
	p.gitOut(t, "fsck", "--strict")
}

func TestBranchesAndOctopus(t *testing.T) {
	p := newPublisher(t)
	base := p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "base", "x")}}}})
	commits := []Commit{
		{Message: "j1\n", Files: []File{p.textFile(t, "o1", "1")}},
		{Message: "j2\n", Files: []File{p.textFile(t, "o2", "2")}},
	}
	names := []string{"refs/heads/job-1", "refs/heads/job-2"}
	res := p.publish(t, Request{Commits: commits, Shape: Branches, BranchOf: func(i int) string { return names[i] }})
	if res.Tip != base.Tip || p.gitOut(t, "rev-parse", "job-2") != string(res.Commits[1]) {
		t.Errorf("branches: %+v", res)
	}
	p.gitOut(t, "branch", "-D", "job-1", "job-2")
	res = p.publish(t, Request{Commits: commits, Shape: Octopus, MergeMessage: "Merge all\n"})
	if got := p.gitOut(t, "log", "-1", "--format=%s|%p"); len(strings.Fields(got)) != 4 {
		t.Errorf("octopus %q", got)
	}
	if got := p.gitOut(t, "ls-tree", "--name-only", "HEAD"); got != "base\no1\no2" {
		t.Errorf("tree %q", got)
	}
	if got := p.gitOut(t, "status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
	one := p.publish(t, Request{Commits: []Commit{{Message: "j3\n", Files: []File{p.textFile(t, "o3", "3")}}}, Shape: Octopus, MergeMessage: "no\n"})
	if one.Tip != one.Commits[0] {
		t.Error("one job is no fast-forward")
	}
	_ = res
}

func TestDetachedHeadMoves(t *testing.T) {
	p := newPublisher(t)
	p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	p.gitOut(t, "checkout", "-q", "--detach")
	res := p.publish(t, Request{Commits: []Commit{{Message: "two\n", Files: []File{p.textFile(t, "a", "2")}}}})
	if got := p.gitOut(t, "rev-parse", "HEAD"); got != string(res.Tip) {
		t.Errorf("HEAD %s", got)
	}
	if p.gitOut(t, "rev-parse", "main") == string(res.Tip) {
		t.Error("the branch moved with a detached HEAD")
	}
}

func TestWrongBranchIsRefused(t *testing.T) {
	p := newPublisher(t)
	p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	_, err := p.Publish(t.Context(), Request{Commits: []Commit{{Message: "x\n", AllowEmpty: true}}, OnBranch: "refs/heads/other"})
	if err == nil || !strings.Contains(err.Error(), "refs/heads/main") || !strings.Contains(err.Error(), "refs/heads/other") {
		t.Errorf("%v", err)
	}
}

func TestForeignIndexLock(t *testing.T) {
	p := newPublisher(t)
	p.IndexWait = 50 * time.Millisecond
	p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	before := p.gitOut(t, "rev-parse", "HEAD")
	lock := p.Repo.IndexPath() + ".lock"
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f := p.textFile(t, "a", "2")
	_, err := p.Publish(t.Context(), Request{Commits: []Commit{{Message: "two\n", Files: []File{f}}}})
	if err == nil || !strings.Contains(err.Error(), lock) {
		t.Errorf("%v", err)
	}
	if got := p.gitOut(t, "rev-parse", "HEAD"); got != before {
		t.Error("published in spite of the lock")
	}
	if _, err := os.Stat(lock); err != nil {
		t.Error("a foreign lock was removed")
	}
	os.Remove(lock)
	p.publish(t, Request{Commits: []Commit{{Message: "two\n", Files: []File{f}}}})
	left, _ := filepath.Glob(filepath.Join(p.Repo.GitDir, "index.stemma-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A user's edit in the very second of our index write must be seen.
func TestSameSecondEditIsSeen(t *testing.T) {
	p := newPublisher(t)
	for i := range 20 {
		f := p.textFile(t, "a", strings.Repeat("x", 5))
		p.publish(t, Request{Commits: []Commit{{Message: "c\n", Files: []File{f}, AllowEmpty: true}}})
		p.textFile(t, "a", "yyyyy")
		if got := p.gitOut(t, "status", "--porcelain"); got != " M a" {
			t.Fatalf("round %d: status %q", i, got)
		}
	}
}

// killed runs fn with a publisher whose closer panics, as if the process had
// died right there, and returns what is left for the next writer.
func TestRecoveryCompletes(t *testing.T) {
	p := newPublisher(t)
	p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	f := p.textFile(t, "new", "result")
	b := &builder{p: p, req: Request{Commits: []Commit{{Message: "result\n", Files: []File{f}, Tag: 7}}, Reason: "test"}}
	crash := func(before func(in *intent, lock *git.IndexLock)) {
		t.Helper()
		ctx := t.Context()
		lease, err := p.Lock(ctx, "test")
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release()
		b.writer = p.Repo.WriteObjects(ctx)
		if err := writeBlobs(b.writer, b.req.Commits); err != nil {
			t.Fatal(err)
		}
		b.moves, b.edits = nil, nil
		if b.head, err = p.Repo.Head(ctx); err != nil {
			t.Fatal(err)
		}
		if err := b.build(ctx); err != nil {
			t.Fatal(err)
		}
		lock, err := b.takeLock()
		if err != nil {
			t.Fatal(err)
		}
		in := newIntent(b, lock)
		if err := p.writeIntent(in); err != nil {
			t.Fatal(err)
		}
		if err := p.fillIndex(ctx, b, lock); err != nil {
			t.Fatal(err)
		}
		before(in, lock)
	}
	closed := map[int64]gitobj.OID{}
	p.Closer = func(_ context.Context, done map[int64]gitobj.OID) error {
		for k, v := range done {
			closed[k] = v
		}
		return nil
	}

	// Died with the index locked, before the refs moved: nothing happened.
	crash(func(*intent, *git.IndexLock) {})
	recoverNow(t, p)
	if _, err := os.Stat(p.Repo.IndexPath() + ".lock"); err == nil {
		t.Fatal("our lock is left")
	}
	if len(closed) != 0 || p.gitOut(t, "ls-tree", "--name-only", "HEAD") != "a" {
		t.Fatal("something was published")
	}

	// Died between refs and index: the index follows, the job is closed.
	crash(func(in *intent, _ *git.IndexLock) {
		if err := p.Repo.MoveRefs(t.Context(), in.Moves, "x"); err != nil {
			t.Fatal(err)
		}
	})
	recoverNow(t, p)
	if got := p.gitOut(t, "status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
	if got := p.gitOut(t, "ls-files"); got != "a\nnew" {
		t.Errorf("index %q", got)
	}
	if string(closed[7]) != p.gitOut(t, "rev-parse", "HEAD") {
		t.Errorf("closed %v", closed)
	}
}

// The user removed our lock by hand and committed something else: the index
// is repaired for our paths, and only for them.
func TestRecoveryRepairsIndex(t *testing.T) {
	p := newPublisher(t)
	p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "a", "1")}}}})
	old := p.gitOut(t, "rev-parse", "HEAD")
	res := p.publish(t, Request{Commits: []Commit{{Message: "result\n", Files: []File{p.textFile(t, "new", "r"), p.textFile(t, "a", "2")}}}})
	oid := func(path string) gitobj.OID { return gitobj.OID(p.gitOut(t, "rev-parse", "HEAD:"+path)) }
	edits := []intentEdit{{"new", gitobj.ModeFile, oid("new"), false}, {"a", gitobj.ModeFile, oid("a"), false}}
	p.gitOut(t, "read-tree", old)
	p.textFile(t, "user", "u")
	p.gitOut(t, "add", "user")
	in := &intent{Moves: []git.RefMove{{Name: "refs/heads/main", Old: gitobj.OID(old), New: res.Tip}}, Edits: edits, Lock: "no such", GitDir: p.Repo.GitDir}
	if err := p.writeIntent(in); err != nil {
		t.Fatal(err)
	}
	recoverNow(t, p)
	if got := p.gitOut(t, "status", "--porcelain"); got != "A  user" {
		t.Errorf("status %q", got)
	}
}

func recoverNow(t *testing.T, p *Publisher) {
	t.Helper()
	lease, err := p.Lock(t.Context(), "recover")
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.intentPath()); err == nil {
		t.Error("the intent is left")
	}
}

// What was just published must not look changed to commands that compare stat
// data only, such as the stash that git merge makes.
func TestPublishedFilesLookClean(t *testing.T) {
	p := newPublisher(t)
	for i := range 8 {
		name := string(rune('a' + i))
		p.publish(t, Request{Commits: []Commit{{Message: "c\n", Files: []File{p.textFile(t, name, name), p.textFile(t, "all", name)}}}})
		if got := p.gitOut(t, "diff-files", "--name-only"); got != "" {
			t.Fatalf("round %d: git has doubts about %q", i, got)
		}
	}
}
