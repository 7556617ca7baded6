package annex_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/git"
)

// logsRepo is a repository with a git-annex branch, for tests that need no
// git-annex.
type logsRepo struct {
	t    *testing.T
	dir  string
	env  []string
	tick int
}

func newLogsRepo(t *testing.T) *logsRepo {
	t.Helper()
	home := t.TempDir()
	r := &logsRepo{t: t, dir: t.TempDir(), tick: 1000}
	r.env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
	r.git("init", "-q", "-b", "main")
	r.git("config", "annex.uuid", "11111111-1111-4111-8111-111111111111")
	r.git("config", "annex.version", "10")
	return r
}

func (r *logsRepo) git(args ...string) string {
	r.t.Helper()
	return r.feed("", args...)
}

func (r *logsRepo) feed(stdin string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, r.env, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// branch sets ref to a commit on parent that changes the files.
func (r *logsRepo) branch(ref, parent string, files map[string]string) string {
	r.t.Helper()
	r.tick++
	var in strings.Builder
	fmt.Fprintf(&in, "commit %s\ncommitter Ada <ada@example.org> %d +0000\ndata 6\nupdate\n", ref, r.tick)
	if parent != "" {
		fmt.Fprintf(&in, "from %s\n", parent)
	}
	for _, p := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", p, len(files[p]), files[p])
	}
	r.feed(in.String(), "fast-import", "--quiet", "--force")
	return r.git("rev-parse", ref)
}

func (r *logsRepo) open() *annex.Annex {
	r.t.Helper()
	repo, err := git.Open(r.t.Context(), r.dir, git.Options{Env: r.env})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(repo.Close)
	a, err := annex.Open(repo)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r *logsRepo) merge() []string {
	r.t.Helper()
	merged, err := r.open().Merge(r.t.Context(), time.Unix(2000, 0))
	if err != nil {
		r.t.Fatal(err)
	}
	return merged
}

const (
	logA = "aaa/bbb/K-s1--a.log"
	logB = "aaa/bbb/K-s1--b.log"
	logC = "ccc/ddd/K-s1--c.log"
)

