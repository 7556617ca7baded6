// Package fileid finds out which content files have, by annex key or git's id,
// without reading more than it must. It looks at the named paths only.
package fileid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Identifier finds out what a file's content is: an annex key, or the id that
// git gives or would give to it. It looks at the named paths only.
type Identifier struct {
	Top    string
	Format gitobj.Format
	// head is what files are compared with, so that the index, whose size is
	// the repository's, is read for folders and very large files only; nil:
	// they are compared with the index.
	Head *git.TreeView
	// index gives the index, or nil if it is unreadable: contents are hashed.
	Index func() *gitindex.File
	// Inner tells who identifies a file of a subdataset, and by which name; nil:
	// all files are the dataset's own.
	Inner func(ctx context.Context, p string) (*Identifier, string, error)
	Fresh map[string]TreeLeaf // what the index will hold soon

	mu    sync.Mutex
	Plain map[string]bool // the regular files among what was asked
	Known *Cache          // what was read before; nil: nothing
	// once, if not nil, holds the answers: all questions are about one moment.
	Once map[string]Identified
}

// Identified is an answer of Identifier.
type Identified struct {
	id    string
	state State
}

// State is how a file relates to what git has.
type State string

// States of files.
const (
	Clean     State = "clean"
	Modified  State = "modified"
	Untracked State = "untracked"
)

// Missing stands for an input that is not there.
const Missing = "missing"

// Identify returns the ids of paths, relative to the top or absolute. A folder
// has the id of the tree that git would make of its tracked files.
func (id *Identifier) Identify(ctx context.Context, paths []string) (map[string]string, error) {
	ids := make(map[string]string, len(paths))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8 * runtime.NumCPU())
	for _, p := range paths {
		g.Go(func() error {
			v, _, err := id.One(ctx, p)
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

// Abs is where a path relative to the top, or an absolute one, lies.
func (id *Identifier) Abs(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(id.Top, filepath.FromSlash(p))
}

// One returns the id of a path and how it relates to the index.
func (id *Identifier) One(ctx context.Context, p string) (string, State, error) {
	if id.Once == nil {
		return id.look(ctx, p)
	}
	id.mu.Lock()
	have, ok := id.Once[p]
	id.mu.Unlock()
	if ok {
		return have.id, have.state, nil
	}
	v, state, err := id.look(ctx, p)
	if err == nil {
		id.mu.Lock()
		id.Once[p] = Identified{v, state}
		id.mu.Unlock()
	}
	return v, state, err
}

func (id *Identifier) look(ctx context.Context, p string) (string, State, error) {
	fi, err := os.Lstat(id.Abs(p))
	if errors.Is(err, fs.ErrNotExist) {
		return Missing, Modified, nil
	}
	if err != nil {
		return "", "", err
	}
	if id.Inner != nil && !filepath.IsAbs(p) {
		inner, name, err := id.Inner(ctx, p)
		if err != nil {
			return "", "", err
		}
		if inner != nil {
			id.note(p, fi)
			return inner.look(ctx, name)
		}
	}
	if fi.IsDir() {
		v, err := id.folder(ctx, p)
		return v, Clean, err
	}
	id.note(p, fi)
	entry, known, err := id.entry(ctx, p, fi)
	if err != nil {
		return "", "", err
	}
	return id.File(ctx, p, fi, entry, known)
}

// HashLimit is the size in bytes up to which a file is rather hashed than
// looked up in the index.
const HashLimit = 32 << 20

// entry is what git has at the path. From head it comes without stat data.
func (id *Identifier) entry(ctx context.Context, p string, fi fs.FileInfo) (e gitindex.Entry, known bool, err error) {
	if filepath.IsAbs(p) {
		return e, false, nil
	}
	if id.Head != nil && (!fi.Mode().IsRegular() || fi.Size() <= HashLimit) {
		te, ok, err := id.Head.Lookup(ctx, p)
		return gitindex.Entry{Path: p, Mode: te.Mode, OID: te.OID}, ok, err
	}
	if index := id.Index(); index != nil {
		e, known = index.Lookup(p)
	}
	return e, known, nil
}

func (id *Identifier) note(p string, fi fs.FileInfo) {
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.Plain == nil {
		id.Plain = map[string]bool{}
	}
	id.Plain[p] = fi.Mode().IsRegular()
}

// File compares a file with its index entry; it is read only where that does
// not decide.
func (id *Identifier) File(ctx context.Context, p string, fi fs.FileInfo, e gitindex.Entry, known bool) (string, State, error) {
	state := Modified
	if !known {
		state = Untracked
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(id.Abs(p))
		if err != nil {
			return "", "", err
		}
		oid := id.Format.HashObject("blob", []byte(target))
		if known && e.OID == oid {
			state = Clean
		}
		if k, ok := pointer.ParseLink(target); ok {
			return k.String(), state, nil
		}
		return string(oid), state, nil
	}
	if known && e.Stat != (gitindex.Stat{}) && e.Stat.Same(gitindex.StatOf(fi), gitindex.Check{}) && !e.Stat.IsRacy(id.Index().MTime()) {
		return string(e.OID), Clean, nil
	}
	oid, err := id.Hash(ctx, id.Abs(p))
	if err == nil && known && oid == e.OID {
		state = Clean
	}
	return string(oid), state, err
}

// Hash computes the id of a file's content as a blob.
func (id *Identifier) Hash(ctx context.Context, p string) (gitobj.OID, error) {
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
	if oid := id.Known.get(p, fi); oid != "" {
		return oid, nil
	}
	h := id.Format.New()
	fmt.Fprintf(h, "blob %d\x00", fi.Size())
	oid, err := sum(ctx, h, io.LimitReader(f, fi.Size()), fi.Size())
	if err == nil {
		id.Known.put(p, fi, oid)
	}
	return oid, err
}
