package fetch

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/dataset/datasettest"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

func get(t *testing.T, d *dataset.Dataset, opt Options) string {
	t.Helper()
	got := &result.Collector{}
	if err := Get(t.Context(), d, opt, got); err != nil {
		t.Fatal(err)
	}
	return datasettest.RecordLines(d, got.Records)
}

func TestGetFromAFreshClone(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	datasettest.Check(t, "get", get(t, d, Options{Paths: []string{"f1.dat"}}), "get(ok): f1.dat (file) [from origin...]")
	datasettest.Check(t, "again", get(t, d, Options{Paths: []string{"f1.dat"}}), "get(notneeded): f1.dat (file) [already present]")
	datasettest.Check(t, "folder", get(t, d, Options{Paths: []string{"dir"}}),
		"get(ok): dir/a (file) [from origin...]\nget(ok): dir/b (file) [from origin...]\nget(ok): dir (directory)")
	datasettest.Check(t, "folder again", get(t, d, Options{Paths: []string{"dir"}}), "get(notneeded): dir (directory) [nothing to get from %s]")
	datasettest.Check(t, "missing", get(t, d, Options{Paths: []string{"nosuch"}}), "get(impossible): nosuch [path does not exist]")
	datasettest.Check(t, "in git", get(t, d, Options{Paths: []string{".gitattributes"}}), "get(notneeded): .gitattributes (file) [already present]")
	datasettest.Check(t, "quiet", get(t, d, Options{Paths: []string{"f1.dat", "dir", ".gitattributes"}, Quiet: true}), "")
	datasettest.Check(t, "unknown source", get(t, d, Options{Paths: []string{"f2.dat"}, Source: "nobody"}), "get(error): . (dataset) [Remote 'nobody' is not available]")
	datasettest.Check(t, "all", get(t, d, Options{}),
		"get(ok): exec.sh (file) [from origin...]\nget(ok): f2.dat (file) [from origin...]\nget(ok): same.dat (file) [from origin...]")
	if text, err := os.ReadFile(d.Repo.Path("dir/b")); err != nil || string(text) != "content of dir/b\n" {
		t.Errorf("dir/b: %q %v", text, err)
	}
	if left, _ := filepath.Glob(d.Annex.Dir("tmp", "*")); len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
	datasettest.CheckClean(t, d)
}

// TestGetAgreesWithGitAnnex lets git-annex look at what we did.
func TestGetAgreesWithGitAnnex(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	get(t, d, Options{})
	out := datasettest.RunIn(t, d, d.Path(), "git-annex", "whereis", "--json", "f1.dat")
	var w struct {
		Whereis []struct {
			UUID, Description string
			Here              bool
		}
	}
	if err := json.Unmarshal([]byte(out), &w); err != nil {
		t.Fatal(err)
	}
	here, origin := false, false
	for _, r := range w.Whereis {
		here = here || r.Here && r.UUID == d.Annex.UUID && strings.Contains(r.Description, d.Path())
		origin = origin || r.UUID == src.Annex.UUID && strings.Contains(r.Description, "[origin]")
	}
	if !here || !origin {
		t.Errorf("whereis: %s", out)
	}
	datasettest.Check(t, "find", datasettest.RunIn(t, d, d.Path(), "git-annex", "find", "--not", "--in=here"), "")
	if got := datasettest.RunIn(t, d, d.Path(), "git-annex", "get", "."); strings.Contains(got, "get ") {
		t.Errorf("git annex get still has work:\n%s", got)
	}
	second := filepath.Join(t.TempDir(), "second")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", second).Run() })
	datasettest.RunIn(t, d, d.Path(), "datalad", "clone", d.Path(), second)
	if got := datasettest.RunIn(t, d, second, "datalad", "get", "f1.dat"); !strings.Contains(got, "get(ok): f1.dat (file) [from origin") {
		t.Errorf("datalad get from our clone: %s", got)
	}
	datasettest.CheckClean(t, d)
}

func TestGetFromDataladsDataset(t *testing.T) {
	env := datasettest.Env(t)
	dir := filepath.Join(t.TempDir(), "dl")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	tool := &dataset.Dataset{Env: env}
	datasettest.RunIn(t, tool, filepath.Dir(dir), "datalad", "create", dir)
	env.Cwd = dir
	src := datasettest.Reopen(t, dir, env)
	datasettest.WriteFile(t, src, "big.dat", "from datalad")
	datasettest.RunIn(t, src, dir, "datalad", "save", "-m", "x")
	d := datasettest.Clone(t, src)
	datasettest.Check(t, "get", get(t, d, Options{Paths: []string{"big.dat"}}), "get(ok): big.dat (file) [from origin...]")
	datasettest.CheckClean(t, d)
}

func TestGetFillsUnlockedFiles(t *testing.T) {
	src := datasettest.NewSource(t)
	datasettest.RunIn(t, src, src.Path(), "git-annex", "unlock", "f1.dat", "exec.sh")
	datasettest.RunIn(t, src, src.Path(), "git", "commit", "-qm", "unlocked")
	d := datasettest.Clone(t, src)
	datasettest.Check(t, "get", get(t, d, Options{Paths: []string{"f1.dat", "exec.sh"}}),
		"get(ok): f1.dat (file) [from origin...]\nget(ok): exec.sh (file) [from origin...]")
	if text, _ := os.ReadFile(d.Repo.Path("f1.dat")); string(text) != "content of f1.dat\n" {
		t.Errorf("f1.dat: %q", text)
	}
	if fi, _ := os.Lstat(d.Repo.Path("exec.sh")); fi.Mode()&0o111 == 0 || fi.Mode()&0o200 == 0 {
		t.Errorf("exec.sh: %v", fi.Mode())
	}
	datasettest.CheckClean(t, d)
}

