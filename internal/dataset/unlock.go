package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

// UnlockOptions says which files become writable.
type UnlockOptions struct {
	Paths  []string // as typed; none: the whole dataset
	Levels int      // of subdatasets that take part
}

// lockedFile is a link to content that is here.
type lockedFile struct {
	entry gitindex.Entry
	key   annexkey.Key
	copy  fs.FileInfo // what a killed unlock has put in its place already; else nil
}

// Unlock replaces the links to annexed content by writable copies and stages
// pointers for them; nothing is committed. Paths may lie in subdatasets, which
// come first.
func (d *Dataset) Unlock(ctx context.Context, opt UnlockOptions, sink result.Sink) error {
	ps := parts{}
	own := UnlockOptions{}
	for _, typed := range opt.Paths {
		rel, err := d.Rel(typed)
		ds := "."
		if err == nil {
			ds = d.datasetOf(rel)
			ps.add(ds, rel)
		}
		if ds == "." {
			own.Paths = append(own.Paths, typed)
		}
	}
	if len(opt.Paths) == 0 {
		ps.at(".").whole = true
	}
	if err := d.descend(ctx, ps, opt.Levels); err != nil {
		return err
	}
	list := ps.sorted()
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].rel == "." {
			continue
		}
		if err := d.unlockBelow(ctx, list[i], sink); err != nil {
			return err
		}
	}
	if ps["."] == nil && len(own.Paths) == 0 {
		return nil
	}
	return d.unlockOwn(ctx, own, sink)
}

func (d *Dataset) unlockBelow(ctx context.Context, p *part, sink result.Sink) error {
	sub, done, err := d.at(ctx, p.rel)
	if err != nil {
		return err
	}
	defer done()
	var opt UnlockOptions
	for _, rel := range p.scopePaths() {
		opt.Paths = append(opt.Paths, sub.Repo.Path(rel))
	}
	return sub.unlockOwn(ctx, opt, within(d.Path(), sink))
}

// unlockOwn unlocks files of this dataset.
func (d *Dataset) unlockOwn(ctx context.Context, opt UnlockOptions, sink result.Sink) error {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return err
	}
	paths := opt.Paths
	if len(paths) == 0 {
		paths = []string{d.Path()}
	}
	u := &unlocking{d: d, index: index, seen: map[string]bool{}, temps: tempFiles{d: d}}
	for _, typed := range paths {
		if err := u.named(ctx, typed); err != nil {
			return err
		}
	}
	if err := emitAll(sink, u.records); err != nil {
		return err
	}
	return u.run(ctx, sink)
}

type unlocking struct {
	d       *Dataset
	index   *gitindex.File
	seen    map[string]bool
	records []result.Record // about paths that cannot be unlocked
	files   []lockedFile
	edits   []indexEdit
	temps   tempFiles
}

func (u *unlocking) refuse(typed string, s result.Status, msg string) {
	r := result.New("unlock", s, u.d.Abs(typed), result.File).Ref(u.d.Path()).Msg(msg)
	u.records = append(u.records, r)
}

