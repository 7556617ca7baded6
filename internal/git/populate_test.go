package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where names that differ in case are one, a file stands in the way of another
// one of the same commit: it stays, and the others are written, as git does.
func TestPopulateWithNamesThatAreOne(t *testing.T) {
	source, env := newRepo(t)
	for _, name := range []string{"a", "b", "c"} {
		write(source.WorkTree, name, "text of "+name+"\n")
	}
	runGit(t, source.WorkTree, env, "add", ".")
	runGit(t, source.WorkTree, env, "commit", "-q", "-m", "one")
	dir := filepath.Join(t.TempDir(), "clone")
	if !CloneLocal(t.Context(), CloneOptions{URL: source.WorkTree, Dir: dir, Env: env}, begun) {
		t.Fatal("left to git")
	}
	runGit(t, dir, env, "config", "core.ignorecase", "true")
	write(dir, "a", "what another entry has written\n")
	populate(t, dir, env, plain)
	if got := runGit(t, dir, env, "status", "--porcelain"); strings.TrimSpace(got) != "M a" {
		t.Errorf("%q", got)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "a")); string(data) != "what another entry has written\n" {
		t.Errorf("%q", data)
	}
}
