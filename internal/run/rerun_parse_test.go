package run

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

const oidA = "0123456789012345678901234567890123456789"

func TestReadLog(t *testing.T) {
	list, err := readLog(strings.NewReader(oidA + "\x00" + oidA + " " + oidA + "\x0001234567\x00Ada\x002026-01-01T00:00:00+00:00\x00merge\n\x00"))
	if err != nil || len(list) != 1 || len(list[0].parents) != 2 || list[0].message != "merge\n" || list[0].record != nil {
		t.Fatal(list, err)
	}
	for _, bad := range []string{oidA, "x\x00\x00\x00\x00\x00\x00", oidA + "\x00\x00"} {
		if list, err := readLog(strings.NewReader(bad)); err == nil {
			t.Errorf("%q gives %v", bad, list)
		}
	}
}

func FuzzReadLog(f *testing.F) {
	f.Add(oidA + "\x00\x000123456\x00Ada\x002026-01-01T00:00:00+00:00\x00[DATALAD RUNCMD] t\n\n=== Do not change lines below ===\n{\"cmd\": \"x\"}\n^^^ Do not change lines above ^^^\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readLog(strings.NewReader(text))
		for _, c := range list {
			if err == nil && c.id == "" {
				t.Fatal("a commit without id")
			}
		}
	})
}

func TestParseDiffTree(t *testing.T) {
	s := &step{past: &past{}}
	zero := strings.Repeat("0", 40)
	out := oidA + "\x00:000000 100644 " + zero + " " + oidA + " A\x00:name\x00:100644 000000 " + oidA + " " + zero + " D\x00gone\x00"
	if err := parseDiffTree(out, map[string]*step{oidA: s}); err != nil || len(s.changes) != 2 {
		t.Fatal(s.changes, err)
	}
	if c := s.changes[0]; c.path != ":name" || c.prevMode != 0 || c.mode != gitobj.ModeFile {
		t.Errorf("added = %+v", c)
	}
	if c := s.changes[1]; c.path != "gone" || c.mode != 0 || c.prev != oidA {
		t.Errorf("deleted = %+v", c)
	}
}

func FuzzParseDiffTree(f *testing.F) {
	f.Add(oidA + "\x00:000000 100644 " + oidA + " " + oidA + " A\x00name\x00")
	f.Add(":000000 100644 x y A\x00")
	f.Fuzz(func(t *testing.T, out string) {
		s := &step{past: &past{}}
		if parseDiffTree(out, map[string]*step{oidA: s}) == nil {
			for _, c := range s.changes {
				_ = c.result("/")
			}
		}
	})
}

// TestAncestry compares the answers on random histories with what the parents
// say.
func TestAncestry(t *testing.T) {
	b := newBox(t)
	d := b.open("")
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		ids, parents := randomHistory(b, rnd, 14)
		isAncestor := closure(parents)
		tip := ids[len(ids)-1]
		var steps []*step
		for _, id := range ids {
			if isAncestor(id, tip) {
				steps = append(steps, &step{past: &past{id: id, parents: parents[id]}})
			}
		}
		for _, start := range ids[:len(ids):len(ids)] {
			r := &rerun{d: d, tip: tip}
			a := newAncestry(r, start, steps)
			for _, s := range steps {
				above, err := a.aboveStart(t.Context(), s.id)
				if err != nil || above != isAncestor(start, s.id) {
					t.Errorf("seed %d: aboveStart = %v, %v", seed, above, err)
				}
				in, err := a.contains(t.Context(), start, s.id)
				if err != nil || in != isAncestor(s.id, start) {
					t.Errorf("seed %d: contains = %v, %v", seed, in, err)
				}
				for _, other := range steps {
					a.grew("new", other.id)
					in, err := a.contains(t.Context(), "new", s.id)
					if err != nil || in != isAncestor(s.id, other.id) {
						t.Errorf("seed %d: contains of a new commit = %v, %v", seed, in, err)
					}
				}
			}
		}
	}
}

// randomHistory makes n commits, each on up to two earlier ones.
func randomHistory(b *box, rnd *rand.Rand, n int) ([]gitobj.OID, map[gitobj.OID][]gitobj.OID) {
	var ids []gitobj.OID
	parents := map[gitobj.OID][]gitobj.OID{}
	for i := range n {
		line := fmt.Sprintf("git commit-tree -m %d-%d", i, rnd.Int())
		var on []gitobj.OID
		for _, j := range rnd.Perm(max(i, 1))[:min(i, 1+rnd.IntN(2))] {
			on = append(on, ids[j])
			line += " -p " + string(ids[j])
		}
		id := gitobj.OID(b.sh(line + " HEAD^{tree}"))
		ids, parents[id] = append(ids, id), on
	}
	return ids, parents
}

func closure(parents map[gitobj.OID][]gitobj.OID) func(old, tip gitobj.OID) bool {
	var is func(old, tip gitobj.OID) bool
	is = func(old, tip gitobj.OID) bool {
		if old == tip {
			return true
		}
		for _, p := range parents[tip] {
			if is(old, p) {
				return true
			}
		}
		return false
	}
	return is
}
