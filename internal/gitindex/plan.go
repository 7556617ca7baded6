package gitindex

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// plan is what Splice will do, in offsets of the old index.
type plan struct {
	file    *File
	inserts []insert // sorted by path, so by offset as well
	cuts    []cut    // sorted, disjoint
	stale   []string // sorted paths whose trees change
	count   int      // entries of the new index
}

// insert puts edit's entry before the old entry at offset at.
type insert struct {
	at   int
	edit *Edit
}

// cut leaves out the old entries from offset from to offset to.
type cut struct{ from, to int }

// newPlan works out the changes; edits come from prepare.
func newPlan(f *File, edits []Edit) (*plan, error) {
	p := &plan{file: f}
	last := ""
	for i := range edits {
		p.add(&edits[i], last)
		if !edits[i].Remove {
			last = edits[i].Path
		}
	}
	removed := p.sortCuts()
	n := f.count - removed + len(p.inserts)
	if int64(n) > math.MaxUint32 {
		return nil, fmt.Errorf("splice index: %d entries are too many", n)
	}
	p.count = n
	slices.Sort(p.stale)
	p.stale = slices.Compact(p.stale)
	return p, nil
}

// add plans one edit. Directories that path shares with last, the path added
// before, need no second look.
func (p *plan) add(e *Edit, last string) {
	c, more := p.file.seek(e.Path)
	at := c.raw.off
	var found, merged, same bool
	for ; more && string(c.raw.Path) == e.Path; more = c.next() {
		found, merged = true, c.raw.Stage() == 0
		same = merged && !e.Remove && sameTree(&c.raw, e)
		p.cut(&c.raw)
	}
	if !same && (found || !e.Remove) {
		p.stale = append(p.stale, e.Path)
	}
	if e.Remove {
		return
	}
	p.inserts = append(p.inserts, insert{at: at, edit: e})
	if !merged { // else it was a file before: nothing to make room for
		p.cutBelow(e.Path)
		p.cutAbove(e.Path, last)
	}
}

// sameTree reports that the edit leaves the merged entry as it is in a tree.
func sameTree(r *Raw, e *Edit) bool {
	return !r.IntentToAdd() && r.Mode() == e.Mode && bytes.Equal(r.OID(), e.OID.Bytes())
}

// cutBelow removes the merged entries under the directory that a file
// replaces. Unmerged ones stay, as in git: they are the user's conflict.
func (p *plan) cutBelow(path string) {
	prefix := path + "/"
	for c, ok := p.file.seek(prefix); ok && hasPrefix(c.raw.Path, prefix); ok = c.next() {
		if c.raw.Stage() == 0 {
			p.cut(&c.raw)
		}
	}
}

// cutAbove removes the merged entries that a directory above path replaces.
func (p *plan) cutAbove(path, last string) {
	for dir := range parents(path) {
		if strings.HasPrefix(last, path[:len(dir)+1]) {
			continue
		}
		c, ok := p.file.seek(dir)
		if ok && string(c.raw.Path) == dir && c.raw.Stage() == 0 {
			p.cut(&c.raw)
			p.stale = append(p.stale, dir)
		}
	}
}

func (p *plan) cut(r *Raw) { p.cuts = append(p.cuts, cut{r.off, r.end}) }

// sortCuts sorts the single entries to cut, joins neighbours, and returns how
// many entries there are.
func (p *plan) sortCuts() int {
	slices.SortFunc(p.cuts, func(a, b cut) int { return cmp.Compare(a.from, b.from) })
	p.cuts = slices.Compact(p.cuts)
	n := len(p.cuts)
	joined := p.cuts[:0]
	for _, c := range p.cuts {
		if k := len(joined); k > 0 && joined[k-1].to == c.from {
			joined[k-1].to = c.to
			continue
		}
		joined = append(joined, c)
	}
	p.cuts = joined
	return n
}
