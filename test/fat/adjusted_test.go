package fat

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

const unlocked = "adjusted/main(unlocked)"

// source is a dataset with locked files, and one below it, on an ordinary file
// system.
func source(t *testing.T, w *rig.World) *rig.Repo {
	t.Helper()
	r := w.Dataset(t, "src")
	r.Write("a.txt", "text\n")
	r.Write("big.bin", rig.Binary("big", 3000))
	r.Run(r.Bin, "create", "-d", ".", "sub")
	r.Write("sub/deep.bin", rig.Binary("deep", 500))
	r.Save("-r", "-m", "files")
	r.Git("config", "receive.denyCurrentBranch", "updateInstead")
	return r
}

// TestClone: the clone and its subdatasets are on the adjusted branch; what is
// saved there reaches the original as locked files.
func TestClone(t *testing.T) {
	s := plugIn(t)
	src := source(t, s.World)
	r, sub := s.repo("c"), s.repo("c/sub")
	s.at(s.Dir, "clone", src.Dir, r.Dir)
	same(t, "branch", r.Git("symbolic-ref", "--short", "HEAD"), unlocked)
	good(r)
	r.Run(r.Bin, "get", "big.bin", "sub")
	same(t, "branch of the subdataset", sub.Git("symbolic-ref", "--short", "HEAD"), unlocked)
	same(t, "big.bin", read(t, r.Dir+"/big.bin"), rig.Binary("big", 3000))
	same(t, "deep.bin", read(t, sub.Dir+"/deep.bin"), rig.Binary("deep", 500))
	sub.Check()
	if out := r.Run(r.Bin, "status", "-r"); !strings.Contains(out, "nothing to save") {
		t.Errorf("status: %s", out)
	}
	checkLayout(t, r)
	r.Write("new/n.bin", rig.Binary("n", 900))
	r.Save("-m", "on the stick")
	same(t, "main", modes(r, "main"), "100644 a.txt\n120000 big.bin\n120000 new/n.bin\n160000 sub\n")
	r.Run(r.Bin, "push", "--to", "origin")
	same(t, "n.bin at the source", read(t, src.Dir+"/new/n.bin"), rig.Binary("n", 900))
	src.Check()
	r.Run(r.Bin, "drop", "big.bin")
	if text := read(t, r.Dir+"/big.bin"); !strings.HasPrefix(text, "/annex/objects/") {
		t.Errorf("dropped: %q", text)
	}
	src.Write("later.bin", rig.Binary("later", 700))
	src.Save("-m", "meanwhile")
	r.Run(r.Bin, "update", "--how", "merge")
	r.Run(r.Bin, "get", "later.bin")
	same(t, "later.bin", read(t, r.Dir+"/later.bin"), rig.Binary("later", 700))
}

// checkLayout: objects lie where git-annex puts them, in folders whose names do
// not differ in case alone.
func checkLayout(t *testing.T, r *rig.Repo) {
	t.Helper()
	found := 0
	must(t, filepath.WalkDir(r.Dir+"/.git/annex/objects", func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			found++
			dir := strings.TrimPrefix(filepath.Dir(filepath.Dir(path)), r.Dir)
			if dir != strings.ToLower(dir) {
				t.Errorf("an object in %s", dir)
			}
		}
		return err
	}))
	if found == 0 {
		t.Error("there are no objects")
	}
}

// TestOlderSubdataset: the superdataset records a commit that its branch has
// gone on from.
func TestOlderSubdataset(t *testing.T) {
	s := plugIn(t)
	src := source(t, s.World)
	inside := &rig.Repo{World: s.World, T: t, Dir: src.Dir + "/sub"}
	recorded := inside.Git("rev-parse", "HEAD")
	inside.Write("more.bin", rig.Binary("more", 300))
	inside.Save()
	r, sub := s.repo("c"), s.repo("c/sub")
	s.at(s.Dir, "clone", src.Dir, r.Dir)
	r.Run(r.Bin, "get", "sub")
	same(t, "branch", sub.Git("symbolic-ref", "--short", "HEAD"), unlocked)
	same(t, "main", sub.Git("rev-parse", "main"), recorded)
	same(t, "files", modes(sub, "HEAD"), "100644 deep.bin\n")
	sub.Check()
}

// TestStart: a new dataset, a new annex, and a clone that git made.
func TestStart(t *testing.T) {
	s := plugIn(t)
	made := s.repo("made")
	s.at(s.Dir, "create", "-c", "text2git", made.Dir)
	same(t, "create", made.Git("symbolic-ref", "--short", "HEAD"), unlocked)
	made.Write("x.bin", rig.Binary("x", 100))
	made.Save()
	good(made)
	same(t, "main", modes(made, "main"), "120000 x.bin\n")

	plain := s.repo("plain")
	must(t, os.Mkdir(plain.Dir, 0o777))
	plain.Git("init", "-q")
	plain.Run(plain.Bin, "annex", "init")
	same(t, "annex init", plain.Git("symbolic-ref", "--short", "HEAD"), unlocked)
	same(t, "its commit", plain.Git("log", "-1", "--format=%s", "main"), "commit before entering adjusted branch")
	plain.Git("checkout", "-q", "main")
	plain.Run(plain.Bin, "annex", "init")
	same(t, "annex init again", plain.Git("symbolic-ref", "--short", "HEAD"), unlocked)

	src := source(t, s.World)
	cloned := s.repo("cloned")
	(&rig.Repo{World: s.World, T: t, Dir: s.Dir}).Git("clone", "-q", src.Dir, cloned.Dir)
	cloned.Run(cloned.Bin, "annex", "get", "big.bin")
	same(t, "annex get", cloned.Git("symbolic-ref", "--short", "HEAD"), unlocked)
	same(t, "big.bin", read(t, cloned.Dir+"/big.bin"), rig.Binary("big", 3000))
	good(cloned)
}

// TestReckless: where nothing can be linked, content is copied.
func TestReckless(t *testing.T) {
	s := plugIn(t)
	src := source(t, s.World)
	for _, mode := range []string{"auto", "ephemeral", "shared-group"} {
		r := s.repo(mode)
		s.at(s.Dir, "clone", "--reckless", mode, src.Dir, r.Dir)
		same(t, mode, r.Git("symbolic-ref", "--short", "HEAD"), unlocked)
		if mode == "ephemeral" {
			r.Git("config", "--unset", "remote.origin.annex-ignore")
		}
		r.Git("config", "annex.thin", "true")
		r.Run(r.Bin, "get", "big.bin")
		same(t, mode, read(t, r.Dir+"/big.bin"), rig.Binary("big", 3000))
		r.CheckQuick()
	}
	src.Check()
}
