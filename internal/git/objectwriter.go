package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// ObjectWriter makes objects. They are gathered in a pack, which others see, and
// which is durable, when Close returns nil; no ref is moved. A small pack is one
// file to make durable, where each loose object would be one. See commit's
// maintenance for packs that pile up.
// An ObjectWriter is not safe for concurrent use.
type ObjectWriter struct {
	repo    *Repo
	ctx     context.Context // for what only git can answer
	objs    *objects        // what there is already
	pack    *newPack        // nil until something is written
	trees   trees
	needs   reliance
	early   []string                  // packs of this session that are finished already
	commits map[gitobj.OID]gitobj.OID // the trees of commits of this session
	begun   *CommitSpec
	empty   gitobj.OID // the tree without entries
	root    *treeEdit  // of the begun commit
	edits   int        // how many names root and what is below it hold
	err     error      // of Put and its kin, which End returns
}

// Limits of what a writer keeps in memory.
const (
	manyObjects = 1 << 18 // in one pack
	manyEdits   = 1 << 16 // of the begun commit
)

// Levels of compression, of zlib: trees are mostly ids, which do not get smaller.
const (
	treeLevel = 1
	textLevel = 6
)

// WriteObjects begins to make objects. ctx ends the use of the writer. The caller
// ends it with Close or Abort.
func (r *Repo) WriteObjects(ctx context.Context) *ObjectWriter {
	w := &ObjectWriter{
		repo: r, ctx: ctx, objs: r.objects(), needs: reliance{dir: r.packDir()},
		empty: r.Format.EmptyTree(), commits: map[gitobj.OID]gitobj.OID{},
	}
	w.trees = trees{hash: r.Format.Size(), object: func(ctx context.Context, id gitobj.OID) ([]byte, error) {
		read := func() ([]byte, error) { return w.object(ctx, id, "tree") }
		if _, own := w.number(id); own {
			return read()
		}
		return r.lately.read(id, read)
	}}
	return w
}

// object reads an object of this session or an older one, by git where it must.
func (w *ObjectWriter) object(ctx context.Context, id gitobj.OID, want string) (data []byte, err error) {
	var typ string
	if n, ok := w.number(id); ok {
		typ, data, err = w.pack.object(n)
	} else if typ, data, err = w.objs.read(id); err != nil {
		typ, data, err = w.repo.Object(ctx, string(id), -1)
	}
	switch {
	case err != nil:
		return nil, err
	case typ == "":
		return nil, fmt.Errorf("object %s is missing", id)
	case typ != want:
		return nil, fmt.Errorf("object %s is no %s", id, want)
	}
	return data, nil
}

// number finds an object among those that are being written.
func (w *ObjectWriter) number(id gitobj.OID) (n int, ok bool) {
	if w.pack == nil || id == "" {
		return 0, false
	}
	return w.pack.number(id.Bytes())
}

// have reports whether an object need not be written.
func (w *ObjectWriter) have(raw []byte) bool {
	if w.pack != nil {
		if _, ok := w.pack.number(raw); ok {
			return true
		}
	}
	p := w.objs.holds(raw)
	return p != nil && w.needs.relyOn(p, gitobj.FromBytes(raw))
}

// exists reports whether an object is there.
func (w *ObjectWriter) exists(id gitobj.OID) (bool, error) {
	raw := id.Bytes()
	if len(raw) != w.repo.Format.Size() {
		return false, nil
	}
	if w.have(raw) {
		return true, nil
	}
	if _, err := os.Lstat(filepath.Join(w.objs.dir, string(id[:2]), string(id[2:]))); err == nil {
		return true, nil
	}
	typ, _, err := w.repo.Object(w.ctx, string(id), 0)
	return typ != "", err
}

