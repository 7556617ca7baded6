package exporttree

import (
	"cmp"
	"maps"
	"path"
	"slices"

	"github.com/stemma-data/stemma/internal/remote"
)

// layout follows which files can be seen in a place whose files may have names
// that are also those of folders: such a file is hidden as long as anything is
// below its name.
type layout struct {
	there map[string]remote.Change
	below map[string]int // how many files there are below a name
	shown map[string]remote.Importable
}

// layOut makes of a history of what was there one of what could be seen, and
// lists what is hidden in the end.
func layOut(history [][]remote.Change) (seen [][]remote.Change, hidden []string) {
	l := layout{map[string]remote.Change{}, map[string]int{}, map[string]remote.Importable{}}
	for _, changes := range history {
		touched := map[string]bool{}
		for _, c := range changes {
			l.apply(c, touched)
		}
		if step := l.differences(touched); len(step) > 0 {
			seen = append(seen, step)
		}
	}
	for name := range l.there {
		if l.below[name] > 0 {
			hidden = append(hidden, name)
		}
	}
	slices.Sort(hidden)
	return seen, hidden
}

// apply notes a change, and which names it may show or hide.
func (l *layout) apply(c remote.Change, touched map[string]bool) {
	touched[c.Path] = true
	_, was := l.there[c.Path]
	more := 0
	switch {
	case !c.Gone:
		if l.there[c.Path] = c; !was {
			more = 1
		}
	case was:
		delete(l.there, c.Path)
		more = -1
	}
	for d := path.Dir(c.Path); d != "." && more != 0; d = path.Dir(d) {
		l.below[d] += more
		touched[d] = true
	}
}

// differences lists what can be seen otherwise now, by name.
func (l *layout) differences(touched map[string]bool) []remote.Change {
	var list []remote.Change
	for name := range maps.Keys(touched) {
		c, there := l.there[name]
		old, was := l.shown[name]
		switch visible := there && l.below[name] == 0; {
		case visible && (!was || old != c.Importable):
			l.shown[name] = c.Importable
			list = append(list, c)
		case !visible && was:
			delete(l.shown, name)
			list = append(list, remote.Change{Importable: old, Gone: true})
		}
	}
	slices.SortFunc(list, func(a, b remote.Change) int { return cmp.Compare(a.Path, b.Path) })
	return list
}
