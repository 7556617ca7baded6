package directory

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Tree is a folder that holds exported trees. Files in it are known by path and
// size.
type Tree struct {
	*Remote
	shared bool   // others write there, too (importtree)
	inodes bool   // identifiers have inodes
	temp   string // what the names of our unfinished files begin with
}

// ownTree is a Tree in which only exports write, so that a file can be moved
// without a look at what it holds.
type ownTree struct{ *Tree }

// OpenTree opens the folder of a remote that holds trees.
func OpenTree(s remote.Setup) (remote.Exporter, error) {
	r, err := Open(s)
	if err != nil {
		return nil, err
	}
	t := newTree(r, s)
	t.inodes = !s.Yes("ignoreinodes")
	if t.shared = s.Yes("importtree"); t.shared {
		return &SharedTree{t}, nil
	}
	return ownTree{t}, nil
}

// LooseTree is the tree of a remote of another type that keeps it in the folder
// dir, an absolute path.
func LooseTree(s remote.Setup, dir, kind string) remote.Exporter {
	return ownTree{newTree(Loose(s, dir, kind), s)}
}

func newTree(r *Remote, s remote.Setup) *Tree {
	owner := s.Settings.Get("annex.uuid")
	return &Tree{Remote: r, temp: fsx.TempPrefix + "export-" + owner[:min(8, len(owner))] + "-"}
}

// path is the file's place in the file system. Nothing on the way is a link.
func (t *Tree) path(rel string) (string, error) {
	if err := remote.CheckTreePath(rel); err != nil {
		return "", err
	}
	if err := fsx.Beneath(t.dir, rel); err != nil {
		return "", err
	}
	return filepath.Join(t.dir, filepath.FromSlash(rel)), nil
}

// look is Lstat of a file of the tree; nil where there is none.
func (t *Tree) look(rel string) (string, fs.FileInfo, error) {
	p, err := t.path(rel)
	if err != nil {
		return "", nil, err
	}
	fi, err := os.Lstat(p)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return p, nil, t.attached()
	}
	if err == nil && fi.IsDir() {
		return p, nil, nil
	}
	return p, fi, err
}

// has compares what is there with what should be.
func (t *Tree) has(fi fs.FileInfo, f remote.TreeFile) bool {
	switch {
	case fi == nil || !fi.Mode().IsRegular():
		return false
	case t.shared:
		return t.knows(fi, f.IDs)
	}
	return f.Key.Size < 0 || f.Key.Size == fi.Size()
}

// HasFiles implements remote.Exporter.
func (t *Tree) HasFiles(ctx context.Context, files []remote.TreeFile) ([]bool, error) {
	there := make([]bool, len(files))
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, fi, err := t.look(f.Path)
		if err != nil {
			return nil, err
		}
		there[i] = t.has(fi, f)
	}
	return there, nil
}

// few is how many files are written at once.
const few = 4

