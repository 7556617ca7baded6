package dataset_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/dataset/datasettest"
)

// plainWorkTree makes a linked work tree whose .git is a file still.
func plainWorkTree(t *testing.T, src *dataset.Dataset) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "wt")
	datasettest.GitOut(t, src, "-c", "core.hooksPath=/dev/null", "-c", "filter.annex.process=", "-c", "filter.annex.smudge=", "-c", "filter.annex.clean=",
		"worktree", "add", "-q", dir, "-b", "wt")
	if fi, err := os.Lstat(filepath.Join(dir, ".git")); err != nil || !fi.Mode().IsRegular() {
		t.Fatalf(".git of a new work tree: %v, %v", fi, err)
	}
	return dir
}

func TestLinkGitFolderByManyAtOnce(t *testing.T) {
	src := datasettest.NewSource(t)
	dir := plainWorkTree(t, src)
	var all []*dataset.Dataset
	for range 8 {
		d, err := dataset.Open(t.Context(), dir, "test", src.Env)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	done := make(chan bool)
	var watcher, workers sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
				t.Errorf("no repository for a moment: %v", err)
				return
			}
		}
	})
	for _, d := range all {
		workers.Go(d.LinkGitFolder)
	}
	workers.Wait()
	close(done)
	watcher.Wait()
	again, err := dataset.Open(t.Context(), dir, "test", src.Env)
	if err != nil {
		t.Fatal(err)
	}
	common, _ := filepath.EvalSymlinks(src.Repo.CommonDir)
	datasettest.Check(t, "shared folder", again.Repo.CommonDir, common)
	want, err := os.ReadFile(src.Repo.Path("f1.dat"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(again.Repo.Path("f1.dat")); err != nil || string(got) != string(want) {
		t.Errorf("content through the link: %q, %v", got, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".git") && e.Name() != ".git" && e.Name() != ".gitattributes" && e.Name() != ".gitmodules" {
			t.Errorf("left over: %s", e.Name())
		}
	}
}

func TestLinkGitFolderKeepsAnAnnexOfItsOwn(t *testing.T) {
	src := datasettest.NewSource(t)
	dir := plainWorkTree(t, src)
	d, err := dataset.Open(t.Context(), dir, "test", src.Env)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(d.Repo.GitDir, "annex", "objects", "x")
	if err := os.MkdirAll(own, 0o777); err != nil {
		t.Fatal(err)
	}
	d.LinkGitFolder()
	if _, err := os.Stat(own); err != nil {
		t.Errorf("a folder with content is gone: %v", err)
	}
	if fi, err := os.Lstat(filepath.Join(dir, ".git")); err != nil || fi.Mode()&os.ModeSymlink == 0 {
		t.Errorf(".git: %v, %v", fi, err)
	}
}

func TestLinkGitFolderWithoutSymlinks(t *testing.T) {
	src := datasettest.NewSource(t)
	dir := plainWorkTree(t, src)
	datasettest.GitOut(t, src, "config", "core.symlinks", "false")
	d, err := dataset.Open(t.Context(), dir, "test", src.Env)
	if err != nil {
		t.Fatal(err)
	}
	d.LinkGitFolder()
	if fi, err := os.Lstat(filepath.Join(dir, ".git")); err != nil || !fi.Mode().IsRegular() {
		t.Errorf(".git: %v, %v", fi, err)
	}
}
