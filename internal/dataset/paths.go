package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// StagePaths is Stage for named paths, relative to the top: only they, and
// what lies below them, are looked at, so that the cost does not depend on the
// size of the repository. Files that are in the index but no longer there are
// removed; named paths of which nothing exists are listed as Missing.
func (d *Dataset) StagePaths(ctx context.Context, paths []string, opt StageOptions) (*Staged, error) {
	index, err := d.Repo.ReadIndex()
	if err != nil && !errors.Is(err, gitindex.ErrUnsupported) {
		return nil, err
	}
	w := &walk{d: d, opt: opt, index: index, guard: fsx.NewGuard(d.Path()), plain: map[string]bool{}, seen: map[string]bool{}}
	w.look(paths)
	for _, p := range paths {
		if err := w.named(p); err != nil {
			return nil, err
		}
	}
	for _, next := range []func(context.Context) error{w.dropIgnored, w.forgive, w.lockAgain} {
		if err := next(ctx); err != nil {
			return nil, err
		}
	}
	sort.Slice(w.changes, func(i, j int) bool {
		a, b := w.changes[i], w.changes[j]
		if new := a.State == Untracked; new != (b.State == Untracked) {
			return new // new files come first, as in Changes
		}
		return a.Path < b.Path
	})
	staged, err := d.Stage(ctx, w.changes, opt)
	if err != nil {
		return nil, err
	}
	staged.Files = append(staged.Files, w.clean...)
	staged.Missing = w.missing
	return staged, nil
}

// walk collects what is at the named paths.
type walk struct {
	d       *Dataset
	opt     StageOptions
	index   *gitindex.File // nil: only git can read it
	guard   *fsx.Guard
	plain   map[string]bool        // folders that are no repositories
	nested  bool                   // there may be some
	infos   map[string]fs.FileInfo // of named paths that exist
	seen    map[string]bool
	changes []Change
	clean   []commit.File // in the index as they are; the branch may lack them
	found   []string      // unknown to the index, found below a named folder
	missing []string
}

// look asks for all named paths, and the folders above them, at once: on a
// parallel file system each question waits. What it does not find is looked at
// again in its turn.
func (w *walk) look(paths []string) {
	w.lookAbove(paths)
	infos := make([]fs.FileInfo, len(paths))
	var g errgroup.Group
	g.SetLimit(overlap)
	for i, p := range paths {
		if infos[i] = w.opt.Infos[p]; infos[i] == nil && filepath.IsLocal(p) {
			g.Go(func() error { infos[i], _ = os.Lstat(w.d.Repo.Path(p)); return nil })
		}
	}
	_ = g.Wait()
	w.infos = make(map[string]fs.FileInfo, len(paths))
	for i, p := range paths {
		if infos[i] != nil {
			w.infos[p] = infos[i]
		}
	}
}

// lookAbove notes the plain folders that lead to the paths.
func (w *walk) lookAbove(paths []string) {
	var dirs []string
	known := map[string]bool{".": true, "/": true}
	for _, p := range paths {
		for dir := path.Dir(p); filepath.IsLocal(p) && !known[dir]; dir = path.Dir(dir) {
			known[dir] = true
			dirs = append(dirs, dir)
		}
	}
	folder, plain := make([]bool, len(dirs)), make([]bool, len(dirs))
	var g errgroup.Group
	g.SetLimit(overlap)
	for i, dir := range dirs {
		g.Go(func() error {
			fi, err := os.Lstat(w.d.Repo.Path(dir))
			folder[i] = err == nil && fi.IsDir()
			return nil
		})
		g.Go(func() error {
			_, err := os.Lstat(w.d.Repo.Path(dir, ".git"))
			plain[i] = errors.Is(err, fs.ErrNotExist)
			return nil
		})
	}
	_ = g.Wait()
	for i, dir := range dirs {
		if folder[i] {
			w.guard.Folder(dir)
		}
		w.nested = w.nested || !plain[i]
	}
	if !w.nested { // else each path is told what it lies in
		w.plain = known
	}
}