// named collects what is at a path that the user gave.
func (u *unlocking) named(ctx context.Context, typed string) error {
	rel, err := u.d.Rel(typed)
	if err != nil {
		u.refuse(typed, result.Error, err.Error())
		return nil
	}
	fi, err := os.Lstat(u.d.Repo.Path(rel))
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		u.refuse(typed, result.Impossible, "path does not exist")
		return nil
	case err != nil:
		return err
	case fi.IsDir():
		dir := rel
		if dir == "." {
			dir = ""
		}
		for e := range u.index.Under(dir) {
			if _, err := u.add(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
	e, tracked := u.index.Lookup(rel)
	if !tracked {
		u.refuse(typed, result.Impossible, "untracked; cannot unlock")
		return nil
	}
	if taken, err := u.add(ctx, e); err != nil || taken {
		return err
	}
	key, annexed, err := u.d.KeyOf(ctx, rel, e.Mode, e.OID)
	switch present := annexed && u.d.Annex != nil && u.d.Annex.Has(key); {
	case err != nil:
		return err
	case annexed && fi.Mode()&fs.ModeSymlink != 0 && !present:
		u.refuse(typed, result.Impossible, "no content present; cannot unlock")
	case !present:
		u.refuse(typed, result.NotNeeded, "non-annex file; cannot unlock")
	}
	return nil // else it is unlocked already
}

// add takes a tracked file if it is a link to content that is here.
func (u *unlocking) add(ctx context.Context, e gitindex.Entry) (taken bool, err error) {
	if u.d.Annex == nil || e.Stage != 0 || e.Mode != gitobj.ModeSymlink || fsx.Beneath(u.d.Path(), e.Path) != nil {
		return false, nil
	}
	f := lockedFile{entry: e}
	var ok bool
	if f.key, ok = u.d.LinkKey(e); !ok {
		if f.key, f.copy, err = u.leftCopy(ctx, e); err != nil || f.copy == nil {
			return false, err
		}
	}
	if !u.d.Annex.Has(f.key) {
		return false, nil
	}
	if !u.seen[e.Path] {
		u.seen[e.Path] = true
		u.files = append(u.files, f)
	}
	return true, nil
}

// leftCopy returns the key that the index links to, and the state of the file with
// its content that lies where the link was: an unlock that was killed has put it
// there. That is nil for any other file.
func (u *unlocking) leftCopy(ctx context.Context, e gitindex.Entry) (annexkey.Key, fs.FileInfo, error) {
	path := u.d.Repo.Path(e.Path)
	fi, err := os.Lstat(path)
	if err != nil || !fi.Mode().IsRegular() {
		return annexkey.Key{}, nil, ignoreAbsent(err)
	}
	k, annexed, err := u.d.BlobKey(ctx, e.Mode, e.OID)
	if err != nil || !annexed || k.Size >= 0 && k.Size != fi.Size() {
		return k, nil, err
	}
	if same, err := u.d.SameContent(ctx, path, k); err != nil || !same {
		return k, nil, err
	}
	return k, fi, nil
}

// run makes the copies, stores the pointers, and stages them.
func (u *unlocking) run(ctx context.Context, sink result.Sink) error {
	if len(u.files) == 0 {
		return nil
	}
	ids, err := u.storePointers(ctx)
	if err != nil {
		return err
	}
	defer u.temps.close()
	var records []result.Record
	for i, f := range u.files {
		if ctx.Err() != nil {
			break
		}
		r, err := u.one(ctx, f, ids[i])
		if errs.Fatal(err) {
			return errors.Join(err, u.d.updateIndex(context.WithoutCancel(ctx), u.edits))
		}
		if err != nil {
			r = r.As(result.Error).Msg(err.Error())
		}
		records = append(records, r)
	}
	// Copies that were made are staged even after an interrupt.
	if err := u.d.updateIndex(context.WithoutCancel(ctx), u.edits); err != nil {
		return err
	}
	if err := emitAll(sink, records); err != nil {
		return err
	}
	return ctx.Err()
}

func (u *unlocking) one(ctx context.Context, f lockedFile, id gitobj.OID) (result.Record, error) {
	r := u.d.Record("unlock", f.entry.Path, result.File)
	if f.copy != nil {
		e := gitindex.Edit{Path: f.entry.Path, Mode: u.d.FileMode(f.copy, 0), OID: id, Stat: gitindex.StatOf(f.copy)}
		u.edits = append(u.edits, indexEdit{e, f.entry.OID})
		return r, nil
	}
	path := u.d.Repo.Path(f.entry.Path)
	was, err := os.Lstat(path)
	if err != nil {
		return r, err
	}
	if k, ok := u.d.KeyInWorkTree(f.entry); !ok || k != f.key {
		return r, errors.New("the file changed while it was being unlocked")
	}
	object, ok := u.d.Annex.Locate(f.key)
	if !ok {
		return r, errors.New("no content present; cannot unlock")
	}
	fi, err := os.Stat(object)
	if err != nil {
		return r, err
	}
	perm := fi.Mode().Perm()
	perm |= 0o200 | perm&0o044>>1 // writable for those who may read; the umask limits it
	entry := unlockedEntry{gitindex.Entry{Path: f.entry.Path, Mode: u.d.FileMode(fi, 0), OID: id}, f.key}
	edit, ok, err := u.temps.swapIn(ctx, swap{entry: entry, was: was, fill: func(tmp string) error {
		return u.d.copyAs(ctx, tmp, object, perm)
	}})
	if err == nil && !ok {
		err = errors.New("the file changed while it was being unlocked")
	}
	if err == nil {
		edit.was = f.entry.OID
		u.edits = append(u.edits, edit)
	}
	return r, err
}

// storePointers makes the blobs that the index will name.
func (u *unlocking) storePointers(ctx context.Context) ([]gitobj.OID, error) {
	w := u.d.Repo.WriteObjects(ctx)
	defer w.Abort()
	ids := make([]gitobj.OID, len(u.files))
	for i, f := range u.files {
		var err error
		if ids[i], err = w.WriteBlob(pointer.Format(f.key)); err != nil {
			return nil, fmt.Errorf("unlock %s: %w", f.entry.Path, err)
		}
	}
	return ids, w.Close()
}
