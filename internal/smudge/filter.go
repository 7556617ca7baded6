// Package smudge is what git's hooks and filters make of annexed files that are
// unlocked: content on its way into the index becomes a pointer, pointers on
// their way into the work tree become content, and the index learns the state
// of files that were filled. It decides by git-annex's rules what belongs into
// the annex, and makes no commit but on the git-annex branch.
package smudge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// Filter cleans and smudges the files of one repository. It is not safe for
// concurrent use. What it has stored is recorded by Flush.
type Filter struct {
	d        *dataset.Dataset
	index    *gitindex.File // nil: not readable, or none yet
	thin     bool
	stored   []annexkey.Key
	lost     []annexkey.Key // their objects were files that have changed (annex.thin)
	smudged  []string       // lines of smudge.log
	dotfiles *bool
	moved    map[fileState]gitindex.Entry // by the state of their files; nil until asked for

	metadata  []annex.LogEdit    // of keys that were stored
	ancestors *dataset.Ancestors // nil until a file is stored
}

// New makes a filter for a dataset that has an annex.
func New(d *dataset.Dataset) *Filter {
	f := &Filter{d: d, thin: d.Repo.Config.Bool("annex.thin", false)}
	if index, err := d.Repo.ReadIndex(); err == nil {
		f.index = index
	}
	return f
}

func (f *Filter) warn(path string, err error) {
	f.d.Env.Log.Error(fmt.Sprintf("git-annex filter: %s: %v", path, err))
}

// maxPending bounds what is remembered between two records of it.
const maxPending = 4096

// Flush makes stored content durable and notes in git-annex's journal and
// smudge.log what was done.
func (f *Filter) Flush(ctx context.Context) error {
	if len(f.stored)+len(f.lost) > 0 {
		if err := f.d.Annex.SyncObjects(f.stored); err != nil {
			return err
		}
		now := f.d.LogClock()
		edits := make([]annex.LogEdit, 0, len(f.stored)+len(f.lost))
		for _, k := range f.stored {
			edits = append(edits, annex.SetLocation(k, f.d.Annex.UUID, annexlog.StatusPresent, now))
		}
		for _, k := range f.lost {
			if !f.d.Annex.Has(k) { // another file may have brought it meanwhile
				edits = append(edits, annex.SetLocation(k, f.d.Annex.UUID, annexlog.StatusAbsent, now))
			}
		}
		if err := f.d.Annex.Note(ctx, append(edits, f.metadata...)); err != nil {
			return err
		}
		f.stored, f.lost, f.metadata, f.ancestors = nil, nil, nil, nil
	}
	return f.logSmudged(ctx)
}

// logSmudged remembers pointers that wait for their content.
func (f *Filter) logSmudged(ctx context.Context) error {
	if len(f.smudged) == 0 {
		return nil
	}
	l, err := fsx.LockFile(ctx, f.d.Annex.Dir("smudge.lck"), true)
	if err != nil {
		return err
	}
	defer l.Unlock()
	log, err := os.OpenFile(f.d.Annex.Dir("smudge.log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("smudge: %w", err)
	}
	_, err = log.WriteString(strings.Join(f.smudged, ""))
	f.smudged = nil
	return errors.Join(err, f.d.Repo.Share(log.Name()), log.Close())
}

// Update fills the files that smudge.log names, and then those that were
// waiting to be staged again: git's hooks call it after a checkout or merge.
func Update(ctx context.Context, d *dataset.Dataset) error {
	text, err := readSmudged(ctx, d)
	if err != nil {
		return err
	}
	var paths []string
	for line := range strings.Lines(string(text)) {
		_, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		paths = append(paths, path)
	}
	if len(paths) > 0 {
		if err := d.PopulateFiles(ctx, paths); err != nil {
			return err
		}
		if err := forgetSmudged(ctx, d, text); err != nil {
			return err
		}
	}
	return d.Restage(ctx)
}

// readSmudged returns smudge.log; nil where nothing is in it.
func readSmudged(ctx context.Context, d *dataset.Dataset) ([]byte, error) {
	path := d.Annex.Dir("smudge.log")
	if fi, err := os.Stat(path); err != nil || fi.Size() == 0 {
		return nil, nil
	}
	l, err := fsx.LockFile(ctx, d.Annex.Dir("smudge.lck"), true)
	if err != nil {
		return nil, err
	}
	defer l.Unlock()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// forgetSmudged takes lines whose files are filled from the beginning of
// smudge.log, unless somebody else has.
func forgetSmudged(ctx context.Context, d *dataset.Dataset, done []byte) error {
	l, err := fsx.LockFile(ctx, d.Annex.Dir("smudge.lck"), true)
	if err != nil {
		return err
	}
	defer l.Unlock()
	path := d.Annex.Dir("smudge.log")
	text, err := os.ReadFile(path)
	rest, found := bytes.CutPrefix(text, done)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !found:
		return nil
	case err != nil:
		return err
	case len(rest) == 0:
		return os.Truncate(path, 0)
	}
	if err := fsx.WriteFileVia(d.Annex.Dir("tmp"), path, rest, 0o666); err != nil {
		return err
	}
	return d.Repo.Share(path)
}
