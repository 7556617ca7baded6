package gitindex

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// repo is a real git repository in a folder of its own.
type repo struct {
	dir    string
	format gitobj.Format
	env    []string
}

// variants are the index flavours each comparison with git runs on.
var variants = []struct {
	version int
	format  gitobj.Format
}{{2, gitobj.SHA1}, {3, gitobj.SHA1}, {4, gitobj.SHA1}, {2, gitobj.SHA256}, {4, gitobj.SHA256}}

// tester is what *testing.T, *testing.F and *rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func needGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git is missing")
		}
		t.Skip("git is missing")
	}
}

func newRepo(t testing.TB, version int, format gitobj.Format) *repo {
	t.Helper()
	needGit(t)
	home := t.TempDir()
	r := &repo{dir: filepath.Join(home, "repo"), format: format}
	r.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_GLOBAL=" + filepath.Join(home, "gitconfig"),
		"GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org",
	}
	mustNot(t, os.Mkdir(r.dir, 0o777))
	r.git(t, "", "init", "-q", "-b", "main", "--object-format="+string(format))
	r.git(t, "", "config", "index.version", fmt.Sprint(version))
	return r
}

func mustNot(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *repo) try(stdin string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, r.env, strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %q: %w\n%s%s", args, err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), nil
}

func (r *repo) git(t tester, stdin string, args ...string) string {
	t.Helper()
	out, err := r.try(stdin, args...)
	mustNot(t, err)
	return out
}

func (r *repo) index() string { return filepath.Join(r.dir, ".git", "index") }

func (r *repo) open(t tester) *File {
	t.Helper()
	f, err := Open(r.index(), r.format)
	mustNot(t, err)
	return f
}

func (r *repo) write(t testing.TB, path, content string) {
	t.Helper()
	full := filepath.Join(r.dir, path)
	mustNot(t, os.MkdirAll(filepath.Dir(full), 0o777))
	mustNot(t, os.WriteFile(full, []byte(content), 0o666))
}

// blob stores content and returns its id.
func (r *repo) blob(t testing.TB, content string) gitobj.OID {
	t.Helper()
	return gitobj.OID(strings.TrimSpace(r.git(t, content, "hash-object", "-w", "--stdin")))
}

// splice replaces the index as the commit path does: lock file, then rename.
func (r *repo) splice(t tester, edits []Edit, opt Options) {
	t.Helper()
	data := spliced(t, r.open(t), edits, opt)
	mustNot(t, os.WriteFile(r.index()+".lock", data, 0o666))
	mustNot(t, os.Rename(r.index()+".lock", r.index()))
}

func spliced(t tester, f *File, edits []Edit, opt Options) []byte {
	t.Helper()
	var buf bytes.Buffer
	mustNot(t, f.Splice(&buf, edits, opt))
	return buf.Bytes()
}

// nothingRacy switches smudging off, to compare stat data.
var nothingRacy = Options{Racy: Time{Sec: 1<<32 - 1}}

// indexInfo is the input with which update-index does the same: removals
// first, since edits are a set.
func indexInfo(edits []Edit, format gitobj.Format) string {
	var gone, made strings.Builder
	last := map[string]int{}
	for i, e := range edits {
		last[e.Path] = i
	}
	for i, e := range edits {
		if last[e.Path] != i {
			continue
		}
		if e.Remove {
			fmt.Fprintf(&gone, "0 %s\t%s\x00", format.Zero(), e.Path)
		} else {
			fmt.Fprintf(&made, "%v %s\t%s\x00", e.Mode, e.OID, e.Path)
		}
	}
	return gone.String() + made.String()
}

// inBase is the flag of git's memory, not of the file, for an entry that took
// the place of one in the shared file of a split index.
var inBase = regexp.MustCompile(`flags: 80*([0-9a-f]{1,6})\b`)

// listing is all that git reads from an index.
func (r *repo) listing(t tester) string {
	t.Helper()
	text := r.git(t, "", "ls-files", "-s", "-t", "-v", "--debug", "-z")
	return inBase.ReplaceAllStringFunc(text, func(flags string) string {
		var n uint64
		fmt.Sscanf(flags, "flags: %x", &n)
		return fmt.Sprintf("flags: %x", n&^0x8000000)
	})
}

// compare runs the same edits through Splice and `git update-index`.
func (r *repo) compare(t tester, edits []Edit) {
	t.Helper()
	old, err := os.ReadFile(r.index())
	mustNot(t, err)
	r.splice(t, edits, nothingRacy)
	ours := r.listing(t)
	merged := r.git(t, "", "ls-files", "-u") == ""
	ourTree := ""
	if merged {
		ourTree = r.tree(t)
	}
	r.git(t, "", "fsck", "--no-dangling")
	r.open(t)

	mustNot(t, os.WriteFile(r.index(), old, 0o666))
	r.git(t, indexInfo(edits, r.format), "update-index", "-z", "--index-info")
	theirs, theirTree := r.listing(t), ""
	if merged {
		theirTree = r.git(t, "", "write-tree")
	}
	if ours != theirs {
		t.Fatalf("after %v: ours, git:\n%s", edits, cmp.Diff(ours, theirs))
	}
	if ourTree != theirTree {
		t.Fatalf("after %v: tree %s, git %s", edits, ourTree, theirTree)
	}
}

// tree writes the tree from a copy of the index with its cache tree, and once
// more without; both must agree.
func (r *repo) tree(t tester) string {
	t.Helper()
	old, err := os.ReadFile(r.index())
	mustNot(t, err)
	copied := *r
	copied.env = append(copied.env[:len(copied.env):len(copied.env)], "GIT_INDEX_FILE="+r.index()+".copy")
	mustNot(t, os.WriteFile(r.index()+".copy", old, 0o666))
	cached := copied.git(t, "", "diff-index", "--cached", "--raw", "--ita-invisible-in-index", "HEAD")
	with := copied.git(t, "", "write-tree")
	copied.git(t, "", "read-tree", "--empty")
	copied.git(t, r.git(t, "", "ls-files", "-s", "-z"), "update-index", "-z", "--index-info")
	for e := range r.open(t).Entries() {
		if e.IntentToAdd {
			copied.git(t, "", "update-index", "--force-remove", e.Path)
		}
	}
	if plain := copied.git(t, "", "write-tree"); plain != with {
		t.Fatalf("cache tree lies: %s, without it %s", with, plain)
	}
	if again := copied.git(t, "", "diff-index", "--cached", "--raw", "--ita-invisible-in-index", "HEAD"); again != cached {
		t.Fatalf("diff-index differs with the cache tree:\n%s", cmp.Diff(cached, again))
	}
	return with
}
