package git

import (
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
	trees trees
	root  gitobj.OID
	blobs map[gitobj.OID][]byte // small ones
	small int                   // bytes of them
}

// Limits of what a view keeps.
const (
	maxSmall = 4 << 10 // bytes of a blob that is kept
	maxBlobs = 8 << 20 // bytes
)

// View returns a view of a commit; "" is a commit without files.
func (r *Repo) View(commit gitobj.OID) *TreeView {
	v := &TreeView{repo: r, commit: commit, objs: r.objects()}
	v.trees = trees{hash: r.Format.Size(), object: func(ctx context.Context, id gitobj.OID) ([]byte, error) {
		return r.lately.read(id, func() ([]byte, error) { return v.object(ctx, id, "tree") })
	}}
	return v
}

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
		next, found, err := v.trees.child(ctx, e.OID, name)
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

// Entries lists a tree of the commit in git's order.
func (v *TreeView) Entries(ctx context.Context, tree gitobj.OID) (list []NamedEntry, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.trees.entries(ctx, tree)
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
