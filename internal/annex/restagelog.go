package annex

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/fsx"
)

// What follows is git-annex's restage.log: files of the work tree that were filled
// or emptied, and that the index may not know yet in this state. Whoever comes next
// tells it. While that is under way the lines are in restage.old.

// RestageLine is the log's line about a file in the state fi. It is false for a
// path that the log cannot tell.
func RestageLine(fi fs.FileInfo, rel string) (string, bool) {
	return InodeCache(fi) + ":" + rel, !strings.Contains(rel, "\n")
}

// ParseRestageLine is the inverse of RestageLine.
func ParseRestageLine(line string) (state, rel string, ok bool) { return strings.Cut(line, ":") }

// lockedRestage does something under the lock of both files.
func (a *Annex) lockedRestage(ctx context.Context, do func() error) error {
	l, err := fsx.LockFile(ctx, a.Dir("restage.lck"), true)
	if err != nil {
		return err
	}
	defer l.Unlock()
	return do()
}

// NoteRestage adds lines to the log.
func (a *Annex) NoteRestage(ctx context.Context, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	return a.lockedRestage(ctx, func() error { return a.appendTo("restage.log", joinLines(lines)) })
}

func (a *Annex) appendTo(name, text string) error {
	f, err := os.OpenFile(a.Dir(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, a.Repo.Share(f.Name()), f.Close())
}

// ForgetRestage takes lines out of the log.
func (a *Annex) ForgetRestage(ctx context.Context, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	return a.lockedRestage(ctx, func() error { return a.removeLines("restage.log", lines) })
}

// removeLines rewrites a log without the lines; one that has no others goes.
func (a *Annex) removeLines(name string, lines []string) error {
	have, err := a.logLines(name)
	if err != nil || len(have) == 0 {
		return err
	}
	gone := make(map[string]bool, len(lines))
	for _, l := range lines {
		gone[l] = true
	}
	kept := slices.DeleteFunc(slices.Clone(have), func(l string) bool { return gone[l] })
	switch len(kept) {
	case len(have):
		return nil
	case 0:
		return os.Remove(a.Dir(name))
	}
	if err := fsx.WriteFileVia(a.Dir("tmp"), a.Dir(name), []byte(joinLines(kept)), 0o666); err != nil {
		return err
	}
	return a.Repo.Share(a.Dir(name))
}

// RestagePending reports whether files may wait for the index.
func (a *Annex) RestagePending() bool {
	for _, name := range []string{"restage.log", "restage.old"} {
		if fi, err := os.Lstat(a.Dir(name)); err == nil && fi.Size() > 0 {
			return true
		}
	}
	return false
}

// TakeRestage returns all lines, which stay noted until EndRestage is told about
// them.
func (a *Annex) TakeRestage(ctx context.Context) (lines []string, err error) {
	if !a.RestagePending() {
		return nil, nil
	}
	err = a.lockedRestage(ctx, func() error {
		if err := a.setRestageAside(); err != nil {
			return err
		}
		lines, err = a.logLines("restage.old")
		return err
	})
	return lines, err
}

// setRestageAside brings what the log has to restage.old.
func (a *Annex) setRestageAside() error {
	log, old := a.Dir("restage.log"), a.Dir("restage.old")
	if _, err := os.Lstat(old); errors.Is(err, fs.ErrNotExist) {
		if err = os.Rename(log, old); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	lines, err := a.logLines("restage.log")
	if err != nil || len(lines) == 0 {
		return err
	}
	if err := a.appendTo("restage.old", joinLines(lines)); err != nil {
		return err
	}
	return os.Remove(log)
}

// EndRestage ends what TakeRestage began.
func (a *Annex) EndRestage(ctx context.Context, lines []string) error {
	return a.lockedRestage(ctx, func() error { return a.removeLines("restage.old", lines) })
}

func (a *Annex) logLines(name string) ([]string, error) {
	text, err := os.ReadFile(a.Dir(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' }), err
}

func joinLines(lines []string) string { return strings.Join(lines, "\n") + "\n" }
