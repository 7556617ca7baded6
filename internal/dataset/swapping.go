package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/git"
)

// swap is an unlocked file that gets another content.
type swap struct {
	entry unlockedEntry
	was   fs.FileInfo            // the file that is replaced
	fill  func(tmp string) error // makes the new one; leaves nothing when it fails
	again bool                   // it was made before, and could not be renamed
	tmp   string
	made  fs.FileInfo // of tmp
}

// Some files are made before their swaps are noted, with one write for all of them.
const (
	swapFiles = 128
	swapBytes = 256 << 20
)

// swapping puts new files in the place of unlocked ones and lets the index know.
// From before a file changes until the index knows of it git-annex's restage.log
// names it, so that whoever comes after a process that was killed settles it.
type swapping struct {
	d     *Dataset
	temps tempFiles
	ready []swap
	bytes int64
	noted []string // lines of the log
	edits []indexEdit
}

// swapAll does the swaps that ask asks for. Those that it has asked for before it
// failed are done, too.
func (d *Dataset) swapAll(ctx context.Context, ask func(*swapping) error) error {
	s := &swapping{d: d, temps: tempFiles{d: d}}
	defer s.temps.close() // at the end: while the folder is in use, the notes are not those of the dead
	err := ask(s)
	return errors.Join(err, s.flush(context.WithoutCancel(ctx)), s.tellIndex(ctx))
}

// add makes the new file. The swap follows with others.
func (s *swapping) add(ctx context.Context, w swap) error {
	if err := s.temps.make(ctx, &w); err != nil {
		return err
	}
	s.ready = append(s.ready, w)
	if s.bytes += w.made.Size(); len(s.ready) < swapFiles && s.bytes < swapBytes {
		return nil
	}
	return s.flush(ctx)
}

// flush notes the swaps that are prepared and does them.
func (s *swapping) flush(ctx context.Context) error {
	ready := s.ready
	s.ready, s.bytes = nil, 0
	if err := s.note(ctx, ready); err != nil {
		for _, w := range ready {
			os.Remove(w.tmp)
		}
		return err
	}
	var failed error
	for _, w := range ready {
		edit, ok, err := s.d.swapIn(w.entry, w.tmp, w.made, w.was)
		switch {
		case s.temps.mustMove(w, err):
			w.again = true
			failed = errors.Join(failed, s.add(ctx, w))
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("replace %s: %w", w.entry.Path, err))
		case ok:
			s.edits = append(s.edits, edit)
		}
	}
	if len(s.ready) > 0 { // again, elsewhere
		failed = errors.Join(failed, s.flush(ctx))
	}
	return failed
}

func (s *swapping) note(ctx context.Context, list []swap) error {
	var lines []string
	for _, w := range list {
		if line, ok := annex.RestageLine(w.made, w.entry.Path); ok {
			lines = append(lines, line)
		}
	}
	s.noted = append(s.noted, lines...)
	return s.d.Annex.NoteRestage(ctx, lines)
}

// tellIndex ends the notes. If the index stays locked they are left to who comes
// next.
func (s *swapping) tellIndex(ctx context.Context) error {
	err := s.d.editIndex(ctx, s.edits, indexWait)
	if errors.As(err, new(*git.IndexLockedError)) {
		return s.d.restageLater(ctx, s.edits, s.noted, err)
	}
	if err != nil {
		return err
	}
	return s.d.Annex.ForgetRestage(context.WithoutCancel(ctx), s.noted)
}
