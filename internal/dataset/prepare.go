package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"syscall"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

// PrepareOptions says how existing outputs are made ready to be overwritten.
type PrepareOptions struct {
	// KeepAbsent leaves annexed files without content in place; otherwise
	// they are removed (run.remove), so that a command can write there.
	KeepAbsent bool
}

// PrepareOutputs unlocks what exists at the paths (relative to the top), so
// that a command may write to it: the link to annexed content is replaced by a
// copy. Only the work tree changes. undo puts the links back where the copy is
// still unmodified.
func (d *Dataset) PrepareOutputs(ctx context.Context, paths []string, opt PrepareOptions, sink result.Sink) (undo func() error, err error) {
	p := &preparation{d: d, opt: opt}
	undo = p.undo
	for _, rel := range paths {
		if err := fsx.Beneath(d.Path(), rel); err != nil {
			return undo, fmt.Errorf("%s: %w", rel, err)
		}
		files, err := d.filesAt(rel)
		if err != nil {
			return undo, err
		}
		for _, f := range files {
			r, err := p.one(ctx, f, f == rel)
			if err != nil {
				return undo, err
			}
			if r.Action != "" {
				if err := sink.Emit(r); err != nil {
					return undo, err
				}
			}
		}
	}
	return undo, nil
}

// filesAt lists the path itself or all files below it.
func (d *Dataset) filesAt(rel string) ([]string, error) {
	top := d.Repo.Path(rel)
	fi, err := os.Lstat(top)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return []string{rel}, nil
	}
	var files []string
	err = filepath.WalkDir(top, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		name, _ := below(d.Path(), p)
		files = append(files, name)
		return nil
	})
	sort.Strings(files)
	return files, err
}

// preparation remembers what it unlocked.
type preparation struct {
	d        *Dataset
	opt      PrepareOptions
	unlocked []unlockedFile
}

type unlockedFile struct {
	rel, target string
	after       gitindex.Stat // of the copy
}

// one prepares one file; named tells a declared path from one that was found
// in a declared folder.
func (p *preparation) one(ctx context.Context, rel string, named bool) (result.Record, error) {
	path := p.d.Repo.Path(rel)
	target, err := os.Readlink(path)
	if err != nil {
		if !named {
			return result.Record{}, nil
		}
		return p.unlinked(ctx, rel)
	}
	key, ok := pointer.ParseLink(target)
	if !ok || p.d.Annex == nil {
		return result.Record{}, nil
	}
	if !p.d.Annex.Has(key) {
		return p.absent(rel, named)
	}
	if err := p.d.copyOut(ctx, key, rel); err != nil {
		return result.Record{}, err
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return result.Record{}, err
	}
	p.unlocked = append(p.unlocked, unlockedFile{rel, target, gitindex.StatOf(fi)})
	return p.d.Record("unlock", rel, result.File), nil
}

// unlinked tells of a file that is no link. Of an adjusted branch's unlocked
// files DataLad reports nothing, and those without content are removed.
func (p *preparation) unlinked(ctx context.Context, rel string) (result.Record, error) {
	ready := p.d.Record("unlock", rel, result.File).As(result.NotNeeded).Msg("non-annex file; cannot unlock")
	a, err := p.d.adjustment(ctx)
	if err != nil || a == (annex.Adjustment{}) || p.d.Annex == nil {
		return ready, err
	}
	index, err := p.d.Repo.ReadIndex()
	if err != nil {
		return ready, err
	}
	e, ok := index.Lookup(rel)
	if !ok {
		return ready, nil
	}
	k, annexed, err := p.d.BlobKey(ctx, e.Mode, e.OID)
	if err != nil || !annexed {
		return ready, err
	}
	if _, _, empty := readPointer(p.d.Repo.Path(rel)); empty && !p.d.Annex.Has(k) {
		return p.absent(rel, true)
	}
	return result.Record{}, nil
}

// absent handles a link whose content is not here.
func (p *preparation) absent(rel string, named bool) (result.Record, error) {
	if p.opt.KeepAbsent || !named {
		return result.Record{}, nil
	}
	if err := fsx.RemoveBelow(p.d.Path(), rel); err != nil {
		return result.Record{}, err
	}
	return p.d.Record("run.remove", rel, result.File).Msg("Removed file"), nil
}

// copyOut replaces the file at rel by a writable copy of the key's content.
func (d *Dataset) copyOut(ctx context.Context, key annexkey.Key, rel string) error {
	object, ok := d.Annex.Locate(key)
	if !ok {
		return fmt.Errorf("unlock %s: no content present; cannot unlock", rel)
	}
	fi, err := os.Stat(object)
	if err != nil {
		return err
	}
	perm := fi.Mode().Perm()
	perm |= 0o200 | perm&0o044>>1 // writable for those who may read; the umask limits it
	if _, err := fsx.CopyBelow(ctx, d.Path(), rel, object, fsx.CopyOptions{Perm: perm, TempDir: commit.TempDir(d.Repo)}); err != nil {
		return fmt.Errorf("unlock %s: %w", rel, err)
	}
	return nil
}

func (p *preparation) undo() error {
	var failed error
	for _, u := range p.unlocked {
		path := p.d.Repo.Path(u.rel)
		fi, err := os.Lstat(path)
		if err != nil || gitindex.StatOf(fi) != u.after {
			continue // written to meanwhile
		}
		failed = errors.Join(failed, p.d.PutLink(u.rel, u.target))
	}
	return failed
}
