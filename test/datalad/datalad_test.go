// Package datalad proves that Debian's DataLad works on top of Stemma, which
// stands in for git-annex under its name.
package datalad

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil && os.Getenv("STEMMA_ORACLES") != "none" {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("there is no %s; run scripts/oracles", p)
		}
		t.Skipf("there is no %s", p)
	}
}

// faces builds the program and makes a folder in which it is git-annex.
func faces(t *testing.T) (program, folder string) {
	t.Helper()
	folder = t.TempDir()
	program = filepath.Join(folder, "stemma")
	build := exec.Command("go", "build", "-o", program, "../../cmd/stemma")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"git-annex", "git-annex-shell"} {
		if err := os.Symlink(program, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	return program, folder
}

// story is what a user of DataLad does from day to day. What it leaves behind
// is checked by the real git-annex.
const story = `
set -eux
git annex version | grep -q Stemma
datalad create src
cd src
echo one > one.dat
mkdir sub; echo two > sub/two.dat
datalad save -m 'two files'
test -L one.dat
datalad run -m made -o made.dat 'echo made > made.dat'
datalad create -d . nested
cd ..
datalad clone src clone
cd clone
datalad get one.dat sub
test "$(cat sub/two.dat)" = two
datalad drop sub/two.dat
test ! -e sub/two.dat
datalad get sub/two.dat
git annex unlock one.dat
echo more >> one.dat
datalad save -m more
test -z "$(git status --porcelain)"
cd ..
git init -q --bare store.git
(cd store.git && git annex init store)
cd clone
datalad siblings add -s store --url ../store.git
datalad push --to store
git annex whereis one.dat | grep -q '\[store\]'
datalad drop one.dat
cd ..
datalad clone store.git again
cd again
datalad get one.dat
test "$(head -n 1 one.dat)" = one
cd ..
PATH="$REAL_PATH"
for d in src clone again; do (cd $d && git annex fsck -q); done
`

func TestStory(t *testing.T) {
	needs(t, "datalad", "git-annex", "git")
	_, folder := faces(t)
	work := t.TempDir()
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", work).Run() })
	config := filepath.Join(work, ".gitconfig")
	if err := os.WriteFile(config, []byte("[user]\n\tname = Ada Tester\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", story)
	cmd.Dir = work
	real := "/usr/local/bin:/usr/bin:/bin"
	cmd.Env = append(os.Environ(), "PATH="+folder+":"+real, "REAL_PATH="+real, "HOME="+work, "GIT_CONFIG_GLOBAL="+config,
		"GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C.UTF-8", "GIT_CEILING_DIRECTORIES="+work, "DATALAD_UI_PROGRESSBAR=none")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// few of DataLad's own tests, one for each thing it does most. They pass with
// the real git-annex, which is not run again for them.
var few = []string{
	"datalad.core.local.tests.test_create::test_create_with_obscure_name",
	"datalad.core.local.tests.test_save::test_add_mimetypes",
	"datalad.distribution.tests.test_get::test_get_multiple_files",
	"datalad.core.distributed.tests.test_push::test_gh1426",
	"datalad.distributed.tests.test_ora_http::test_read_access",
	"datalad.distributed.tests.test_ria_basics::test_version_check",
	"datalad.distribution.tests.test_update::test_merge_follow_parentds_subdataset_detached",
	"datalad.local.tests.test_add_archive_content::test_add_delete_after_and_drop",
	"datalad.support.tests.test_annexrepo::test_AnnexRepo_metadata",
}

// TestSuite runs DataLad's own tests: a few, or with STEMMA_SOAK all of them.
func TestSuite(t *testing.T) {
	needs(t, "datalad", "git-annex", "git", "/usr/bin/python3")
	program, _ := faces(t)
	args := append([]string{"--least", "100", "--alone", "--stemma", program}, few...)
	if os.Getenv("STEMMA_SOAK") != "" {
		args = []string{"--least", "90", "--stemma", program}
	}
	cmd := exec.Command("../../scripts/datalad-suite", args...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "pass with Stemma") {
		t.Error("no measure was taken")
	}
}
