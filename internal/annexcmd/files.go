package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// File is an annexed file of the work tree, or a key by itself.
type File struct {
	Rel   string // from the top; "" for a key
	Show  string // as the user would name it
	Key   annexkey.Key
	Entry gitindex.Entry
	Input []string
	// OfTree is the name in front of the path of a file that a tree has; "" for
	// a file of the work tree.
	OfTree string
}

// Item begins the report about the file.
func (f File) Item(command string) Item {
	i := Item{Command: command, File: f.Show, NoFile: f.Rel == "" && f.Show == "", Key: f.Key, Input: f.Input}
	if f.OfTree != "" {
		i.File, i.NoFile = f.OfTree+":"+f.Show, true
	}
	return i
}

// UnknownPathError names arguments that git does not know.
type UnknownPathError struct{ Paths []string }

// Error is git's text, which callers of git-annex look for.
func (e *UnknownPathError) Error() string {
	var b strings.Builder
	for _, p := range e.Paths {
		fmt.Fprintf(&b, "error: pathspec '%s' did not match any file(s) known to git\n", p)
	}
	return b.String() + "Did you forget to 'git add'?"
}

// show is the path as seen from the user's folder.
func (s *Session) show(rel string) string {
	base, err := s.D.Rel(s.D.Env.Cwd)
	if err != nil || base == "." {
		return rel
	}
	out, err := filepath.Rel(filepath.FromSlash(base), filepath.FromSlash(rel))
	if err != nil {
		return rel
	}
	return filepath.ToSlash(out)
}

// keyOfEntry is the key of an index entry: of the link in the work tree, if
// there is one, or else of the blob.
func (s *Session) keyOfEntry(ctx context.Context, e gitindex.Entry) (annexkey.Key, bool, error) {
	switch e.Mode {
	case gitobj.ModeSymlink, gitobj.ModeFile, gitobj.ModeExec:
		k, ok, err := s.D.KeyOf(ctx, e.Path, e.Mode, e.OID)
		return k, ok && k.Safe() == nil, err
	}
	return annexkey.Key{}, false, nil
}

// Files calls visit for the annexed files at and below the paths, in the order
// of the index; without paths for those below the user's folder. Paths that git
// does not know make an *UnknownPathError in the end.
func (s *Session) Files(ctx context.Context, paths []string, visit func(File) error) error {
	return s.entries(paths, func(e gitindex.Entry, input string) error {
		k, ok, err := s.keyOfEntry(ctx, e)
		if err != nil || !ok {
			return err
		}
		show := s.show(e.Path)
		f := File{Rel: e.Path, Show: show, Key: k, Entry: e, Input: []string{input}}
		if input == "" {
			f.Input = []string{show}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return visit(f)
	})
}

// entries visits index entries. input is the argument that led to one.
func (s *Session) entries(paths []string, visit func(e gitindex.Entry, input string) error) error {
	index, err := s.D.Repo.ReadIndex()
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		rel, err := s.D.Rel(s.D.Env.Cwd)
		if err != nil {
			return err
		}
		_, err = s.under(index, rel, "", visit)
		return err
	}
	var unknown []string
	for _, p := range paths {
		rel, err := s.D.Rel(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		found, err := s.under(index, rel, p, visit)
		if err != nil {
			return err
		}
		if !found && rel != "." {
			unknown = append(unknown, p)
		}
	}
	if len(unknown) > 0 {
		return &UnknownPathError{unknown}
	}
	return nil
}

func (s *Session) under(index *gitindex.File, rel, input string, visit func(gitindex.Entry, string) error) (found bool, err error) {
	if e, ok := index.Lookup(rel); ok {
		if e.Mode == gitobj.ModeGitlink || e.Stage != 0 {
			return true, nil
		}
		return true, visit(e, input)
	}
	if rel == "." {
		rel = ""
	}
	for e, err := range index.Under(rel) {
		found = true
		if err != nil {
			return found, err
		}
		if e.Stage != 0 || e.Mode == gitobj.ModeGitlink || e.SkipWorktree {
			continue
		}
		if err := visit(e, input); err != nil {
			return found, err
		}
	}
	return found, nil
}

// FileOf is the annexed file at a path, as batch commands ask for it; ok is
// false for everything else.
func (s *Session) FileOf(ctx context.Context, path string) (f File, ok bool, err error) {
	index, err := s.D.Repo.ReadIndex()
	if err != nil {
		return f, false, err
	}
	rel, err := s.D.Rel(path)
	if err != nil {
		return f, false, nil
	}
	e, ok := index.Lookup(rel)
	if !ok || e.Stage != 0 {
		// A link that was just made counts, too, and one that waits to be staged.
		k, ok := s.linkKey(rel)
		return File{Rel: rel, Show: s.show(rel), Key: k, Input: []string{path}}, ok, nil
	}
	k, ok, err := s.keyOfEntry(ctx, e)
	return File{Rel: rel, Show: s.show(rel), Key: k, Entry: e, Input: []string{path}}, ok, err
}

// linkKey is the key of a link in the work tree.
func (s *Session) linkKey(rel string) (annexkey.Key, bool) {
	target, err := os.Readlink(s.D.Repo.Path(rel))
	if err != nil {
		return annexkey.Key{}, false
	}
	k, ok := pointer.ParseLink(target)
	return k, ok && k.Safe() == nil
}

// KeyFile is a key by itself.
func KeyFile(k annexkey.Key, input ...string) File {
	return File{Key: k, Input: input}
}

func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