// target returns the pack to write to, a new one after a great many objects: what
// is known of each takes memory.
func (w *ObjectWriter) target() (*newPack, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	if w.pack != nil && len(w.pack.ids) >= manyObjects {
		name, err := w.finishPack()
		if err != nil {
			return nil, err
		}
		w.early = append(w.early, name)
	}
	if w.pack == nil {
		if err := w.repo.MakeShared(w.repo.packDir()); err != nil {
			return nil, err
		}
		w.pack = startPack(w.repo.Format, w.repo.packDir())
	}
	return w.pack, nil
}

func (w *ObjectWriter) finishPack() (name string, err error) {
	if name, err = w.pack.finish(packWriter{w.repo.Format.New, w.repo.shareFile}); err != nil {
		w.pack.abort()
	}
	w.pack = nil
	w.repo.packs.changed()
	return name, w.told(err)
}

// told says which repository an error is about.
func (w *ObjectWriter) told(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write objects of %s: %w", w.repo.CommonDir, err)
}

// write stores an object, unless it is there.
func (w *ObjectWriter) write(kind byte, data []byte, level int) (gitobj.OID, error) {
	raw := w.repo.Format.Sum(packTypes[kind], data)
	if w.have(raw) {
		return gitobj.FromBytes(raw), nil
	}
	pack, err := w.target()
	if err == nil {
		pack.add(raw, kind, data, level)
	}
	return gitobj.FromBytes(raw), w.told(err)
}

// WriteBlob stores data, which is not to be changed afterwards, as a blob.
func (w *ObjectWriter) WriteBlob(data []byte) (gitobj.OID, error) {
	return w.write(blobKind, data, textLevel)
}

// WriteBlobFrom stores exactly size bytes of src as a blob. It is an error if there
// are fewer.
func (w *ObjectWriter) WriteBlobFrom(src io.Reader, size int64) (gitobj.OID, error) {
	pack, err := w.target()
	if err != nil {
		return "", w.told(err)
	}
	id, err := pack.addFrom(src, size, textLevel, w.have)
	return id, w.told(err)
}

// Blob returns the content of a blob.
func (w *ObjectWriter) Blob(id gitobj.OID) ([]byte, error) { return w.object(w.ctx, id, "blob") }

// Entry returns what path is in the tree of a commit, also one of this session;
// ok is false for a missing path. An empty path is the root tree.
func (w *ObjectWriter) Entry(commit gitobj.OID, path string) (e TreeEntry, ok bool, err error) {
	root, err := w.treeOf(commit)
	if err != nil || path == "" {
		return TreeEntry{Mode: gitobj.ModeTree, OID: root}, err == nil, err
	}
	return w.lookup(&treeEdit{base: root}, path)
}

// treeOf returns the root tree of a commit.
func (w *ObjectWriter) treeOf(commit gitobj.OID) (gitobj.OID, error) {
	if tree, ok := w.commits[commit]; ok {
		return tree, nil
	}
	text, err := w.object(w.ctx, commit, "commit")
	if err != nil {
		return "", err
	}
	return w.repo.treeOf(text)
}

// Made reports whether the commit is of this session: others cannot read it
// before the end.
func (w *ObjectWriter) Made(commit gitobj.OID) bool { return w.commits[commit] != "" }

// Close makes everything durable.
func (w *ObjectWriter) Close() error {
	if err := errors.Join(w.ctx.Err(), w.err); err != nil {
		w.Abort()
		return err
	}
	if w.pack == nil || len(w.pack.ids) == 0 {
		w.Abort()
	} else if _, err := w.finishPack(); err != nil {
		return err
	}
	return w.told(w.check())
}

// check makes sure that nothing has gone that the new commits need.
func (w *ObjectWriter) check() error {
	for _, name := range w.early {
		if _, err := os.Lstat(filepath.Join(w.repo.packDir(), name+".pack")); err != nil {
			return fmt.Errorf("a new pack has gone meanwhile, probably by git gc: repeat the command (%w)", err)
		}
	}
	w.repo.packs.changed()
	return w.needs.check(w.exists)
}

// Abort gives up what was written. It may be called after Close or twice.
func (w *ObjectWriter) Abort() {
	if w.pack != nil {
		w.pack.abort()
		w.pack = nil
	}
}
