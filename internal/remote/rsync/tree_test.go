package rsync

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

func TestTrees(t *testing.T) {
	remotetest.RunTree(t, func(t *testing.T) remotetest.Tree {
		r, _ := fresh(t)
		return remotetest.Tree{Exporter: &Tree{r}, NoEscapes: true} // rsync 3.2.7 takes it for an attack
	})
}

func TestTreesOfALocalFolder(t *testing.T) {
	remotetest.RunTree(t, func(t *testing.T) remotetest.Tree {
		x, err := OpenTree(remote.Setup{Spec: remote.Spec{Name: "r", UUID: "u"}, Settings: git.NewConfig([2]string{"remote.r.annex-rsyncurl", t.TempDir()})})
		if err != nil {
			t.Fatal(err)
		}
		return remotetest.Tree{Exporter: x}
	})
}

// TestTreesKeepWhatIsNotTheirs: a deletion touches nothing else of a folder.
func TestTreesKeepWhatIsNotTheirs(t *testing.T) {
	r, dir := fresh(t)
	os.MkdirAll(filepath.Join(dir, "d/sub"), 0o755)
	for _, name := range []string{"d/ours", "d/theirs", "d/sub/theirs", "theirs"} {
		os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644)
	}
	err := (&Tree{r}).DeleteFiles(t.Context(), []remote.TreeFile{{Path: "d/ours"}, {Path: "gone/ours"}}, func(i int, err error) {
		if err != nil {
			t.Error(i, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"d/theirs", "d/sub/theirs", "theirs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "d/ours")); err == nil {
		t.Error("d/ours is still there")
	}
}
