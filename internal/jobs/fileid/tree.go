package fileid

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// treeNode is a folder on the way to its tree id.
type treeNode struct {
	files map[string]TreeLeaf
	dirs  map[string]*treeNode
}

// TreeLeaf is a file in the tree of a folder.
type TreeLeaf struct {
	Mode gitobj.Mode
	ID   gitobj.OID
}

// folder computes "tree <id>" from the tracked files as they are now. Annexed
// files count with the link or pointer that the index has.
func (id *Identifier) folder(ctx context.Context, p string) (string, error) {
	index := id.Index()
	if index == nil || filepath.IsAbs(p) {
		return "folder", nil
	}
	root := &treeNode{}
	prefix := p + "/"
	if p == "." {
		p, prefix = "", ""
	}
	for e := range index.Under(p) {
		oid := e.OID
		if fi, err := os.Lstat(id.Abs(e.Path)); err != nil {
			continue
		} else if fi.Mode().IsRegular() {
			v, _, err := id.File(ctx, e.Path, fi, e, true)
			if err != nil {
				return "", err
			}
			oid = gitobj.OID(v)
		} else if fi.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(id.Abs(e.Path))
			if err != nil {
				return "", err
			}
			oid = id.Format.HashObject("blob", []byte(target))
		}
		root.add(strings.Split(strings.TrimPrefix(e.Path, prefix), "/"), TreeLeaf{e.Mode, oid})
	}
	for file, leaf := range id.Fresh {
		if p == "" || strings.HasPrefix(file, prefix) {
			root.add(strings.Split(strings.TrimPrefix(file, prefix), "/"), leaf)
		}
	}
	return "tree " + string(root.id(id.Format)), nil
}

func (t *treeNode) add(parts []string, leaf TreeLeaf) {
	if len(parts) == 1 {
		if t.files == nil {
			t.files = map[string]TreeLeaf{}
		}
		t.files[parts[0]] = leaf
		return
	}
	if t.dirs == nil {
		t.dirs = map[string]*treeNode{}
	}
	next := t.dirs[parts[0]]
	if next == nil {
		next = &treeNode{}
		t.dirs[parts[0]] = next
	}
	next.add(parts[1:], leaf)
}

// id is the tree's object id; git sorts folders as if their names ended in "/".
func (t *treeNode) id(f gitobj.Format) gitobj.OID {
	all := map[string]TreeLeaf{}
	for name, leaf := range t.files {
		all[name] = leaf
	}
	for name, dir := range t.dirs {
		all[name+"/"] = TreeLeaf{gitobj.ModeTree, dir.id(f)}
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	var data []byte
	for _, name := range names {
		leaf := all[name]
		data = fmt.Appendf(data, "%o %s\x00", uint32(leaf.Mode), strings.TrimSuffix(name, "/"))
		data = append(data, leaf.ID.Bytes()...)
	}
	return f.HashObject("tree", data)
}
