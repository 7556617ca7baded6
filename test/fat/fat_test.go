// Package fat works on a file system as USB sticks have it: no links of either
// kind, no permissions, and names that differ in case are one. It knows the
// program from outside only; git-annex is asked what it thinks of the results.
package fat

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/bench/slowfs"
	"github.com/stemma-data/stemma/test/crash/rig"
)

// program is the binary under test; TestMain builds it.
var program string

// serveVar makes this program serve a file system instead of testing.
const serveVar = "STEMMA_TEST_SLOWFS"

func TestMain(m *testing.M) {
	if os.Getenv(serveVar) != "" {
		if err := slowfs.Serve(os.Args[1:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(rig.RunTests(m, &program))
}

// stick is a world with a folder on such a file system.
type stick struct {
	*rig.World
	t   *testing.T
	Dir string
}

func plugIn(t *testing.T) *stick {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("there is no /dev/fuse")
	}
	rig.Need(t, "git-annex")
	exe, err := os.Executable()
	must(t, err)
	w := rig.NewWorld(t, program)
	backing, mount := t.TempDir(), t.TempDir()
	cmd := exec.Command(exe, "-fat", backing, mount)
	cmd.Env = append(os.Environ(), serveVar+"=1")
	c, err := slowfs.StartChild(cmd)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return &stick{World: w, t: t, Dir: mount}
}

// repo is the repository of that name on the stick, which need not be there yet.
func (s *stick) repo(name string) *rig.Repo {
	return &rig.Repo{World: s.World, T: s.t, Dir: filepath.Join(s.Dir, name)}
}

// at runs the program under test in a folder that is no repository.
func (s *stick) at(dir string, args ...string) {
	s.t.Helper()
	(&rig.Repo{World: s.World, T: s.t, Dir: dir}).Run(s.Bin, args...)
}

// good fails the test if git or git-annex find anything wrong, or if anything
// is not saved.
func good(r *rig.Repo) {
	r.T.Helper()
	if out := r.Run(r.Bin, "status"); !strings.Contains(out, "nothing to save") {
		r.T.Errorf("status:\n%s", out)
	}
	r.Check()
}

// modes is what a commit holds: the mode and the name of each file.
func modes(r *rig.Repo, commit string) string {
	r.T.Helper()
	var b strings.Builder
	for line := range strings.Lines(r.Git("ls-tree", "-r", "--format=%(objectmode) %(path)", commit)) {
		if !strings.Contains(line, ".git") && !strings.Contains(line, ".datalad") {
			b.WriteString(strings.TrimSpace(line) + "\n")
		}
	}
	return b.String()
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
