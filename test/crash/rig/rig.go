// Package rig is the test bench of the black-box tests: it builds the program,
// isolates it from the machine's settings, makes datasets, ends processes in
// the middle of their work, and asks git and git-annex whether all is well.
// It knows nothing of the program's inside.
package rig

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Build compiles the program into dir and returns its path. STEMMA_BINARY
// names one that is there already.
func Build(dir string) (string, error) {
	if bin := os.Getenv("STEMMA_BINARY"); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(dir, "stemma")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/stemma-data/stemma/cmd/stemma")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build stemma: %w\n%s", err, out)
	}
	return bin, nil
}

// RunTests builds the program, sets *program to its path, and runs the tests of a
// package; it returns the exit code. Other users may run the program, too.
func RunTests(m *testing.M, program *string) int {
	dir, err := os.MkdirTemp("", "stemma-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		*program, err = Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// World is an isolated place: a home, and a folder for repositories.
type World struct {
	Root string
	Bin  string // the program
	Env  []string
}

// NewWorld makes a world that disappears with the test.
func NewWorld(t testing.TB, bin string) *World {
	t.Helper()
	return WorldAt(t, bin, t.TempDir())
}

// WorldAt makes a world in an existing folder of the test's own.
func WorldAt(t testing.TB, bin, root string) *World {
	t.Helper()
	// git-annex makes what it stores read-only.
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", root).Run() })
	home := filepath.Join(root, "home")
	config := "[user]\n\tname = Ada Tester\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return &World{Root: root, Bin: bin, Env: []string{
		"PATH=" + filepath.Dir(bin) + ":/usr/bin:/bin:" + os.Getenv("PATH"), "HOME=" + home, "USER=ada", "LOGNAME=ada",
		"LC_ALL=C.UTF-8", "TZ=UTC", "GIT_CONFIG_GLOBAL=" + filepath.Join(home, ".gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"TMPDIR=" + os.TempDir(), "STEMMA_SCHEDULER=local",
	}}
}

// Repo is one repository of a world.
type Repo struct {
	*World
	T   testing.TB
	Dir string
}

// Dataset creates a dataset whose text goes to git and whose other content
// goes to the annex.
func (w *World) Dataset(t testing.TB, name string) *Repo {
	t.Helper()
	r := &Repo{World: w, T: t, Dir: filepath.Join(w.Root, name)}
	cmd := exec.Command(w.Bin, "create", "-c", "text2git", r.Dir)
	cmd.Env, cmd.Dir = w.Env, w.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("create: %v\n%s", err, out)
	}
	return r
}

// Command prepares a program in the repository.
func (r *Repo) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = r.Env, r.Dir
	return cmd
}

// Stemma prepares the program under test.
func (r *Repo) Stemma(args ...string) *exec.Cmd { return r.Command(r.Bin, args...) }

// Try runs a program and returns what it printed on both streams.
func (r *Repo) Try(name string, args ...string) (string, error) {
	out, err := r.Command(name, args...).CombinedOutput()
	return string(out), err
}

// Run runs a program that must succeed and returns its standard output.
func (r *Repo) Run(name string, args ...string) string {
	r.T.Helper()
	cmd := r.Command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.T.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// Git runs git and returns its output without the last newline.
func (r *Repo) Git(args ...string) string {
	r.T.Helper()
	return strings.TrimRight(r.Run("git", args...), "\n")
}

// Save runs `stemma save`, which must succeed.
func (r *Repo) Save(args ...string) { r.T.Helper(); r.Run(r.Bin, append([]string{"save"}, args...)...) }

// Write replaces what is at a path by a new file, as programs do that know
// nothing of annexes.
func (r *Repo) Write(rel, text string) {
	r.T.Helper()
	path := filepath.Join(r.Dir, rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.T.Fatal(err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		r.T.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.T.Fatal(err)
	}
}

// Binary is content that goes to the annex, different for each name.
func Binary(name string, size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(name + "\x00\x01\xff")
	}
	return b.String()[:size]
}

// Check fails the test if git or git-annex find anything wrong, if the work
// tree is not clean, or if a lock or an unfinished publication is left.
func (r *Repo) Check() {
	r.T.Helper()
	r.CheckQuick()
	if out, err := r.Try("git", "fsck", "--strict", "--no-progress", "--no-dangling"); err != nil {
		r.T.Fatalf("git fsck: %v\n%s", err, out)
	}
	if out, err := r.Try("git", "annex", "fsck", "--quiet"); err != nil || strings.TrimSpace(out) != "" {
		r.T.Fatalf("git annex fsck: %v\n%s", err, out)
	}
}

// CheckQuick is Check without the file system checks. The lease of a dead
// process may lie there: whoever needs it next breaks it at once.
func (r *Repo) CheckQuick() {
	r.T.Helper()
	if out := r.Git("status", "--porcelain"); out != "" {
		r.T.Fatalf("git status is not clean:\n%s", out)
	}
	for _, pattern := range []string{"index.lock", "HEAD.lock", "refs/heads/*.lock", "stemma/intent"} {
		if left, _ := filepath.Glob(filepath.Join(r.Dir, ".git", pattern)); len(left) > 0 {
			r.T.Fatalf("left behind: %v", left)
		}
	}
	if out := r.Git("for-each-ref", "refs/stemma"); out != "" {
		r.T.Fatalf("left behind: %s", out)
	}
}

// Duration runs a command that must succeed and measures it.
func Duration(t testing.TB, cmd *exec.Cmd) time.Duration {
	t.Helper()
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return time.Since(start)
}

// Need fails or skips a test whose program is missing: where CI is set every
// program must be there.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed", p)
		}
		t.Skipf("%s is not installed", p)
	}
	if os.Getenv("STEMMA_ORACLES") == "none" {
		t.Skip("the tests against the real programs are switched off")
	}
}

// NeedCommand is Need for a command of the program under test.
func (w *World) NeedCommand(t testing.TB, name string) {
	t.Helper()
	cmd := exec.Command(w.Bin, name, "--help")
	cmd.Env = w.Env
	if err := cmd.Run(); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("there is no command %s", name)
	}
	t.Skipf("there is no command %s yet", name)
}
