package git

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// trees are tree objects that are looked into again and again. They are not safe
// for concurrent use.
type trees struct {
	hash   int // bytes of an id
	object func(ctx context.Context, id gitobj.OID) ([]byte, error)
	known  map[gitobj.OID]*treeData
	held   int // bytes of known
}

// treeData is a tree that was read.
type treeData struct {
	raw   []byte
	asked int                  // how often a name was looked for
	names map[string]TreeEntry // nil until that pays
}

// Limits of what is kept.
const (
	maxTrees   = 64 << 20 // bytes
	worthIndex = 3        // searches of a tree

	indexFactor = 4 // how much larger than a tree is what makes it answer faster
)

// treeTexts are trees that were read lately, which all views and writers share.
// They are safe for concurrent use.
type treeTexts struct {
	mu   sync.Mutex
	list map[gitobj.OID][]byte
	held int // bytes
}

// read returns what read reads, which nobody changes, or has read lately.
func (t *treeTexts) read(id gitobj.OID, read func() ([]byte, error)) ([]byte, error) {
	t.mu.Lock()
	text, ok := t.list[id]
	t.mu.Unlock()
	if ok {
		return text, nil
	}
	text, err := read()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held += len(text); t.list == nil || t.held > maxTrees {
		t.list, t.held = map[gitobj.OID][]byte{}, len(text)
	}
	t.list[id] = text
	return text, nil
}

// TreeEntry is what a path of a tree leads to.
type TreeEntry struct {
	Mode gitobj.Mode
	OID  gitobj.OID
}

// NamedEntry is an entry of a tree.
type NamedEntry struct {
	Name string
	TreeEntry
}

// entries lists a tree in git's order.
func (t *trees) entries(ctx context.Context, tree gitobj.OID) (list []NamedEntry, err error) {
	d, err := t.read(ctx, tree)
	if err != nil {
		return nil, err
	}
	for data := d.raw; err == nil && len(data) > 0; {
		var e NamedEntry
		if e, data, err = t.next(tree, data, ""); err == nil {
			list = append(list, e)
		}
	}
	return list, err
}

// child finds a name in a tree.
func (t *trees) child(ctx context.Context, tree gitobj.OID, name string) (TreeEntry, bool, error) {
	d, err := t.read(ctx, tree)
	if err != nil {
		return TreeEntry{}, false, err
	}
	if d.asked++; d.asked > worthIndex && d.names == nil {
		if d.names, err = t.index(tree, d.raw); err != nil {
			return TreeEntry{}, false, err
		}
		t.held += indexFactor * len(d.raw)
	}
	if d.names != nil {
		e, ok := d.names[name]
		return e, ok, nil
	}
	for data := d.raw; err == nil && len(data) > 0; {
		var e NamedEntry
		if e, data, err = t.next(tree, data, name); err == nil && e.Name == name {
			return e.TreeEntry, true, nil
		}
	}
	return TreeEntry{}, false, err
}

// index makes a tree that is asked again and again answer without a search.
func (t *trees) index(tree gitobj.OID, raw []byte) (map[string]TreeEntry, error) {
	names := map[string]TreeEntry{}
	for len(raw) > 0 {
		e, rest, err := t.next(tree, raw, "")
		if err != nil {
			return nil, err
		}
		names[e.Name], raw = e.TreeEntry, rest
	}
	return names, nil
}

func (t *trees) read(ctx context.Context, tree gitobj.OID) (*treeData, error) {
	if d, ok := t.known[tree]; ok {
		return d, nil
	}
	raw, err := t.object(ctx, tree)
	if err != nil {
		return nil, err
	}
	return t.keep(tree, raw), nil
}

func (t *trees) keep(tree gitobj.OID, raw []byte) *treeData {
	if t.held += len(raw); t.known == nil || t.held > maxTrees {
		t.known, t.held = map[gitobj.OID]*treeData{}, len(raw)
	}
	d := &treeData{raw: raw}
	t.known[tree] = d
	return d
}

// next takes the first entry off a tree's data. One of another name than the
// wanted one, if that is given, comes empty.
func (t *trees) next(tree gitobj.OID, data []byte, want string) (e NamedEntry, rest []byte, err error) {
	head, rest, ok := bytes.Cut(data, []byte{0})
	mode, name, ok2 := bytes.Cut(head, []byte{' '})
	if !ok || !ok2 || len(rest) < t.hash {
		return e, nil, fmt.Errorf("tree %s is damaged", tree)
	}
	if want != "" && string(name) != want {
		return e, rest[t.hash:], nil
	}
	e.Name = string(name)
	e.Mode, err = gitobj.TreeMode(string(mode))
	e.OID = gitobj.FromBytes(rest[:t.hash])
	return e, rest[t.hash:], err
}
