package jobs

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// identifier finds out what a file's content is: an annex key, or the id that
// git gives or would give to it. It reads the index and looks at the named
// paths only.
type identifier struct {
	top    string
	format gitobj.Format
	index  *gitindex.File // nil: unreadable, contents are hashed

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

// fileState is how a file relates to the index.
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
	var entry gitindex.Entry
	known := false
	if id.index != nil && !filepath.IsAbs(p) {
		entry, known = id.index.Lookup(p)
	}
	return id.file(ctx, p, fi, entry, known)
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
	if known && e.Stat.Same(gitindex.StatOf(fi), gitindex.Check{}) && !e.Stat.IsRacy(id.index.MTime()) {
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

// identities remembers ids of files that many jobs of one sweep read, so that
// each is hashed once. A nil one remembers nothing.
type identities struct {
	mu  sync.Mutex
	ids map[string]identity
}

type identity struct {
	stat gitindex.Stat
	oid  gitobj.OID
}

// maxIdentities bounds the memory of a sweep in which each job has inputs of
// its own.
const maxIdentities = 10_000

// settledAfter is the age from which a file's times tell that it changed.
const settledAfter = 2 * time.Second

func (k *identities) get(p string, fi fs.FileInfo) gitobj.OID {
	if k == nil {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if have := k.ids[p]; have.stat == gitindex.StatOf(fi) {
		return have.oid
	}
	return ""
}

func (k *identities) put(p string, fi fs.FileInfo, oid gitobj.OID) {
	if k == nil || time.Since(fi.ModTime()) < settledAfter {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ids == nil || len(k.ids) >= maxIdentities {
		k.ids = map[string]identity{}
	}
	k.ids[p] = identity{gitindex.StatOf(fi), oid}
}

// sum reads size bytes, or to the end.
func sum(ctx context.Context, h hash.Hash, r io.Reader, size int64) (gitobj.OID, error) {
	buf := make([]byte, min(size+1, 1<<20))
	for {
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return gitobj.FromBytes(h.Sum(nil)), nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return "", err
		}
	}
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
	if id.index == nil || filepath.IsAbs(p) {
		return "folder", nil
	}
	root := &treeNode{}
	prefix := p + "/"
	if p == "." {
		p, prefix = "", ""
	}
	for e := range id.index.Under(p) {
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
