package git

import (
	"bytes"
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// TreeDelta is a path that two commits have differently, or alike where that
// was asked for. A side that lacks the path has an empty OID.
type TreeDelta struct {
	Path     string
	From, To TreeEntry
}

// TreeDiff compares the files of two commits; "" is a commit without files.
type TreeDiff struct {
	From, To gitobj.OID
	Equal    bool // report what is equal, too
	// Enter says whether anything below a folder is of interest; nil: all is.
	Enter func(dir string) bool
}

// DiffTrees reports the differing files, links and gitlinks in the order of
// their paths. It reads only trees that differ, as far as possible without a
// process.
func (r *Repo) DiffTrees(ctx context.Context, diff TreeDiff, report func(TreeDelta) error) error {
	w := &treeWalk{TreeDiff: diff, from: r.View(diff.From), to: r.View(diff.To), report: report}
	a, err := w.from.rootTree(ctx)
	if err != nil {
		return err
	}
	b, err := w.to.rootTree(ctx)
	if err != nil {
		return err
	}
	return w.folder(ctx, "", a, b)
}

type treeWalk struct {
	TreeDiff
	from, to *TreeView
	report   func(TreeDelta) error
}

// rootTree is the tree of the commit, "" for none.
func (v *TreeView) rootTree(ctx context.Context) (gitobj.OID, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.commit == "" {
		return "", nil
	}
	if v.root == "" {
		if err := v.findRoot(ctx); err != nil {
			return "", err
		}
	}
	return v.root, nil
}

// namedEntry is one line of a tree.
type namedEntry struct {
	name string
	TreeEntry
}

// key orders entries as git does: a folder as if a slash ended its name.
func (e *namedEntry) key() string {
	if e.Mode == gitobj.ModeTree {
		return e.name + "/"
	}
	return e.name
}

// entries reads a tree; "" has none.
func (v *TreeView) entries(ctx context.Context, tree gitobj.OID) ([]namedEntry, error) {
	if tree == "" {
		return nil, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	data, err := v.object(ctx, tree, "tree")
	if err != nil {
		return nil, err
	}
	size := v.repo.Format.Size()
	var list []namedEntry
	for len(data) > 0 {
		head, rest, ok := bytes.Cut(data, []byte{0})
		mode, name, ok2 := bytes.Cut(head, []byte{' '})
		if !ok || !ok2 || len(rest) < size || len(name) == 0 {
			return nil, fmt.Errorf("tree %s is damaged", tree)
		}
		m, err := gitobj.TreeMode(string(mode))
		if err != nil {
			return nil, fmt.Errorf("tree %s: %w", tree, err)
		}
		list = append(list, namedEntry{string(name), TreeEntry{Mode: m, OID: gitobj.FromBytes(rest[:size])}})
		data = rest[size:]
	}
	return list, nil
}

// folder compares two trees, of which one may be missing.
func (w *treeWalk) folder(ctx context.Context, dir string, a, b gitobj.OID) error {
	if a == b && (!w.Equal || a == "") {
		return ctx.Err()
	}
	left, err := w.from.entries(ctx, a)
	if err != nil {
		return err
	}
	right, err := w.to.entries(ctx, b)
	if err != nil {
		return err
	}
	for len(left) > 0 || len(right) > 0 {
		var x, y namedEntry
		switch {
		case len(right) == 0 || len(left) > 0 && left[0].key() < right[0].key():
			x, left = left[0], left[1:]
		case len(left) == 0 || right[0].key() < left[0].key():
			y, right = right[0], right[1:]
		default:
			x, y, left, right = left[0], right[0], left[1:], right[1:]
		}
		if err := w.pair(ctx, dir, x, y); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWalk) pair(ctx context.Context, dir string, x, y namedEntry) error {
	name := x.name
	if name == "" {
		name = y.name
	}
	if dir != "" {
		name = dir + "/" + name
	}
	if x.Mode == gitobj.ModeTree || y.Mode == gitobj.ModeTree {
		if w.Enter != nil && !w.Enter(name) {
			return nil
		}
		return w.folder(ctx, name, x.OID, y.OID)
	}
	if x.TreeEntry == y.TreeEntry && !w.Equal {
		return nil
	}
	return w.report(TreeDelta{Path: name, From: x.TreeEntry, To: y.TreeEntry})
}

// BlobSizes returns the sizes of blobs, with one process.
func (r *Repo) BlobSizes(ctx context.Context, ids []gitobj.OID) (map[gitobj.OID]int64, error) {
	sizes := map[gitobj.OID]int64{}
	if len(ids) == 0 {
		return sizes, nil
	}
	var ask bytes.Buffer
	for _, id := range ids {
		fmt.Fprintln(&ask, id)
	}
	out, err := r.OutputWith(ctx, ask.Bytes(), "cat-file", "--batch-check=%(objectname) %(objectsize)")
	if err != nil {
		return nil, err
	}
	for _, line := range bytes.Split(out, []byte{'\n'}) {
		var id string
		var size int64
		if n, err := fmt.Sscan(string(line), &id, &size); n == 2 && err == nil {
			sizes[gitobj.OID(id)] = size
		}
	}
	return sizes, nil
}
