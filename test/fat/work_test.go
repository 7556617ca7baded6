package fat

import (
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// TestCreateAndSave: the executable bit, which all files seem to have, is none.
func TestCreateAndSave(t *testing.T) {
	s := plugIn(t)
	r := s.repo("made")
	s.at(s.Dir, "create", "-c", "text2git", r.Dir)
	r.Write("a.txt", "text\n")
	r.Write("b/c.bin", rig.Binary("c", 3000))
	r.Save()
	good(r)
	same(t, "a.txt", r.Git("ls-files", "--format=%(objectmode)", "a.txt"), "100644")
	same(t, "c.bin", r.Git("ls-files", "--format=%(objectmode)", "b/c.bin"), "100644")
	r.Git("update-index", "--chmod=+x", "a.txt")
	r.Write("a.txt", "other text\n")
	r.Save()
	same(t, "a.txt", r.Git("ls-files", "--format=%(objectmode)", "a.txt"), "100755")
	r.Write("d.txt", "text\n")
	r.Run(r.Bin, "annex", "add", "d.txt")
	same(t, "d.txt", r.Git("ls-files", "--format=%(objectmode)", "d.txt"), "100644")
	r.Save()
	r.Run(r.Bin, "run", "-o", "out.bin", "printf 'one\\000\\001' > out.bin")
	good(r)
}
