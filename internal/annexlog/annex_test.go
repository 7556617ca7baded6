package annexlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// annex is a repository of the real git-annex, isolated from the user's
// configuration, whose clock stands at time 50.
type annex struct {
	t   *testing.T
	dir string
}

const annexTime = "50"

// newAnnex skips the test without the program, but fails it under CI.
func newAnnex(t *testing.T) annex {
	t.Helper()
	for _, prog := range []string{"git", "git-annex"} {
		if _, err := exec.LookPath(prog); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, "gitconfig"))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("LC_ALL", "C.UTF-8")
	t.Setenv("GIT_ANNEX_VECTOR_CLOCK", annexTime)
	a := annex{t, t.TempDir()}
	a.run("", "git", "init", "-q")
	a.run("", "git", "config", "user.name", "T")
	a.run("", "git", "config", "user.email", "t@example.org")
	a.run("", "git", "annex", "init", "-q", "x")
	return a
}

func (a annex) run(stdin, name string, args ...string) string {
	a.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdin = a.dir, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		a.t.Fatalf("%s %q: %v\n%s", name, args, err, errs.String())
	}
	return out.String()
}

// journal puts a log where git-annex finds it as the current one.
func (a annex) journal(branchPath string, data []byte) {
	a.t.Helper()
	dir := filepath.Join(a.dir, ".git/annex/journal")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, JournalName(branchPath)), data, 0o644); err != nil {
		a.t.Fatal(err)
	}
}

// branch returns all files of the git-annex branch, after the journal went into it.
func (a annex) branch() map[string]string {
	a.t.Helper()
	a.run("", "git", "annex", "merge", "-q")
	list := strings.TrimSuffix(a.run("", "git", "ls-tree", "-rz", "--name-only", "git-annex"), "\x00")
	names := strings.Split(list, "\x00")
	var specs strings.Builder
	for _, n := range names {
		fmt.Fprintf(&specs, "git-annex:%s\n", n)
	}
	out := a.run(specs.String(), "git", "cat-file", "--batch=%(objectsize)")
	files := make(map[string]string)
	for _, n := range names {
		var size int
		head, rest, _ := strings.Cut(out, "\n")
		if _, err := fmt.Sscan(head, &size); err != nil {
			a.t.Fatal(err)
		}
		files[n], out = rest[:size], rest[size+1:]
	}
	return files
}

func (a annex) uuid() string {
	return strings.TrimSpace(a.run("", "git", "config", "annex.uuid"))
}

// oddTime draws a time stamp around annexTime, rarely a broken one.
func oddTime(r *rand.Rand) string {
	s := fmt.Sprint(48 + r.IntN(4))
	switch r.IntN(12) {
	case 0:
		return s + ".x" + "s"
	case 1:
		return s
	case 2, 3:
		return s + ".50s"
	case 4:
		return s + ".1234567890123s"
	case 5:
		return "-" + s + ".25s"
	}
	return s + "s"
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// oddLog makes a log of n lines with all the endings that occur.
func oddLog(r *rand.Rand, line func() string) []byte {
	var b strings.Builder
	for range r.IntN(9) {
		b.WriteString(line() + pick(r, "\n", "\n", "\n", "\r\n", "\n\n"))
	}
	return []byte(b.String())
}

func someKeys(n int) []annexkey.Key {
	keys := make([]annexkey.Key, n)
	for i := range keys {
		keys[i] = annexkey.URL(fmt.Sprintf("http://e.com/a_b&%d%%", i), int64(i))
	}
	return keys
}

// commitBranch sets the ref to a new commit on git-annex's branch with the files.
func (a annex) commitBranch(ref string, files map[string]string) {
	a.t.Helper()
	var in strings.Builder
	fmt.Fprintf(&in, "commit %s\ncommitter T <t@e> 1 +0000\ndata 1\nx\nfrom %s", ref, a.run("", "git", "rev-list", "--max-parents=0", "refs/heads/git-annex"))
	for name, data := range files {
		fmt.Fprintf(&in, "M 100644 inline %q\ndata %d\n%s\n", name, len(data), data)
	}
	a.run(in.String(), "git", "fast-import", "--quiet", "--force")
}
