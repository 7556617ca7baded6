package dataset

import (
	"errors"
	"os"
	"testing"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// TestCertainlyCleanAgreesWithGit changes a repository in every way and asks
// both.
func TestCertainlyCleanAgreesWithGit(t *testing.T) {
	d := newDataset(t)
	run := func(args ...string) { d.gitOut(t, args...) }
	write := func(rel, text string) { writeFile(t, d, rel, text) }
	save := func() {
		t.Helper()
		run("add", "-A")
		run("commit", "-q", "--allow-empty", "-m", "state")
	}
	write("d/e/f", "one")
	write("g", "two")
	write(".gitignore", "*.log\n")
	save()
	steps := []struct {
		name   string
		change func()
	}{
		{"clean", func() {}},
		{"an empty folder", func() { os.Mkdir(d.Repo.Path("empty"), 0o755) }},
		{"a new file", func() { write("d/new", "x") }},
		{"a changed file", func() { write("g", "TWO") }},
		{"a staged file", func() { write("s", "x"); run("add", "s") }},
		{"a staged file that is gone again", func() { write("s", "x"); run("add", "s"); os.Remove(d.Repo.Path("s")) }},
		{"a deleted file", func() { os.Remove(d.Repo.Path("d/e/f")) }},
		{"removed from the index", func() { run("rm", "-q", "--cached", "g") }},
		{"executable", func() { os.Chmod(d.Repo.Path("g"), 0o755) }},
		{"a nested repository", func() { write("n/x", "x"); run("init", "-q", "n") }},
		{"packed objects", func() { run("gc", "-q") }},
	}
	for _, s := range steps {
		s.change()
		out, err := d.Repo.Output(t.Context(), "status", "--porcelain")
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.certainlyClean(t.Context(), Scope{})
		if want := len(out) == 0; err != nil || got != want {
			t.Errorf("%s: clean %v (%v), git says %q", s.name, got, err, out)
		}
		os.RemoveAll(d.Repo.Path("n"))
		save()
	}
	write("x.log", "ignored")
	if got, err := d.certainlyClean(t.Context(), Scope{}); err != nil || got {
		t.Errorf("an ignored file is git's to judge: %v, %v", got, err)
	}
	if dirty, err := d.dirty(t.Context(), false); err != nil || dirty {
		t.Errorf("an ignored file makes the dataset dirty: %v, %v", dirty, err)
	}
}

// TestLinkedRepositoryIsNoSubdataset guards against work outside the dataset.
func TestLinkedRepositoryIsNoSubdataset(t *testing.T) {
	d, other := newDataset(t), newDataset(t)
	writeFile(t, other, "unsaved", "x")
	if err := os.Symlink(other.Path(), d.Repo.Path("link")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Sub(t.Context(), "link"); !errors.Is(err, git.ErrNoRepository) {
		t.Errorf("opened: %v", err)
	}
	before := other.gitOut(t, "rev-parse", "HEAD")
	if _, err := d.Save(t.Context(), SaveOptions{Levels: AllLevels}, result.Discard); err != nil {
		t.Fatal(err)
	}
	if other.gitOut(t, "rev-parse", "HEAD") != before {
		t.Error("a commit was made behind the link")
	}
}