// PutFiles implements remote.Exporter.
func (t *Tree) PutFiles(ctx context.Context, files []remote.TreeContent, done func(i int, id string, err error)) error {
	if err := t.attached(); err != nil {
		return err
	}
	var mu sync.Mutex
	slots := make(chan struct{}, few)
	var all sync.WaitGroup
	for i, f := range files {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			id, err := t.put(ctx, f)
			mu.Lock()
			defer mu.Unlock()
			if ctx.Err() == nil || err == nil {
				done(i, id, err)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// put writes beside the place and then takes it.
func (t *Tree) put(ctx context.Context, f remote.TreeContent) (id string, err error) {
	dst, fi, err := t.look(f.File.Path)
	if err != nil {
		return "", err
	}
	if t.shared && fi != nil && !t.knows(fi, f.File.IDs) {
		return "", &remote.UnknownContentError{Path: f.File.Path}
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o777); err != nil {
		return "", err
	}
	tmp := filepath.Join(filepath.Dir(dst), t.tempName(f.File.Path))
	os.Remove(tmp) // of an export that was killed
	defer os.Remove(tmp)
	perm := fs.FileMode(0o666)
	if !f.Plain && !t.shared {
		perm = 0o444
	}
	if err := write(ctx, tmp, f, perm); err != nil {
		return "", err
	}
	if err := t.take(tmp, dst, fi, f); err != nil {
		return "", err
	}
	f.From.Report(f.From.Size)
	now, err := os.Lstat(dst)
	if err != nil || !t.shared {
		return "", err
	}
	return t.id(now), fsx.SyncDir(filepath.Dir(dst))
}

// write fills a new file durably. git's own files get the time of the export.
func write(ctx context.Context, tmp string, f remote.TreeContent, perm fs.FileMode) (err error) {
	in, err := os.Open(f.From.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	if fi.Size() != f.From.Size {
		return fsx.ErrChanged
	}
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	n, err := fsx.Fill(ctx, out, in, fi.Size(), nil)
	if err == nil && n != f.From.Size {
		err = fsx.ErrChanged
	}
	if err == nil && !f.Plain {
		err = os.Chtimes(tmp, fi.ModTime(), fi.ModTime())
	}
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// take gives the finished file its name. Where others write, too, nothing may
// have come there meanwhile.
func (t *Tree) take(tmp, dst string, was fs.FileInfo, f remote.TreeContent) error {
	if !t.shared {
		return errors.Join(os.Rename(tmp, dst), fsx.SyncDir(filepath.Dir(dst)))
	}
	if was == nil {
		err := fsx.RenameNew(tmp, dst) // in one step: a killed export leaves no second name
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			err = os.Link(tmp, dst)
		}
		if errors.Is(err, fs.ErrExist) {
			return &remote.UnknownContentError{Path: f.File.Path}
		}
		if err == nil {
			return os.Remove(tmp)
		}
		// A file system without hard links.
	}
	if now, err := os.Lstat(dst); err == nil && !t.knows(now, f.File.IDs) {
		return &remote.UnknownContentError{Path: f.File.Path}
	}
	return os.Rename(tmp, dst)
}

// tempName is the same each time, so that an export that is repeated replaces
// what one that was killed has left.
func (t *Tree) tempName(rel string) string {
	h := fnv.New64a()
	h.Write([]byte(rel))
	return fmt.Sprintf("%s%016x", t.temp, h.Sum64())
}

// FetchFile implements remote.Exporter.
func (t *Tree) FetchFile(ctx context.Context, f remote.TreeFile, dst string, h hash.Hash) error {
	src, fi, err := t.look(f.Path)
	if err != nil {
		return err
	}
	if !t.has(fi, f) {
		return remote.ErrAbsent
	}
	if err := fits(ctx, f.Key, src); err != nil {
		return err
	}
	return t.copyUnchanged(ctx, src, t.id(fi), dst, h)
}

// copyUnchanged copies a file that others may write to.
func (t *Tree) copyUnchanged(ctx context.Context, src, id, dst string, h hash.Hash) error {
	if _, err := fsx.Copy(ctx, dst, src, fsx.CopyOptions{KeepTime: true, Hash: h}); err != nil {
		return err
	}
	if now, err := os.Lstat(src); err != nil || t.id(now) != id {
		os.Remove(dst)
		return remote.ErrChanged
	}
	return nil
}

// DeleteFiles implements remote.Exporter.
func (t *Tree) DeleteFiles(ctx context.Context, files []remote.TreeFile, done func(i int, err error)) error {
	if err := t.attached(); err != nil {
		return err
	}
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		done(i, t.delete(f))
	}
	return nil
}

func (t *Tree) delete(f remote.TreeFile) error {
	p, fi, err := t.look(f.Path)
	if err != nil || fi == nil {
		return err
	}
	if t.shared && !t.knows(fi, f.IDs) {
		return &remote.UnknownContentError{Path: f.Path}
	}
	if err := os.Remove(p); err != nil {
		return err
	}
	os.Remove(filepath.Join(filepath.Dir(p), t.tempName(f.Path)))
	t.prune(path.Dir(f.Path))
	return fsx.SyncDir(t.dir)
}

// prune removes folders that are empty.
func (t *Tree) prune(rel string) {
	for ; rel != "."; rel = path.Dir(rel) {
		if os.Remove(filepath.Join(t.dir, filepath.FromSlash(rel))) != nil {
			return
		}
	}
}

// RenameFile implements remote.Renamer.
func (t ownTree) RenameFile(ctx context.Context, f remote.TreeFile, to string) error {
	src, fi, err := t.look(f.Path)
	if err != nil {
		return err
	}
	if fi == nil {
		return remote.ErrAbsent
	}
	dst, there, err := t.look(to)
	if err != nil {
		return err
	}
	if there != nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o777); err != nil {
		return err
	}
	if err := os.Rename(src, dst); err != nil {
		return err
	}
	t.prune(path.Dir(f.Path))
	return errors.Join(fsx.SyncDir(filepath.Dir(dst)), fsx.SyncDir(t.dir))
}
