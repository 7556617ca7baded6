package git

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// TreeView answers what a commit has at a path. It reads the trees on the way
// and nothing else, without a process where it can, so that the cost depends
// on the depth of the path and not on the size of the repository. It is safe
// for concurrent use.
type TreeView struct {
	repo   *Repo
	commit gitobj.OID

	mu    sync.Mutex
	objs  *objects
	trees map[gitobj.OID]*treeData
	held  int // bytes of trees
	root  gitobj.OID
	blobs map[gitobj.OID][]byte // small ones
	small int                   // bytes of them
}

// treeData is a tree that was read.
type treeData struct {
	raw   []byte
	asked int                  // how often a name was looked for
	names map[string]TreeEntry // nil until that pays
}

// Limits of what a view keeps.
const (
	maxTrees   = 64 << 20 // bytes
	worthIndex = 3        // searches of a tree
	maxSmall   = 4 << 10  // bytes of a blob that is kept
	maxBlobs   = 8 << 20  // bytes
)

// View returns a view of a commit; "" is a commit without files.
func (r *Repo) View(commit gitobj.OID) *TreeView {
	return &TreeView{repo: r, commit: commit, objs: r.objects(), trees: map[gitobj.OID]*treeData{}}
}

// Close ends the use of pack files.
func (v *TreeView) Close() { v.objs.close() }

// Lookup returns the entry at a path relative to the top; "." is the root.
func (v *TreeView) Lookup(ctx context.Context, path string) (e TreeEntry, ok bool, err error) {
	e, _, ok, err = v.walk(ctx, path)
	return e, ok, err
}

// Gitlink returns the path of the nested repository that path is, or lies in,
// or "".
func (v *TreeView) Gitlink(ctx context.Context, path string) (string, error) {
	e, at, _, err := v.walk(ctx, path)
	if err != nil || e.Mode != gitobj.ModeGitlink {
		return "", err
	}
	return at, nil
}

// walk goes down as far as there are trees. e is the last entry that was
// found, at its path; ok says that it is the one asked for.
func (v *TreeView) walk(ctx context.Context, path string) (e TreeEntry, at string, ok bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.commit == "" {
		return e, "", false, nil
	}
	if v.root == "" {
		if err := v.findRoot(ctx); err != nil {
			return e, "", false, err
		}
	}
	e = TreeEntry{Mode: gitobj.ModeTree, OID: v.root}
	if path == "." || path == "" {
		return e, ".", true, nil
	}
	parts := strings.Split(path, "/")
	for i, name := range parts {
		next, found, err := v.child(ctx, e.OID, name)
		if err != nil || !found {
			return e, at, false, err
		}
		e, at = next, strings.Join(parts[:i+1], "/")
		if e.Mode != gitobj.ModeTree {
			return e, at, i == len(parts)-1, nil
		}
	}
	return e, at, true, nil
}

func (v *TreeView) findRoot(ctx context.Context) error {
	data, err := v.object(ctx, v.commit, "commit")
	if err != nil {
		return err
	}
	v.root, err = v.repo.treeOf(data)
	return err
}

// child finds a name in a tree.
func (v *TreeView) child(ctx context.Context, tree gitobj.OID, name string) (TreeEntry, bool, error) {
	t, err := v.tree(ctx, tree)
	if err != nil {
		return TreeEntry{}, false, err
	}
	if t.asked++; t.asked > worthIndex && t.names == nil {
		if err := v.index(tree, t); err != nil {
			return TreeEntry{}, false, err
		}
	}
	if t.names != nil {
		e, ok := t.names[name]
		return e, ok, nil
	}
	for data := t.raw; err == nil && len(data) > 0; {
		var e NamedEntry
		if e, data, err = v.next(tree, data, name); err == nil && e.Name == name {
			return e.TreeEntry, true, nil
		}
	}
	return TreeEntry{}, false, err
}

// index makes a tree that is asked again and again answer without a search.
func (v *TreeView) index(tree gitobj.OID, t *treeData) error {
	names := map[string]TreeEntry{}
	for data := t.raw; len(data) > 0; {
		e, rest, err := v.next(tree, data, "")
		if err != nil {
			return err
		}
		names[e.Name], data = e.TreeEntry, rest
	}
	t.names = names
	return nil
}

// Blob returns the content of the file at a path; ok is false where there is
// none.
func (v *TreeView) Blob(ctx context.Context, path string) (data []byte, ok bool, err error) {
	e, _, ok, err := v.walk(ctx, path)
	if err != nil || !ok || e.Mode == gitobj.ModeTree || e.Mode == gitobj.ModeGitlink {
		return nil, false, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	data, err = v.blob(ctx, e.OID)
	return data, err == nil, err
}

// blob reads a blob. Small ones are kept: the logs that a command decides by are
// those that it changes afterwards.
func (v *TreeView) blob(ctx context.Context, id gitobj.OID) ([]byte, error) {
	if data, ok := v.blobs[id]; ok {
		return slices.Clone(data), nil
	}
	data, err := v.object(ctx, id, "blob")
	if err != nil || len(data) > maxSmall {
		return data, err
	}
	if v.small += len(data); v.blobs == nil || v.small > maxBlobs {
		v.blobs, v.small = map[gitobj.OID][]byte{}, len(data)
	}
	v.blobs[id] = slices.Clone(data)
	return data, nil
}

// NamedEntry is an entry of a tree.
type NamedEntry struct {
	Name string
	TreeEntry
}

// Entries lists a tree of the commit in git's order.
func (v *TreeView) Entries(ctx context.Context, tree gitobj.OID) (list []NamedEntry, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, err := v.tree(ctx, tree)
	if err != nil {
		return nil, err
	}
	for data := t.raw; err == nil && len(data) > 0; {
		var e NamedEntry
		if e, data, err = v.next(tree, data, ""); err == nil {
			list = append(list, e)
		}
	}
	return list, err
}

func (v *TreeView) tree(ctx context.Context, tree gitobj.OID) (*treeData, error) {
	if t, ok := v.trees[tree]; ok {
		return t, nil
	}
	data, err := v.object(ctx, tree, "tree")
	if err != nil {
		return nil, err
	}
	if v.held += len(data); v.held > maxTrees {
		v.trees, v.held = map[gitobj.OID]*treeData{}, len(data)
	}
	t := &treeData{raw: data}
	v.trees[tree] = t
	return t, nil
}

// next takes the first entry off a tree's data. One of another name than the
// wanted one, if that is given, comes empty.
func (v *TreeView) next(tree gitobj.OID, data []byte, want string) (e NamedEntry, rest []byte, err error) {
	head, rest, ok := bytes.Cut(data, []byte{0})
	mode, name, ok2 := bytes.Cut(head, []byte{' '})
	size := v.repo.Format.Size()
	if !ok || !ok2 || len(rest) < size {
		return e, nil, fmt.Errorf("tree %s is damaged", tree)
	}
	if want != "" && string(name) != want {
		return e, rest[size:], nil
	}
	e.Name = string(name)
	e.Mode, err = gitobj.ParseMode(string(mode))
	e.OID = gitobj.FromBytes(rest[:size])
	return e, rest[size:], err
}

// object reads an object, by git where it must.
func (v *TreeView) object(ctx context.Context, id gitobj.OID, want string) ([]byte, error) {
	typ, data, err := v.objs.read(id)
	if err != nil {
		typ, data, err = v.repo.Object(ctx, string(id), -1)
	}
	if err == nil && typ != want {
		err = fmt.Errorf("object %s is no %s", id, want)
	}
	return data, err
}
