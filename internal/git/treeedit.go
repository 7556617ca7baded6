package git

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// treeEdit is a tree that is being changed. What is not changed stays in the form
// that it was read in: a folder may have a hundred thousand files.
type treeEdit struct {
	base  gitobj.OID           // "": an empty one
	names map[string]*nameEdit // what is different
}

// nameEdit is what a name of a tree leads to now.
type nameEdit struct {
	TreeEntry           // the zero one: nothing
	sub       *treeEdit // of a folder that is being changed itself
	own       bool      // and that the old tree has under the name
}

// checkPath refuses what git takes for no path of a tree.
func checkPath(path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) || gitobj.IsDotGit(part) {
			return fmt.Errorf("commit: %q is no path that git accepts", path)
		}
	}
	return nil
}

// set gives a path of the begun commit an entry. What is in the way goes.
func (w *ObjectWriter) set(path string, e TreeEntry) error {
	if path == "" && e.Mode == gitobj.ModeTree {
		w.root = &treeEdit{base: e.OID}
		return nil
	}
	if err := checkPath(path); err != nil {
		return err
	}
	if len(e.OID.Bytes()) != w.repo.Format.Size() {
		return fmt.Errorf("commit %s: %q is no object id of this repository", path, e.OID)
	}
	if e.Mode == gitobj.ModeTree && e.OID == w.empty {
		return w.remove(path)
	}
	if w.edits >= manyEdits {
		tree, err := w.writeTree(w.root)
		if err != nil {
			return err
		}
		w.root, w.edits = &treeEdit{base: tree}, 0
	}
	t := w.root
	for {
		name, rest, deeper := strings.Cut(path, "/")
		if !deeper {
			w.edit(t, name, &nameEdit{TreeEntry: e})
			return nil
		}
		sub, err := w.folder(t, name)
		if err != nil {
			return err
		}
		if sub == nil {
			sub = &treeEdit{}
			w.edit(t, name, &nameEdit{TreeEntry: TreeEntry{Mode: gitobj.ModeTree}, sub: sub})
		}
		t, path = sub, rest
	}
}

func (w *ObjectWriter) edit(t *treeEdit, name string, e *nameEdit) {
	if t.names == nil {
		t.names = map[string]*nameEdit{}
	}
	t.names[name] = e
	w.edits++
}

// folder returns the tree below a name, to be changed, or nil where there is none.
func (w *ObjectWriter) folder(t *treeEdit, name string) (*treeEdit, error) {
	e, sub, err := w.name(t, name)
	if err != nil || sub != nil || e.Mode != gitobj.ModeTree {
		return sub, err
	}
	sub = &treeEdit{base: e.OID}
	w.edit(t, name, &nameEdit{TreeEntry: e, sub: sub, own: t.names[name] == nil})
	return sub, nil
}

// name returns what a name leads to: an entry, or a tree that is being changed.
func (w *ObjectWriter) name(t *treeEdit, name string) (e TreeEntry, sub *treeEdit, err error) {
	if n := t.names[name]; n != nil {
		return n.TreeEntry, n.sub, nil
	}
	if t.base == "" {
		return e, nil, nil
	}
	e, _, err = w.trees.child(w.ctx, t.base, name)
	return e, nil, err
}

// remove takes a path out of the begun commit; folders that get empty go, too.
func (w *ObjectWriter) remove(path string) error {
	t := w.root
	for {
		name, rest, deeper := strings.Cut(path, "/")
		if !deeper {
			e, sub, err := w.name(t, name)
			if err == nil && (sub != nil || e.Mode != 0) {
				w.edit(t, name, &nameEdit{})
			}
			return err
		}
		sub, err := w.folder(t, name)
		if err != nil || sub == nil {
			return err
		}
		t, path = sub, rest
	}
}

// lookup finds a path below a tree. A folder that is being changed has no id yet.
func (w *ObjectWriter) lookup(t *treeEdit, path string) (e TreeEntry, ok bool, err error) {
	for {
		name, rest, deeper := strings.Cut(path, "/")
		e, sub, err := w.name(t, name)
		if err != nil || !deeper {
			return e, e.Mode != 0, err
		}
		switch {
		case sub != nil:
			t = sub
		case e.Mode == gitobj.ModeTree:
			t = &treeEdit{base: e.OID}
		default:
			return TreeEntry{}, false, nil
		}
		path = rest
	}
}