func (w *walk) named(rel string) error {
	if err := w.guard.Beneath(rel); err != nil {
		return fmt.Errorf("%s: %w", rel, err)
	}
	if sub := w.nestedAbove(rel); sub != "" {
		return fmt.Errorf("%s lies in %s, a repository of its own: outputs in subdatasets are not supported yet", rel, sub)
	}
	fi, err := w.infos[rel], error(nil)
	if fi == nil {
		fi, err = os.Lstat(w.d.Repo.Path(rel))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		w.missing = append(w.missing, rel)
		return w.removed(rel)
	case err != nil:
		return err
	case fi.IsDir():
		return w.folder(rel)
	}
	if w.opt.SkipIgnored || w.opt.SkipUntracked {
		return w.foundFile(rel, fi)
	}
	return w.file(rel, fi)
}

// nestedAbove returns the folder above rel that is a repository of its own, or
// "".
func (w *walk) nestedAbove(rel string) string {
	for dir := path.Dir(rel); dir != "." && !w.plain[dir]; dir = path.Dir(dir) {
		if _, err := os.Lstat(w.d.Repo.Path(dir, ".git")); err == nil {
			return dir
		}
		w.plain[dir] = true
	}
	return ""
}

// folder walks a named folder and notices what the index has beyond it.
func (w *walk) folder(rel string) error {
	top := w.d.Repo.Path(rel)
	err := filepath.WalkDir(top, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := below(w.d.Path(), p)
		if e.IsDir() {
			return w.enter(name, e)
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		return w.foundFile(name, fi)
	})
	if err != nil {
		return fmt.Errorf("look through %s: %w", rel, err)
	}
	return w.removed(rel)
}

// enter keeps out of .git and refuses nested repositories.
func (w *walk) enter(name string, e fs.DirEntry) error {
	if e.Name() == ".git" {
		return filepath.SkipDir
	}
	if name == "." {
		return nil
	}
	if _, err := os.Lstat(w.d.Repo.Path(name, ".git")); err == nil {
		return fmt.Errorf("%s is a repository of its own: outputs in subdatasets are not supported yet", name)
	}
	return nil
}

func (w *walk) foundFile(name string, fi fs.FileInfo) error {
	if w.index != nil {
		if _, ok := w.index.Lookup(name); !ok && !w.seen[name] {
			if isTemp(name) {
				return nil
			}
			w.found = append(w.found, name)
		}
	}
	return w.file(name, fi)
}

// file compares one file with the index.
func (w *walk) file(rel string, fi fs.FileInfo) error {
	if w.seen[rel] {
		return nil
	}
	w.seen[rel] = true
	c := Change{Path: rel, State: Untracked, WorkTree: true, info: fi}
	if w.index != nil {
		if e, ok := w.index.Lookup(rel); ok {
			st := gitindex.StatOf(fi)
			if e.Stage == 0 && !w.d.modeChanged(e.Mode, fi.Mode()) && (w.d.sameLink(e) || e.Stat.Same(st, w.d.comparison().stat) && !e.Stat.IsRacy(w.index.MTime())) {
				w.clean = append(w.clean, commit.File{Path: rel, Mode: e.Mode, OID: e.OID, Stat: e.Stat})
				return nil
			}
			c.State, c.Mode, c.OID, c.Prev, c.PrevMode = Modified, e.Mode, e.OID, e.OID, e.Mode
			c.unmerged = e.Stage != 0
			c.touched = w.maybeSame(e, fi)
		}
	}
	w.changes = append(w.changes, c)
	return nil
}

// sameLink reports whether the entry is a symlink that leads where it did.
func (d *Dataset) sameLink(e gitindex.Entry) bool {
	if e.Mode != gitobj.ModeSymlink {
		return false
	}
	target, err := fsx.Readlink(d.Repo.Path(e.Path))
	return err == nil && d.Repo.Format.HashObject("blob", []byte(target)) == e.OID
}

// emitAll sends records until the sink wants no more.
func emitAll(sink result.Sink, records []result.Record) error {
	for _, r := range records {
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}
