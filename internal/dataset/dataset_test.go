package dataset

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// testEnv isolates a test from the user's git configuration.
func testEnv(t *testing.T, extra ...string) Env {
	t.Helper()
	home := t.TempDir()
	vars := append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
	return Env{Vars: append(vars, extra...), Log: slog.New(slog.DiscardHandler)}
}

// newDataset creates one, and makes its folder removable at the end.
func newDataset(t *testing.T, procedures ...string) *Dataset {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ds")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	env := testEnv(t)
	env.Cwd = dir
	got := &result.Collector{}
	d, err := Create(t.Context(), CreateOptions{Path: dir, User: "ada", Host: "h", Procedures: procedures}, env, got)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Repo.Close)
	return d
}

func (d *Dataset) gitOut(t *testing.T, args ...string) string {
	t.Helper()
	out, err := d.Repo.Output(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(out), "\n")
}

func writeFile(t *testing.T, d *Dataset, rel, text string) {
	t.Helper()
	path := d.Repo.Path(rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func save(t *testing.T, d *Dataset, opt SaveOptions) ([]string, gitobj.OID) {
	t.Helper()
	got := &result.Collector{}
	id, err := d.Save(t.Context(), opt, got)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range got.Records {
		rel, _ := filepath.Rel(d.Path(), r.Path)
		lines = append(lines, r.Action+" "+string(r.Status)+" "+rel)
	}
	return lines, id
}

// checkClean asks the real programs.
func checkClean(t *testing.T, d *Dataset) {
	t.Helper()
	if got := d.gitOut(t, "-c", "filter.annex.process=", "-c", "filter.annex.clean=", "status", "--porcelain"); got != "" {
		t.Errorf("git status:\n%s", got)
	}
	d.gitOut(t, "fsck", "--strict")
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

func TestCreateAndSave(t *testing.T) {
	d := newDataset(t)
	if got := d.gitOut(t, "log", "--format=%s"); got != "[DATALAD] new dataset" {
		t.Errorf("log %q", got)
	}
	if got := d.gitOut(t, "log", "git-annex", "--format=%s"); got != "update\nbranch created" {
		t.Errorf("git-annex log %q", got)
	}
	writeFile(t, d, "a.txt", "hello\n")
	writeFile(t, d, "sub/d/b.dat", "one\n")
	lines, _ := save(t, d, SaveOptions{Message: "add files"})
	if got := strings.Join(lines, "\n"); got != "add ok a.txt\nadd ok sub/d/b.dat\nsave ok ." {
		t.Errorf("records:\n%s", got)
	}
	want := "120000 blob 9b1c0d832ac9be751fa62bc4c8b6e3fad6292161\ta.txt\n120000 blob e9e2985a62cae4fa473b37630e00b77678754a9f\tsub/d/b.dat"
	if got := d.gitOut(t, "ls-tree", "-r", "HEAD", "a.txt", "sub"); got != want {
		t.Errorf("tree:\n%s", got)
	}
	checkClean(t, d)
	if lines, id := save(t, d, SaveOptions{}); id != "" || strings.Join(lines, ",") != "save notneeded ." {
		t.Errorf("second save: %v %s", lines, id)
	}
}

func TestSaveDeletionsTypesAndPartial(t *testing.T) {
	d := newDataset(t, "text2git")
	for _, f := range []string{"keep", "gone", "dir/x", "becomes-dir", "staged"} {
		writeFile(t, d, f, "text "+f+"\n")
	}
	writeFile(t, d, "bin", "\x00\x01binary")
	save(t, d, SaveOptions{})
	if got := d.gitOut(t, "ls-tree", "HEAD", "bin", "keep"); !strings.HasPrefix(got, "120000") || !strings.Contains(got, "100644") {
		t.Errorf("text2git: %s", got)
	}
	os.Remove(d.Repo.Path("gone"))
	os.Remove(d.Repo.Path("becomes-dir"))
	writeFile(t, d, "becomes-dir/y", "y")
	os.Chmod(d.Repo.Path("keep"), 0o755)
	writeFile(t, d, "staged", "staged edit\n")
	d.gitOut(t, "-c", "filter.annex.process=", "-c", "filter.annex.clean=", "add", "staged")
	lines, _ := save(t, d, SaveOptions{Paths: []string{"gone", "keep"}})
	if got := strings.Join(lines, "\n"); got != "delete ok gone\nadd ok keep\nsave ok ." {
		t.Errorf("partial save:\n%s", got)
	}
	if got := d.gitOut(t, "diff", "--cached", "--name-only"); got != "staged" {
		t.Errorf("staged after a partial save: %q", got)
	}
	lines, _ = save(t, d, SaveOptions{})
	if got := d.gitOut(t, "ls-files"); strings.Contains(got, "gone") || !strings.Contains(got, "becomes-dir/y") {
		t.Errorf("files %q after %v", got, lines)
	}
	checkClean(t, d)
}

func TestOpenOutside(t *testing.T) {
	_, err := Open(context.Background(), t.TempDir(), "save", testEnv(t))
	if err == nil || !strings.Contains(err.Error(), "No dataset found") {
		t.Errorf("%v", err)
	}
}