// change is a name with its new entry.
type change struct {
	name  string
	entry []byte // as a tree has it; nil: removed
}

// writeTree stores a tree and those below it. An empty one is not stored.
func (w *ObjectWriter) writeTree(t *treeEdit) (gitobj.OID, error) {
	if len(t.names) == 0 {
		return cmp.Or(t.base, w.empty), nil
	}
	changes := make([]change, 0, len(t.names))
	for name, e := range t.names {
		if e.sub != nil {
			id, err := w.writeTree(e.sub)
			if err != nil {
				return "", err
			}
			if e.own && id == e.OID { // nothing has come of it
				delete(t.names, name)
				continue
			}
			e.TreeEntry = TreeEntry{Mode: gitobj.ModeTree, OID: id}
			if id == w.empty {
				e.TreeEntry = TreeEntry{}
			}
			e.sub = nil
		}
		c := change{name: name}
		if e.Mode != 0 {
			c.entry = fmt.Appendf(nil, "%o %s\x00", uint32(e.Mode), name)
			c.entry = append(c.entry, e.OID.Bytes()...)
		}
		changes = append(changes, c)
	}
	if len(t.names) == 0 {
		return cmp.Or(t.base, w.empty), nil
	}
	var old []byte
	if t.base != "" {
		d, err := w.trees.read(w.ctx, t.base)
		if err != nil {
			return "", err
		}
		old = d.raw
	}
	raw, delta, err := w.splice(t, old, changes)
	if err != nil {
		return "", err
	}
	id := w.empty
	if len(raw) > 0 {
		id, err = w.storeTree(t.base, raw, delta)
	}
	t.base, t.names = id, nil
	return id, err
}

// splice makes a tree of the old one and what is different, and says how it
// differs (see treeDelta).
func (w *ObjectWriter) splice(t *treeEdit, old []byte, changes []change) (raw, delta []byte, err error) {
	put := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.entry == nil })
	slices.SortFunc(put, func(a, b change) int { return entryOrder(a.entry, b.entry) })
	size := len(old)
	for _, c := range put {
		size += len(c.entry)
	}
	raw = make([]byte, 0, size)
	var d deltaWriter
	hash := w.repo.Format.Size()
	for at := 0; at < len(old); {
		n := entryLen(old[at:], hash)
		if n == 0 {
			return nil, nil, fmt.Errorf("tree %s is damaged", t.base)
		}
		entry := old[at : at+n]
		for len(put) > 0 && entryOrder(put[0].entry, entry) < 0 {
			raw, d.insert, put = append(raw, put[0].entry...), append(d.insert, put[0].entry...), put[1:]
		}
		if name, _ := entryName(entry); t.names[string(name)] == nil {
			raw = append(raw, entry...)
			d.copy(at, n)
		}
		at += n
	}
	for _, c := range put {
		raw, d.insert = append(raw, c.entry...), append(d.insert, c.entry...)
	}
	return raw, d.endOf(len(old), len(raw)), nil
}

// storeTree stores a tree, as a difference from the one that it was made of where
// that lies in the same pack: git reads no others.
func (w *ObjectWriter) storeTree(base gitobj.OID, raw, delta []byte) (gitobj.OID, error) {
	sum := w.repo.Format.Sum("tree", raw)
	id := gitobj.FromBytes(sum)
	if w.have(sum) {
		return id, nil
	}
	pack, err := w.target()
	if err != nil {
		return "", w.told(err)
	}
	n, ok := w.number(base)
	if ok && len(raw) >= minDelta && len(raw) <= maxNativeObject && len(delta) < len(raw)/2 && pack.chains[n] < maxChain {
		pack.addDelta(sum, n, delta, treeLevel)
	} else {
		pack.add(sum, treeKind, raw, treeLevel)
	}
	w.trees.keep(id, raw)
	return id, nil
}
