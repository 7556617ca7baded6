package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// dirtyEntry is an index entry whose file is not what the index says.
type dirtyEntry struct {
	gitindex.Entry
	verdict
}

// dirtyEntries compares every entry in the scope with the work tree. Where
// the stat data decides, the file is not read.
func (d *Dataset) dirtyEntries(ctx context.Context, index *gitindex.File, scope Scope) ([]dirtyEntry, error) {
	top, err := openTop(d.Path())
	if err != nil {
		return nil, err
	}
	defer top.Close()
	p := &statPass{d: d, index: index, scope: scope, top: top}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	return p.dirty(), nil
}

// wholeTree compares the whole work tree with the index: dirtyEntries, and the
// paths that the index does not know, ignored ones among them. Of an unknown
// folder that folder alone is named; empty ones are left out.
func (d *Dataset) wholeTree(ctx context.Context, index *gitindex.File, scope Scope) (dirty []dirtyEntry, unknown []string, err error) {
	top, err := openTop(d.Path())
	if err != nil {
		return nil, nil, err
	}
	defer top.Close()
	p := &statPass{d: d, index: index, scope: scope, top: top}
	if err := p.run(ctx); err != nil {
		return nil, nil, err
	}
	unknown, err = newFolderPass(p).run(ctx)
	return p.dirty(), unknown, err
}

// entries visits the index entries at and below the scope's paths, in order;
// the rest of the index is not read.
func (s Scope) entries(index *gitindex.File) iter.Seq2[looked, error] {
	if len(s.Paths) == 0 || slices.Contains(s.Paths, ".") {
		return allEntries(index)
	}
	paths := slices.Clone(s.Paths)
	slices.Sort(paths)
	return func(yield func(looked, error) bool) {
		var tops []string
		for _, p := range paths {
			if underAny(p, tops) {
				continue
			}
			tops = append(tops[:0], p)
			if e, ok := index.Lookup(p); ok && !yield(looked{Entry: e}, nil) {
				return
			}
			for e, err := range index.Under(p) {
				if !yield(looked{Entry: e}, err) {
					return
				}
			}
		}
	}
}

type verdict int

const (
	same verdict = iota
	different
	gone         // nothing is there
	becameFolder // a folder is where a file was
)

// compare decides one entry as git would.
func (d *Dataset) compare(ctx context.Context, index *gitindex.File, e gitindex.Entry, scope Scope) (verdict, error) {
	path := d.Repo.Path(e.Path)
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		return gone, nil
	}
	if err != nil {
		return different, err
	}
	if e.Stage != 0 || e.IntentToAdd {
		return different, nil
	}
	if e.Mode == gitobj.ModeGitlink {
		return d.compareGitlink(ctx, e, fi, scope)
	}
	if fi.IsDir() {
		return becameFolder, nil
	}
	if d.modeChanged(e.Mode, fi.Mode()) {
		return different, nil
	}
	st := gitindex.StatOf(fi)
	if e.Stat.Same(st, d.comparison().stat) && !e.Stat.IsRacy(index.MTime()) {
		return same, nil
	}
	return d.compareContent(ctx, e, fi)
}

// comparison is how git is configured to compare files with the index.
type comparison struct {
	fileMode   bool
	plainLinks bool // core.symlinks is false: a plain file stands for a link
	stat       gitindex.Check
}

// comparison is worked out once: it is asked for with every file.
func (d *Dataset) comparison() comparison {
	d.compareOnce.Do(func() {
		d.comparing = comparison{
			fileMode:   d.Repo.Config.Bool("core.filemode", true),
			plainLinks: !d.Symlinks(),
			stat: gitindex.Check{
				IgnoreCTime: !d.Repo.Config.Bool("core.trustctime", true),
				Minimal:     d.Repo.Config.Get("core.checkstat") == "minimal",
			},
		}
	})
	return d.comparing
}

// modeChanged reports a change of type or of the executable bit.
func (d *Dataset) modeChanged(m gitobj.Mode, now fs.FileMode) bool {
	switch {
	case m == gitobj.ModeSymlink && d.comparison().plainLinks:
		return now&fs.ModeType != 0
	case m == gitobj.ModeSymlink:
		return now&fs.ModeSymlink == 0
	case !now.IsRegular():
		return true
	}
	return d.comparison().fileMode && (m == gitobj.ModeExec) != (now&0o100 != 0)
}

// compareContent reads the file. A populated pointer file equals its entry
// when its content has the entry's key.
func (d *Dataset) compareContent(ctx context.Context, e gitindex.Entry, fi fs.FileInfo) (verdict, error) {
	path := d.Repo.Path(e.Path)
	id, err := d.hashWorkTree(ctx, e.Path, fi)
	if err != nil || id == e.OID {
		return verdictOf(id == e.OID), err
	}
	if e.Mode == gitobj.ModeSymlink || d.Annex == nil {
		return different, nil
	}
	key, ok, err := d.pointerKey(ctx, e.OID)
	if err != nil || !ok {
		return different, err
	}
	if key.Size >= 0 && key.Size != fi.Size() {
		return different, nil
	}
	return d.hasKey(ctx, path, key)
}

func verdictOf(equal bool) verdict {
	if equal {
		return same
	}
	return different
}

// pointerKey returns the key if the blob is a pointer file.
func (d *Dataset) pointerKey(ctx context.Context, id gitobj.OID) (annexkey.Key, bool, error) {
	data, err := d.Repo.SmallBlob(ctx, id, pointer.MaxSize)
	if err != nil || data == nil {
		return annexkey.Key{}, false, err
	}
	k, ok := pointer.Parse(data)
	return k, ok, nil
}

// hasKey hashes the file to see whether its content is the key's.
func (d *Dataset) hasKey(ctx context.Context, path string, key annexkey.Key) (verdict, error) {
	h, ok := key.Hasher()
	if !ok {
		return different, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return different, err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return different, fmt.Errorf("hash %s: %w", path, err)
	}
	return verdictOf(key.Verify(h.Sum(nil))), ctx.Err()
}

// hashWorkTree returns the id that git would give to the file now.
func (d *Dataset) hashWorkTree(ctx context.Context, rel string, fi fs.FileInfo) (gitobj.OID, error) {
	path := d.Repo.Path(rel)
	if fi.Mode()&fs.ModeSymlink != 0 {
		target, err := fsx.Readlink(path)
		return d.Repo.Format.HashObject("blob", []byte(target)), err
	}
	convert, err := d.needsGit(rel)
	if err != nil {
		return "", err
	}
	if convert {
		ids, err := d.Repo.HashFiles(ctx, []string{rel}, false)
		if err != nil {
			return "", err
		}
		return ids[0], nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := d.Repo.Format.New()
	fmt.Fprintf(h, "blob %d\x00", fi.Size())
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return gitobj.FromBytes(h.Sum(nil)), nil
}