func TestMergeIsTheUnionOfAllSides(t *testing.T) {
	r := newLogsRepo(t)
	base := r.branch("refs/heads/git-annex", "", map[string]string{logA: "1s 1 u1\n", "uuid.log": "u1 one timestamp=1s\n"})
	r.branch("refs/heads/git-annex", base, map[string]string{logA: "1s 1 u1\n2s 1 u2\n"})
	r.branch("refs/remotes/o/git-annex", base, map[string]string{logA: "1s 1 u1\n3s 1 u3\n", logB: "3s 1 u3\n"})
	r.branch("refs/remotes/p/synced/git-annex", base, map[string]string{logA: "1s 1 u1\n0.5s 0 u4\n", logC: "4s 1 u4\n"})
	r.branch("refs/remotes/p/other", base, map[string]string{"x": "not ours\n"})
	got := r.merge()
	if want := []string{"refs/remotes/o/git-annex", "refs/remotes/p/synced/git-annex"}; !slices.Equal(got, want) {
		t.Errorf("merged %v", got)
	}
	for path, want := range map[string]string{
		logA: "0.5s 0 u4\n1s 1 u1\n2s 1 u2\n3s 1 u3", logB: "3s 1 u3", logC: "4s 1 u4", "uuid.log": "u1 one timestamp=1s",
	} {
		if got := r.git("cat-file", "-p", "git-annex:"+path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := r.git("log", "-1", "--format=%P", "git-annex"); len(strings.Fields(got)) != 3 {
		t.Errorf("parents %s", got)
	}
	if got := r.git("cat-file", "-p", "git-annex"); !strings.HasSuffix(got, "\n\nmerging o/git-annex p/synced/git-annex into git-annex") {
		t.Errorf("commit %q", got)
	}
	if noted, _ := os.ReadFile(filepath.Join(r.dir, ".git/annex/mergedrefs")); strings.Count(string(noted), "\n") != 2 {
		t.Errorf("mergedrefs %q", noted)
	}
	before := r.git("rev-parse", "git-annex")
	if again := r.merge(); len(again) != 0 || r.git("rev-parse", "git-annex") != before {
		t.Errorf("merged again: %v", again)
	}
}

func TestMergeMovesForward(t *testing.T) {
	r := newLogsRepo(t)
	base := r.branch("refs/heads/git-annex", "", map[string]string{logA: "1s 1 u1\n"})
	mid := r.branch("refs/remotes/o/git-annex", base, map[string]string{logB: "2s 1 u1\n"})
	tip := r.branch("refs/remotes/p/git-annex", mid, map[string]string{logC: "3s 1 u1\n"})
	r.merge()
	if got := r.git("rev-parse", "git-annex"); got != tip {
		t.Errorf("git-annex is %s, want the newest tip %s", got, tip)
	}
}

func TestMergeStartsFromOrigin(t *testing.T) {
	r := newLogsRepo(t)
	tip := r.branch("refs/remotes/origin/git-annex", "", map[string]string{logA: "1s 1 u1\n"})
	r.merge()
	if got := r.git("rev-parse", "git-annex"); got != tip {
		t.Errorf("git-annex is %s, want origin's %s", got, tip)
	}
	r = newLogsRepo(t)
	r.branch("refs/remotes/other/git-annex", "", map[string]string{logA: "1s 1 u1\n"})
	r.merge()
	if got := r.git("log", "--format=%s", "--first-parent", "git-annex"); got != "merging other/git-annex into git-annex\nbranch created" {
		t.Errorf("history %q", got)
	}
}

func TestMergeFoldsTheJournal(t *testing.T) {
	r := newLogsRepo(t)
	base := r.branch("refs/heads/git-annex", "", map[string]string{logA: "1s 1 u1\n"})
	r.branch("refs/remotes/o/git-annex", base, map[string]string{logA: "1s 1 u1\n3s 1 u3\n"})
	journal := filepath.Join(r.dir, ".git/annex/journal")
	if err := os.MkdirAll(journal, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"aaa_bbb_K-s1--a.log": "2s 1 u2\n", "ccc_ddd_K-s1--c.log": "2s 1 u2\n"} {
		if err := os.WriteFile(filepath.Join(journal, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r.merge()
	if got := r.git("cat-file", "-p", "git-annex:"+logA); got != "1s 1 u1\n2s 1 u2\n3s 1 u3" {
		t.Errorf("%s: %q", logA, got)
	}
	if got := r.git("cat-file", "-p", "git-annex:"+logC); got != "2s 1 u2" {
		t.Errorf("%s: %q", logC, got)
	}
	if left, _ := os.ReadDir(journal); len(left) != 0 {
		t.Errorf("%d journal files are left", len(left))
	}
}

func TestMergeRefusesAnotherHistory(t *testing.T) {
	r := newLogsRepo(t)
	base := r.branch("refs/heads/git-annex", "", map[string]string{logA: "1s 1 u1\n"})
	r.branch("refs/remotes/o/git-annex", "", map[string]string{"transitions.log": "ForgetGitHistory 5s\n"})
	if _, err := r.open().Merge(t.Context(), time.Unix(2000, 0)); err == nil || !strings.Contains(err.Error(), "transitions.log") {
		t.Errorf("merged a rewritten history: %v", err)
	}
	if got := r.git("rev-parse", "git-annex"); got != base {
		t.Errorf("the branch moved")
	}
}

// A hostile branch: logs that are links, nested repositories or folders of git.
func TestMergeTakesLogsOnly(t *testing.T) {
	r := newLogsRepo(t)
	base := r.branch("refs/heads/git-annex", "", map[string]string{logA: "1s 1 u1\n"})
	blob := r.feed("/etc/passwd", "hash-object", "-w", "--stdin")
	tree := r.feed("120000 blob "+blob+"\tlink\n160000 commit "+base+"\tmod\n", "mktree")
	r.git("update-ref", "refs/remotes/o/git-annex", r.git("commit-tree", "-p", base, "-m", "x", tree))
	r.branch("refs/heads/git-annex", base, map[string]string{logB: "1s 1 u1\n"})
	r.merge()
	if got := r.git("ls-tree", "-r", "--name-only", "git-annex"); got != logA+"\n"+logB {
		t.Errorf("the branch has %q", got)
	}
}

// git-annex is asked to merge the same branches.
func TestMergeAsGitAnnex(t *testing.T) {
	if _, err := exec.LookPath("git-annex"); err != nil || os.Getenv("STEMMA_ORACLES") == "none" {
		if err != nil && os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("git-annex is not asked")
	}
	r := newLogsRepo(t)
	key := func(i int) string {
		return fmt.Sprintf("%03x/%03x/SHA256E-s1--%064d.log", i%7, i%5, i)
	}
	many := func(from, to int, line string) map[string]string {
		files := map[string]string{}
		for i := from; i < to; i++ {
			files[key(i)] = fmt.Sprintf(line, i)
		}
		return files
	}
	base := r.branch("refs/heads/git-annex", "", many(0, 300, "%ds 1 u1\n"))
	r.branch("refs/heads/git-annex", base, many(100, 400, "%ds 1 u2\n"))
	r.branch("refs/remotes/o/git-annex", base, many(200, 500, "%ds 1 u3\n"))
	r.branch("refs/remotes/p/git-annex", base, many(50, 350, "%ds 0 u1\n"))
	before := r.git("rev-parse", "git-annex")
	r.git("annex", "merge")
	want := r.git("rev-parse", "git-annex^{tree}", "git-annex^1", "git-annex^2", "git-annex^3")
	message := r.git("log", "-1", "--format=%B", "git-annex")
	r.git("update-ref", "refs/heads/git-annex", before)
	if err := os.RemoveAll(filepath.Join(r.dir, ".git/annex")); err != nil {
		t.Fatal(err)
	}
	r.merge()
	if got := r.git("rev-parse", "git-annex^{tree}", "git-annex^1", "git-annex^2", "git-annex^3"); got != want {
		t.Errorf("tree and parents\n%s\ngit-annex has\n%s", got, want)
	}
	if got := r.git("log", "-1", "--format=%B", "git-annex"); got != message {
		t.Errorf("message %q, git-annex has %q", got, message)
	}
}
