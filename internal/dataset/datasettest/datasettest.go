// Package datasettest makes datasets for tests, and asks the real programs about
// them.
package datasettest

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/result"
)

// Env isolates a test from the user's git configuration.
func Env(t *testing.T) dataset.Env {
	t.Helper()
	home := t.TempDir()
	vars := append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
	return dataset.Env{Vars: vars, Log: slog.New(slog.DiscardHandler)}
}

// New creates one, and makes its folder removable at the end.
func New(t *testing.T) *dataset.Dataset {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ds")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	env := Env(t)
	env.Cwd = dir
	got := &result.Collector{}
	d, err := dataset.Create(t.Context(), dataset.CreateOptions{Path: dir, User: "ada", Host: "h"}, env, got)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Repo.Close)
	return d
}

// WriteFile writes a file of the work tree, and the folders above it.
func WriteFile(t *testing.T, d *dataset.Dataset, rel, text string) {
	t.Helper()
	path := d.Repo.Path(rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// CheckClean asks the real programs.
func CheckClean(t *testing.T, d *dataset.Dataset) {
	t.Helper()
	if got := GitOut(t, d, "-c", "filter.annex.process=", "-c", "filter.annex.clean=", "status", "--porcelain"); got != "" {
		t.Errorf("git status:\n%s", got)
	}
	GitOut(t, d, "fsck", "--strict")
	if path, err := exec.LookPath("git-annex"); err == nil {
		cmd := exec.Command(path, "fsck")
		cmd.Dir, cmd.Env = d.Path(), d.Env.Vars
		if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "ixing") {
			t.Errorf("git annex fsck: %v\n%s", err, out)
		}
	} else if os.Getenv("CI") != "" {
		t.Fatal("git-annex is missing")
	}
}

// Clone makes a git clone of a dataset, without an annex yet.
func Clone(t *testing.T, src *dataset.Dataset) *dataset.Dataset {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	RunIn(t, src, filepath.Dir(dir), "git", "clone", "-q", src.Path(), dir)
	env := src.Env
	env.Cwd = dir
	return Reopen(t, dir, env)
}

// Reopen opens a dataset anew, with what its configuration says now.
func Reopen(t *testing.T, dir string, env dataset.Env) *dataset.Dataset {
	t.Helper()
	d, err := dataset.Open(t.Context(), dir, "test", env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Repo.Close)
	return d
}

// RunIn runs a real program.
func RunIn(t *testing.T, d *dataset.Dataset, dir string, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = dir, d.Env.Vars
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// RecordLines prints records briefly.
func RecordLines(d *dataset.Dataset, records []result.Record) string {
	var lines []string
	for _, r := range records {
		rel, _ := filepath.Rel(d.Path(), r.Path)
		line := r.Action + "(" + string(r.Status) + "): " + rel
		if r.Type != "" {
			line += " (" + r.Type + ")"
		}
		switch m := r.Fields["message"].(type) {
		case string:
			line += " [" + m + "]"
		case result.Tuple:
			line += " [" + m[0].(string) + "]"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// Check compares texts.
func Check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

// NewSource is a dataset with six annexed files, of which two have the same
// content.
func NewSource(t *testing.T) *dataset.Dataset {
	t.Helper()
	d := New(t)
	for _, f := range []string{"f1.dat", "f2.dat", "dir/a", "dir/b", "exec.sh"} {
		WriteFile(t, d, f, "content of "+f+"\n")
	}
	WriteFile(t, d, "same.dat", "content of f2.dat\n")
	os.Chmod(d.Repo.Path("exec.sh"), 0o755)
	Save(t, d)
	return d
}

// GitOut is what git says in the dataset.
func GitOut(t *testing.T, d *dataset.Dataset, args ...string) string {
	t.Helper()
	out, err := d.Repo.Output(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(out), "\n")
}

// Save saves the whole dataset.
func Save(t *testing.T, d *dataset.Dataset) {
	t.Helper()
	if _, err := d.Save(t.Context(), dataset.SaveOptions{}, result.Discard); err != nil {
		t.Fatal(err)
	}
}
