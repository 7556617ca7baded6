package exporttree

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stemma-data/stemma/internal/remote"
)

// step is what became different on the remote at one time.
type step struct {
	gone []string
	set  []file
}

// list lists what the remote has as one step, or as many as it remembers.
func (x *importing) list(ctx context.Context) ([][]remote.Change, error) {
	if h, ok := x.store.(remote.Historian); ok {
		return h.ListHistory(ctx)
	}
	files, err := x.store.ListFiles(ctx)
	changes := make([]remote.Change, len(files))
	for n, i := range files {
		changes[n].Importable = i
	}
	return [][]remote.Change{changes}, err
}

// keep leaves out changes that are not wanted, and steps in which nothing is left.
func keep(history [][]remote.Change, wanted func(remote.Change) bool) [][]remote.Change {
	var out [][]remote.Change
	for _, changes := range history {
		changes = slices.DeleteFunc(slices.Clone(changes), func(c remote.Change) bool { return !wanted(c) })
		if len(changes) > 0 {
			out = append(out, changes)
		}
	}
	return out
}

// tidy leaves out what no tree of git can have, and says so: names that lead
// elsewhere, and files where folders are.
func (x *importing) tidy(history [][]remote.Change) [][]remote.Change {
	told := map[string]bool{}
	refuse := func(name string, why any) {
		if !told[name] {
			told[name] = true
			x.s.D.Env.Log.Warn(fmt.Sprintf("not imported from %s: %v", x.name, why))
		}
	}
	history = keep(history, func(c remote.Change) bool {
		err := remote.CheckTreePath(c.Path)
		if err != nil {
			refuse(c.Path, err)
		}
		return err == nil
	})
	history, hidden := layOut(history)
	for _, name := range hidden {
		refuse(name, fmt.Sprintf("%q is the name of a file and of a folder there", name))
	}
	return history
}

// present lists what is there in the end, by path.
func present(history [][]remote.Change) []remote.Importable {
	now := map[string]remote.Importable{}
	for _, changes := range history {
		for _, c := range changes {
			if delete(now, c.Path); !c.Gone {
				now[c.Path] = c.Importable
			}
		}
	}
	return slices.SortedFunc(maps.Values(now), func(a, b remote.Importable) int { return cmp.Compare(a.Path, b.Path) })
}

// past lists whatever has ever been there, what was there last first.
func past(history [][]remote.Change) []remote.Importable {
	var list []remote.Importable
	for _, changes := range slices.Backward(history) {
		for _, c := range changes {
			if !c.Gone {
				list = append(list, c.Importable)
			}
		}
	}
	return list
}

// steps says what the changes mean for trees of git. Files that were not found
// are left out; so are steps before there is any file. There is at least one step.
func steps(history [][]remote.Change, found map[remote.Importable]file) []step {
	var list []step
	live := map[string]bool{}
	for _, changes := range history {
		var s step
		for _, c := range changes {
			f, ok := found[c.Importable]
			switch {
			case !c.Gone && ok:
				live[c.Path] = true
				s.set = append(s.set, f)
			case live[c.Path]:
				delete(live, c.Path)
				s.gone = append(s.gone, c.Path)
			}
		}
		if len(s.set) > 0 || len(list) > 0 {
			list = append(list, s)
		}
	}
	if list == nil {
		list = make([]step, 1)
	}
	return list
}

// result lists the files that are there after all steps, by path.
func result(steps []step) []file {
	files := map[string]file{}
	for _, s := range steps {
		for _, name := range s.gone {
			delete(files, name)
		}
		for _, f := range s.set {
			files[f.path] = f
		}
	}
	return slices.SortedFunc(maps.Values(files), func(a, b file) int { return cmp.Compare(a.path, b.path) })
}
