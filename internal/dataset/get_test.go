package dataset

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

// clone makes a git clone of a dataset, without an annex yet.
func clone(t *testing.T, src *Dataset) *Dataset {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	runIn(t, src, filepath.Dir(dir), "git", "clone", "-q", src.Path(), dir)
	env := src.Env
	env.Cwd = dir
	return reopen(t, dir, env)
}

func reopen(t *testing.T, dir string, env Env) *Dataset {
	t.Helper()
	d, err := Open(t.Context(), dir, "test", env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Repo.Close)
	return d
}

// runIn runs a real program.
func runIn(t *testing.T, d *Dataset, dir string, name string, args ...string) string {
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

// recordLines prints records briefly.
func recordLines(d *Dataset, records []result.Record) string {
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

func get(t *testing.T, d *Dataset, opt GetOptions) string {
	t.Helper()
	got := &result.Collector{}
	if err := d.Get(t.Context(), opt, got); err != nil {
		t.Fatal(err)
	}
	return recordLines(d, got.Records)
}

func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func newSource(t *testing.T) *Dataset {
	t.Helper()
	d := newDataset(t)
	for _, f := range []string{"f1.dat", "f2.dat", "dir/a", "dir/b", "exec.sh"} {
		writeFile(t, d, f, "content of "+f+"\n")
	}
	writeFile(t, d, "same.dat", "content of f2.dat\n")
	os.Chmod(d.Repo.Path("exec.sh"), 0o755)
	save(t, d, SaveOptions{})
	return d
}

func TestGetFromAFreshClone(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	check(t, "get", get(t, d, GetOptions{Paths: []string{"f1.dat"}}), "get(ok): f1.dat (file) [from origin...]")
	check(t, "again", get(t, d, GetOptions{Paths: []string{"f1.dat"}}), "get(notneeded): f1.dat (file) [already present]")
	check(t, "folder", get(t, d, GetOptions{Paths: []string{"dir"}}),
		"get(ok): dir/a (file) [from origin...]\nget(ok): dir/b (file) [from origin...]\nget(ok): dir (directory)")
	check(t, "folder again", get(t, d, GetOptions{Paths: []string{"dir"}}), "get(notneeded): dir (directory) [nothing to get from %s]")
	check(t, "missing", get(t, d, GetOptions{Paths: []string{"nosuch"}}), "get(impossible): nosuch [path does not exist]")
	check(t, "in git", get(t, d, GetOptions{Paths: []string{".gitattributes"}}), "get(notneeded): .gitattributes (file) [already present]")
	check(t, "quiet", get(t, d, GetOptions{Paths: []string{"f1.dat", "dir", ".gitattributes"}, Quiet: true}), "")
	check(t, "unknown source", get(t, d, GetOptions{Paths: []string{"f2.dat"}, Source: "nobody"}), "get(error): . (dataset) [Remote 'nobody' is not available]")
	check(t, "all", get(t, d, GetOptions{}),
		"get(ok): exec.sh (file) [from origin...]\nget(ok): f2.dat (file) [from origin...]\nget(ok): same.dat (file) [from origin...]")
	if text, err := os.ReadFile(d.Repo.Path("dir/b")); err != nil || string(text) != "content of dir/b\n" {
		t.Errorf("dir/b: %q %v", text, err)
	}
	if left, _ := filepath.Glob(d.Annex.Dir("tmp", "*")); len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
	checkClean(t, d)
}

// TestGetAgreesWithGitAnnex lets git-annex look at what we did.
func TestGetAgreesWithGitAnnex(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	get(t, d, GetOptions{})
	out := runIn(t, d, d.Path(), "git-annex", "whereis", "--json", "f1.dat")
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
	check(t, "find", runIn(t, d, d.Path(), "git-annex", "find", "--not", "--in=here"), "")
	if got := runIn(t, d, d.Path(), "git-annex", "get", "."); strings.Contains(got, "get ") {
		t.Errorf("git annex get still has work:\n%s", got)
	}
	second := filepath.Join(t.TempDir(), "second")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", second).Run() })
	runIn(t, d, d.Path(), "datalad", "clone", d.Path(), second)
	if got := runIn(t, d, second, "datalad", "get", "f1.dat"); !strings.Contains(got, "get(ok): f1.dat (file) [from origin") {
		t.Errorf("datalad get from our clone: %s", got)
	}
	checkClean(t, d)
}

func TestGetFromDataladsDataset(t *testing.T) {
	env := testEnv(t)
	dir := filepath.Join(t.TempDir(), "dl")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	tool := &Dataset{Env: env}
	runIn(t, tool, filepath.Dir(dir), "datalad", "create", dir)
	env.Cwd = dir
	src := reopen(t, dir, env)
	writeFile(t, src, "big.dat", "from datalad")
	runIn(t, src, dir, "datalad", "save", "-m", "x")
	d := clone(t, src)
	check(t, "get", get(t, d, GetOptions{Paths: []string{"big.dat"}}), "get(ok): big.dat (file) [from origin...]")
	checkClean(t, d)
}

func TestGetFillsUnlockedFiles(t *testing.T) {
	src := newSource(t)
	runIn(t, src, src.Path(), "git-annex", "unlock", "f1.dat", "exec.sh")
	runIn(t, src, src.Path(), "git", "commit", "-qm", "unlocked")
	d := clone(t, src)
	check(t, "get", get(t, d, GetOptions{Paths: []string{"f1.dat", "exec.sh"}}),
		"get(ok): f1.dat (file) [from origin...]\nget(ok): exec.sh (file) [from origin...]")
	if text, _ := os.ReadFile(d.Repo.Path("f1.dat")); string(text) != "content of f1.dat\n" {
		t.Errorf("f1.dat: %q", text)
	}
	if fi, _ := os.Lstat(d.Repo.Path("exec.sh")); fi.Mode()&0o111 == 0 || fi.Mode()&0o200 == 0 {
		t.Errorf("exec.sh: %v", fi.Mode())
	}
	checkClean(t, d)
}

func TestGetRefusesDamagedContent(t *testing.T) {
	src := newSource(t)
	good := clone(t, src)
	get(t, good, GetOptions{})
	damage(t, src, "f1.dat", "CONTENT of f1.dat\n")
	damage(t, src, "f2.dat", "short")
	d := clone(t, src)
	got := get(t, d, GetOptions{Paths: []string{"f1.dat", "f2.dat"}})
	for _, want := range []string{"get(error): f1.dat (file) [not available; origin: its content is damaged", "get(error): f2.dat"} {
		if !strings.Contains(got, want) {
			t.Errorf("damaged source:\n%s", got)
		}
	}
	if found, _ := filepath.Glob(d.Annex.Dir("objects", "*", "*", "*", "*")); len(found) > 0 {
		t.Errorf("stored: %v", found)
	}
	d.gitOut(t, "remote", "add", "second", good.Path())
	d = reopen(t, d.Path(), d.Env)
	check(t, "next source", get(t, d, GetOptions{Paths: []string{"f1.dat"}}), "get(ok): f1.dat (file) [from second...]")
	checkClean(t, d)
}

// damage overwrites the content of a file in the annex.
func damage(t *testing.T, d *Dataset, rel, text string) {
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
	src := newSource(t)
	d := clone(t, src)
	d.gitOut(t, "remote", "set-url", "origin", "git://nowhere.invalid/ds")
	d.gitOut(t, "remote", "add", "gone", "/nonexistent/ds")
	d = reopen(t, d.Path(), d.Env)
	got := get(t, d, GetOptions{Paths: []string{"f1.dat"}})
	if !strings.HasPrefix(got, "get(error): f1.dat (file) [not available") || !strings.Contains(got, "git://nowhere.invalid/ds: remotes of this kind are not supported yet") {
		t.Error(got)
	}
}

func TestGetNamesRemotesThatLostTheContent(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	d.gitOut(t, "remote", "add", "gone", "/nonexistent/ds")
	if err := os.Rename(src.Annex.Dir("objects"), src.Annex.Dir("moved")); err != nil {
		t.Fatal(err)
	}
	d = reopen(t, d.Path(), d.Env)
	got := get(t, d, GetOptions{Paths: []string{"f1.dat"}})
	if !strings.Contains(got, "not available; origin: it should be there, but is not; gone /nonexistent/ds: ") || strings.Contains(got, "web") {
		t.Error(got)
	}
}

func TestGetRefusesAnotherRepositoryAtTheRemotesPlace(t *testing.T) {
	src := newSource(t)
	d := clone(t, src)
	d.gitOut(t, "config", "remote.origin.annex-uuid", "00000000-0000-4000-8000-000000000000")
	d = reopen(t, d.Path(), d.Env)
	if got := get(t, d, GetOptions{Paths: []string{"f1.dat"}}); !strings.Contains(got, "get(error): f1.dat (file) [not available") {
		t.Error(got)
	}
}

func TestGetFromBareAndRelative(t *testing.T) {
	src := newSource(t)
	bare := filepath.Join(t.TempDir(), "bare.git")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", bare).Run() })
	runIn(t, src, filepath.Dir(bare), "git", "clone", "-q", "--bare", src.Path(), bare)
	runIn(t, src, bare, "git-annex", "init", "bare")
	runIn(t, src, bare, "git-annex", "get", "--all")
	d := clone(t, src)
	rel, _ := filepath.Rel(d.Path(), strings.TrimSuffix(bare, ".git"))
	d.gitOut(t, "remote", "set-url", "origin", rel)
	d = reopen(t, d.Path(), d.Env)
	check(t, "get", get(t, d, GetOptions{Paths: []string{"f1.dat"}}), "get(ok): f1.dat (file) [from origin...]")
	checkClean(t, d)
}

func TestGetInAPlainRepository(t *testing.T) {
	env := testEnv(t)
	dir := filepath.Join(t.TempDir(), "plain")
	runIn(t, &Dataset{Env: env}, filepath.Dir(dir), "git", "init", "-q", dir)
	env.Cwd = dir
	d := reopen(t, dir, env)
	writeFile(t, d, "x", "x")
	check(t, "get", get(t, d, GetOptions{Paths: []string{"x"}}), "get(notneeded): x (file) [no dataset annex, content already present]")
}
