package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// identifier finds out what a file's content is: an annex key, or the id that
// git gives or would give to it. It looks at the named paths only.
type identifier struct {
	top    string
	format gitobj.Format
	// head is what files are compared with, so that the index, whose size is
	// the repository's, is read for folders and very large files only; nil:
	// they are compared with the index.
	head *git.TreeView
	// index gives the index, or nil if it is unreadable: contents are hashed.
	index func() *gitindex.File
	fresh map[string]treeLeaf // what the index will hold soon

	mu    sync.Mutex
	plain map[string]bool // the regular files among what was asked
	known *identities     // what was read before; nil: nothing
	// once, if not nil, holds the answers: all questions are about one moment.
	once map[string]identified
}

type identified struct {
	id    string
	state fileState
}

// fileState is how a file relates to what git has.
type fileState string

const (
	stateClean     fileState = "clean"
	stateModified  fileState = "modified"
	stateUntracked fileState = "untracked"
)

// missingID stands for an input that is not there.
const missingID = "missing"

// identify returns the ids of paths, relative to the top or absolute. A folder
// has the id of the tree that git would make of its tracked files.
func (id *identifier) identify(ctx context.Context, paths []string) (map[string]string, error) {
	ids := make(map[string]string, len(paths))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8 * runtime.NumCPU())
	for _, p := range paths {
		g.Go(func() error {
			v, _, err := id.one(ctx, p)
			if err != nil {
				return fmt.Errorf("identify input %s: %w", p, err)
			}
			id.mu.Lock()
			defer id.mu.Unlock()
			ids[p] = v
			return nil
		})
	}
	return ids, g.Wait()
}

func (id *identifier) abs(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(id.top, filepath.FromSlash(p))
}

// one returns the id of a path and how it relates to the index.
func (id *identifier) one(ctx context.Context, p string) (string, fileState, error) {
	if id.once == nil {
		return id.look(ctx, p)
	}
	id.mu.Lock()
	have, ok := id.once[p]
	id.mu.Unlock()
	if ok {
		return have.id, have.state, nil
	}
	v, state, err := id.look(ctx, p)
	if err == nil {
		id.mu.Lock()
		id.once[p] = identified{v, state}
		id.mu.Unlock()
	}
	return v, state, err
}

func (id *identifier) look(ctx context.Context, p string) (string, fileState, error) {
	fi, err := os.Lstat(id.abs(p))
	if errors.Is(err, fs.ErrNotExist) {
		return missingID, stateModified, nil
	}
	if err != nil {
		return "", "", err
	}
	if fi.IsDir() {
		v, err := id.folder(ctx, p)
		return v, stateClean, err
	}
	id.note(p, fi)
	entry, known, err := id.entry(ctx, p, fi)
	if err != nil {
		return "", "", err
	}
	return id.file(ctx, p, fi, entry, known)
}

// hashLimit is the size in bytes up to which a file is rather hashed than
// looked up in the index.
const hashLimit = 32 << 20

// entry is what git has at the path. From head it comes without stat data.
func (id *identifier) entry(ctx context.Context, p string, fi fs.FileInfo) (e gitindex.Entry, known bool, err error) {
	if filepath.IsAbs(p) {
		return e, false, nil
	}
	if id.head != nil && (!fi.Mode().IsRegular() || fi.Size() <= hashLimit) {
		te, ok, err := id.head.Lookup(ctx, p)
		return gitindex.Entry{Path: p, Mode: te.Mode, OID: te.OID}, ok, err
	}
	if index := id.index(); index != nil {
		e, known = index.Lookup(p)
	}
	return e, known, nil
}

func (id *identifier) note(p string, fi fs.FileInfo) {
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.plain == nil {
		id.plain = map[string]bool{}
	}
	id.plain[p] = fi.Mode().IsRegular()
}

// file compares a file with its index entry; it is read only where that does
// not decide.
func (id *identifier) file(ctx context.Context, p string, fi fs.FileInfo, e gitindex.Entry, known bool) (string, fileState, error) {
	state := stateModified
	if !known {
		state = stateUntracked
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(id.abs(p))
		if err != nil {
			return "", "", err
		}
		oid := id.format.HashObject("blob", []byte(target))
		if known && e.OID == oid {
			state = stateClean
		}
		if k, ok := pointer.ParseLink(target); ok {
			return k.String(), state, nil
		}
		return string(oid), state, nil
	}
	if known && e.Stat != (gitindex.Stat{}) && e.Stat.Same(gitindex.StatOf(fi), gitindex.Check{}) && !e.Stat.IsRacy(id.index().MTime()) {
		return string(e.OID), stateClean, nil
	}
	oid, err := id.hash(ctx, id.abs(p))
	if err == nil && known && oid == e.OID {
		state = stateClean
	}
	return string(oid), state, err
}

// hash computes the id of a file's content as a blob.
func (id *identifier) hash(ctx context.Context, p string) (gitobj.OID, error) {
	f, err := os.Open(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !fi.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", p)
	}
	if oid := id.known.get(p, fi); oid != "" {
		return oid, nil
	}
	h := id.format.New()
	fmt.Fprintf(h, "blob %d\x00", fi.Size())
	oid, err := sum(ctx, h, io.LimitReader(f, fi.Size()), fi.Size())
	if err == nil {
		id.known.put(p, fi, oid)
	}
	return oid, err
}

// treeNode is a folder on the way to its tree id.
type treeNode struct {
	files map[string]treeLeaf
	dirs  map[string]*treeNode
}

type treeLeaf struct {
	mode gitobj.Mode
	id   gitobj.OID
}

// folder computes "tree <id>" from the tracked files as they are now. Annexed
// files count with the link or pointer that the index has.
func (id *identifier) folder(ctx context.Context, p string) (string, error) {
	index := id.index()
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
		if fi, err := os.Lstat(id.abs(e.Path)); err != nil {
			continue
		} else if fi.Mode().IsRegular() {
			v, _, err := id.file(ctx, e.Path, fi, e, true)
			if err != nil {
				return "", err
			}
			oid = gitobj.OID(v)
		} else if fi.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(id.abs(e.Path))
			if err != nil {
				return "", err
			}
			oid = id.format.HashObject("blob", []byte(target))
		}
		root.add(strings.Split(strings.TrimPrefix(e.Path, prefix), "/"), treeLeaf{e.Mode, oid})
	}
	for file, leaf := range id.fresh {
		if p == "" || strings.HasPrefix(file, prefix) {
			root.add(strings.Split(strings.TrimPrefix(file, prefix), "/"), leaf)
		}
	}
	return "tree " + string(root.id(id.format)), nil
}

func (t *treeNode) add(parts []string, leaf treeLeaf) {
	if len(parts) == 1 {
		if t.files == nil {
			t.files = map[string]treeLeaf{}
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
	all := map[string]treeLeaf{}
	for name, leaf := range t.files {
		all[name] = leaf
	}
	for name, dir := range t.dirs {
		all[name+"/"] = treeLeaf{gitobj.ModeTree, dir.id(f)}
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	var data []byte
	for _, name := range names {
		leaf := all[name]
		data = fmt.Appendf(data, "%o %s\x00", uint32(leaf.mode), strings.TrimSuffix(name, "/"))
		data = append(data, leaf.id.Bytes()...)
	}
	return f.HashObject("tree", data)
}
