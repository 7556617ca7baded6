package fat

import (
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// TestCreateAndSave: none of that needs links.
func TestCreateAndSave(t *testing.T) {
	s := plugIn(t)
	r := s.repo("made")
	s.at(s.Dir, "create", "-c", "text2git", r.Dir)
	r.Write("a.txt", "text\n")
	r.Write("b/c.bin", rig.Binary("c", 3000))
	r.Save()
	good(r)
	r.Run(r.Bin, "run", "-o", "out.bin", "printf 'one\\000\\001' > out.bin")
	good(r)
}
