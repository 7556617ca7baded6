package run

import (
	"context"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// ancestry answers who descends from whom during a replay. History is not
// asked about every commit: a process lists all that lead from or to the start
// once, the rest follows from the parents that are known.
type ancestry struct {
	r       *rerun
	start   gitobj.OID
	parents map[gitobj.OID][]gitobj.OID // of the commits in the range
	above   map[gitobj.OID]bool         // descend from start; nil: not asked yet
	missing map[gitobj.OID]bool         // in the range, not reachable from start; nil: not asked yet
	// origins are the old commits that a new one was built on.
	origins map[gitobj.OID][]gitobj.OID
}

func newAncestry(r *rerun, start gitobj.OID, steps []*step) *ancestry {
	a := &ancestry{r: r, start: start, parents: map[gitobj.OID][]gitobj.OID{}, origins: map[gitobj.OID][]gitobj.OID{}}
	for _, s := range steps {
		if s.action != actCheckout {
			a.parents[s.id] = s.parents
		}
	}
	return a
}

// list returns what git rev-list prints.
func (a *ancestry) list(ctx context.Context, args ...string) (map[gitobj.OID]bool, error) {
	out, err := a.r.d.Repo.Output(ctx, append(append([]string{"rev-list"}, args...), "--")...)
	if err != nil {
		return nil, err
	}
	set := map[gitobj.OID]bool{}
	for _, id := range strings.Fields(string(out)) {
		set[gitobj.OID(id)] = true
	}
	return set, nil
}

// aboveStart reports whether an old commit that leads to the tip is the start
// or descends from it.
func (a *ancestry) aboveStart(ctx context.Context, id gitobj.OID) (bool, error) {
	if id == a.start {
		return true, nil
	}
	if a.above == nil {
		var err error
		if a.above, err = a.list(ctx, "--ancestry-path", string(a.r.tip), "^"+string(a.start)); err != nil {
			return false, err
		}
	}
	return a.above[id], nil
}

// inStart reports whether the start contains an old commit.
func (a *ancestry) inStart(ctx context.Context, id gitobj.OID) (bool, error) {
	if id == a.start {
		return true, nil
	}
	if _, ok := a.parents[id]; !ok {
		return a.r.d.Repo.IsAncestor(ctx, id, a.start)
	}
	if a.missing == nil {
		var err error
		if a.missing, err = a.list(ctx, append(a.r.rangeArgs(), "^"+string(a.start))...); err != nil {
			return false, err
		}
	}
	return !a.missing[id], nil
}

// grew notes that a new commit was built on others, old or new.
func (a *ancestry) grew(id gitobj.OID, on ...gitobj.OID) {
	seen := map[gitobj.OID]bool{}
	var all []gitobj.OID
	for _, p := range on {
		for _, o := range a.of(p) {
			if !seen[o] {
				all = append(all, o)
			}
			seen[o] = true
		}
	}
	a.origins[id] = all
}

// of returns the old commits below a commit; an old one is below itself.
func (a *ancestry) of(id gitobj.OID) []gitobj.OID {
	if list, ok := a.origins[id]; ok {
		return list
	}
	return []gitobj.OID{id}
}

// contains reports whether head, old or new, contains an old commit of the
// range.
func (a *ancestry) contains(ctx context.Context, head, old gitobj.OID) (bool, error) {
	for _, o := range a.of(head) {
		if o == a.start {
			if in, err := a.inStart(ctx, old); in || err != nil {
				return in, err
			}
		} else if a.reaches(o, old) {
			return true, nil
		}
	}
	return false, nil
}

// reaches follows parents within the range. What lies outside cannot lead into
// it.
func (a *ancestry) reaches(from, to gitobj.OID) bool {
	seen := map[gitobj.OID]bool{}
	todo := []gitobj.OID{from}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if id == to {
			return true
		}
		if !seen[id] {
			seen[id] = true
			todo = append(todo, a.parents[id]...)
		}
	}
	return false
}