func TestGetRefusesDamagedContent(t *testing.T) {
	src := datasettest.NewSource(t)
	good := datasettest.Clone(t, src)
	get(t, good, Options{})
	damage(t, src, "f1.dat", "CONTENT of f1.dat\n")
	damage(t, src, "f2.dat", "short")
	d := datasettest.Clone(t, src)
	got := get(t, d, Options{Paths: []string{"f1.dat", "f2.dat"}})
	for _, want := range []string{"get(error): f1.dat (file) [not available; origin: its content is damaged", "get(error): f2.dat"} {
		if !strings.Contains(got, want) {
			t.Errorf("damaged source:\n%s", got)
		}
	}
	if found, _ := filepath.Glob(d.Annex.Dir("objects", "*", "*", "*", "*")); len(found) > 0 {
		t.Errorf("stored: %v", found)
	}
	datasettest.GitOut(t, d, "remote", "add", "second", good.Path())
	d = datasettest.Reopen(t, d.Path(), d.Env)
	datasettest.Check(t, "next source", get(t, d, Options{Paths: []string{"f1.dat"}}), "get(ok): f1.dat (file) [from second...]")
	datasettest.CheckClean(t, d)
}

// damage overwrites the content of a file in the annex.
func damage(t *testing.T, d *dataset.Dataset, rel, text string) {
	t.Helper()
	target, err := os.Readlink(d.Repo.Path(rel))
	if err != nil {
		t.Fatal(err)
	}
	k, _ := pointer.ParseLink(target)
	object, _ := d.Annex.Locate(k)
	os.Chmod(object, 0o644)
	if err := os.WriteFile(object, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestGetSaysWhichRemotesItCannotUse(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	datasettest.GitOut(t, d, "remote", "set-url", "origin", "git://nowhere.invalid/ds")
	datasettest.GitOut(t, d, "remote", "add", "gone", "/nonexistent/ds")
	d = datasettest.Reopen(t, d.Path(), d.Env)
	got := get(t, d, Options{Paths: []string{"f1.dat"}})
	if !strings.HasPrefix(got, "get(error): f1.dat (file) [not available") || !strings.Contains(got, "git://nowhere.invalid/ds: remotes of this kind are not supported yet") {
		t.Error(got)
	}
}

func TestGetNamesRemotesThatLostTheContent(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	datasettest.GitOut(t, d, "remote", "add", "gone", "/nonexistent/ds")
	if err := os.Rename(src.Annex.Dir("objects"), src.Annex.Dir("moved")); err != nil {
		t.Fatal(err)
	}
	d = datasettest.Reopen(t, d.Path(), d.Env)
	got := get(t, d, Options{Paths: []string{"f1.dat"}})
	if !strings.Contains(got, "not available; origin: it should be there, but is not; gone /nonexistent/ds: ") || strings.Contains(got, "web") {
		t.Error(got)
	}
}

func TestGetRefusesAnotherRepositoryAtTheRemotesPlace(t *testing.T) {
	src := datasettest.NewSource(t)
	d := datasettest.Clone(t, src)
	datasettest.GitOut(t, d, "config", "remote.origin.annex-uuid", "00000000-0000-4000-8000-000000000000")
	d = datasettest.Reopen(t, d.Path(), d.Env)
	if got := get(t, d, Options{Paths: []string{"f1.dat"}}); !strings.Contains(got, "get(error): f1.dat (file) [not available") {
		t.Error(got)
	}
}

func TestGetFromBareAndRelative(t *testing.T) {
	src := datasettest.NewSource(t)
	bare := filepath.Join(t.TempDir(), "bare.git")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", bare).Run() })
	datasettest.RunIn(t, src, filepath.Dir(bare), "git", "clone", "-q", "--bare", src.Path(), bare)
	datasettest.RunIn(t, src, bare, "git-annex", "init", "bare")
	datasettest.RunIn(t, src, bare, "git-annex", "get", "--all")
	d := datasettest.Clone(t, src)
	rel, _ := filepath.Rel(d.Path(), strings.TrimSuffix(bare, ".git"))
	datasettest.GitOut(t, d, "remote", "set-url", "origin", rel)
	d = datasettest.Reopen(t, d.Path(), d.Env)
	datasettest.Check(t, "get", get(t, d, Options{Paths: []string{"f1.dat"}}), "get(ok): f1.dat (file) [from origin...]")
	datasettest.CheckClean(t, d)
}

func TestGetInAPlainRepository(t *testing.T) {
	env := datasettest.Env(t)
	dir := filepath.Join(t.TempDir(), "plain")
	datasettest.RunIn(t, &dataset.Dataset{Env: env}, filepath.Dir(dir), "git", "init", "-q", dir)
	env.Cwd = dir
	d := datasettest.Reopen(t, dir, env)
	datasettest.WriteFile(t, d, "x", "x")
	datasettest.Check(t, "get", get(t, d, Options{Paths: []string{"x"}}), "get(notneeded): x (file) [no dataset annex, content already present]")
}
