package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/fsx"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// State is how a path differs from the last commit.
type State string

// The states of DataLad's status.
const (
	Clean     State = "clean"
	Added     State = "added"
	Modified  State = "modified"
	Deleted   State = "deleted"
	Untracked State = "untracked"
)

// Change is one path that is not as the last commit has it.
type Change struct {
	Path  string // relative to the top; of an untracked folder without slash
	State State
	Type  string      // result.File, Symlink, Dir or Dataset: of the index entry, or of what is untracked
	Mode  gitobj.Mode // of the index entry; 0 if untracked
	OID   gitobj.OID  // index entry; "" if untracked
	Prev  gitobj.OID  // what HEAD has; "" if nothing
	// PrevMode is the mode in HEAD; 0 if nothing.
	PrevMode gitobj.Mode
	// WorkTree says that the work tree differs from the index: content is to
	// be stored. Otherwise everything is staged already.
	WorkTree bool
	// Gone says that nothing is at the path in the work tree.
	Gone bool

	info     fs.FileInfo // of what is at the path, if somebody has just looked
	unmerged bool        // the index has several versions, which are in conflict
	touched  bool        // mode and size are as in the index: the content may be, too
}

// Scope limits a look at the work tree.
type Scope struct {
	// Paths, relative to the top, limit to themselves and what is below them;
	// nil means everything.
	Paths []string
	// NoUntracked leaves files out that git does not know.
	NoUntracked bool
	// AllUntracked lists every untracked file; otherwise a folder without
	// tracked files stands for its content.
	AllUntracked bool
	// Exclude holds paths that are passed over with everything below them
	// (outputs that running jobs have claimed).
	Exclude []string
	// Subdatasets says what makes a subdataset count as modified.
	Subdatasets Eval
}

// covers reports whether path is in the scope.
func (s Scope) covers(path string) bool {
	if len(s.Paths) > 0 && !underAny(path, s.Paths) {
		return false
	}
	return !underAny(path, s.Exclude)
}

// underAny reports whether path equals one of tops or lies below it.
func underAny(path string, tops []string) bool {
	for _, t := range tops {
		if t == "." || path == t || strings.HasPrefix(path, t) && path[len(t)] == '/' {
			return true
		}
	}
	return false
}

// Changes lists what differs between HEAD, the index and the work tree in the
// scope: untracked paths first, then the others in index order, then what was
// removed from the index, each sorted bytewise. Clean paths are left out.
func (d *Dataset) Changes(ctx context.Context, scope Scope) ([]Change, error) {
	index, err := d.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		return nil, fmt.Errorf("read index: %w; run `git sparse-checkout disable`", err)
	}
	if err != nil {
		return nil, err
	}
	look := &look{d: d, index: index, scope: scope}
	if err := look.all(ctx); err != nil {
		return nil, err
	}
	return append(look.untracked, look.tracked()...), nil
}

// look is one look at the work tree. Its parts overlap: some wait for git,
// some for the file system.
type look struct {
	d         *Dataset
	index     *gitindex.File
	scope     Scope
	staged    map[string]Change
	dirty     []dirtyEntry
	untracked []Change
}

func (l *look) all(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		l.staged, err = l.d.staged(ctx, l.index, l.scope)
		return err
	})
	if !l.scope.NoUntracked && l.d.namesCompare(l.scope) {
		g.Go(func() error { return l.wholeTree(ctx) })
		return g.Wait()
	}
	g.Go(func() (err error) {
		l.dirty, err = l.d.dirtyEntries(ctx, l.index, l.scope)
		return err
	})
	if !l.scope.NoUntracked {
		g.Go(func() (err error) {
			l.untracked, err = l.d.untracked(ctx, l.scope, l.scope.Paths)
			return err
		})
	}
	return g.Wait()
}

// wholeTree asks git about untracked files only if there are any, and only
// about those: whether they are ignored, what lies in unknown folders.
func (l *look) wholeTree(ctx context.Context) error {
	dirty, unknown, err := l.d.wholeTree(ctx, l.index, l.scope)
	l.dirty = dirty
	if err != nil || len(unknown) == 0 {
		return err
	}
	l.untracked, err = l.d.untracked(ctx, l.scope, unknown)
	return err
}

// staged asks git how the index differs from HEAD.
func (d *Dataset) staged(ctx context.Context, index *gitindex.File, scope Scope) (map[string]Change, error) {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return nil, err
	}
	if d.nothingStaged(ctx, index, head.OID) {
		return map[string]Change{}, nil
	}
	base := string(head.OID)
	if base == "" {
		base = string(d.Repo.Format.EmptyTree())
	}
	args := []string{"--literal-pathspecs", "diff-index", "--cached", "--no-renames", "--no-abbrev", "-z", base, "--"}
	if len(scope.Paths) < maxPathspecs {
		args = append(args, scope.Paths...)
	}
	out, err := d.Repo.Output(ctx, args...)
	if err != nil {
		return nil, err
	}
	return parseRaw(string(out), scope)
}

// nothingStaged reports that git has noted in the index that it equals the
// commit's tree. False says nothing.
func (d *Dataset) nothingStaged(ctx context.Context, index *gitindex.File, commit gitobj.OID) bool {
	tree, ok := index.Tree()
	if !ok || commit == "" {
		return false
	}
	view := d.Repo.View(commit)
	root, found, err := view.Lookup(ctx, ".")
	return err == nil && found && root.OID == tree
}

// maxPathspecs is how many paths are given on a command line; with more of
// them everything is listed and filtered here.
const maxPathspecs = 200

// parseRaw reads git's raw diff format with NULs.
func parseRaw(out string, scope Scope) (map[string]Change, error) {
	staged := map[string]Change{}
	fields := strings.Split(out, "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		meta := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(meta) != 5 {
			return nil, fmt.Errorf("read staged changes: unexpected %q", fields[i])
		}
		path := fields[i+1]
		if !scope.covers(path) {
			continue
		}
		c := Change{Path: path}
		if m, err := gitobj.ParseMode(meta[0]); err == nil {
			c.PrevMode, c.Prev = m, gitobj.OID(meta[2])
		}
		if m, err := gitobj.ParseMode(meta[1]); err == nil {
			c.Mode, c.OID = m, gitobj.OID(meta[3])
		}
		staged[path] = c
	}
	return staged, nil
}

// tracked puts the differences between index and work tree beside those
// between HEAD and index.
func (l *look) tracked() []Change {
	var changes []Change
	for _, e := range l.dirty {
		c, isStaged := l.staged[e.Path]
		delete(l.staged, e.Path)
		if !isStaged {
			c = Change{Path: e.Path, Mode: e.Mode, OID: e.OID, Prev: e.OID, PrevMode: e.Mode}
		}
		c.WorkTree, c.Gone, c.unmerged = true, e.verdict == gone, e.Stage != 0
		changes = append(changes, c)
	}
	removed := []Change{}
	for _, c := range l.staged {
		if c.OID.IsZero() {
			c.OID, c.Mode = "", 0
			_, err := os.Lstat(l.d.Repo.Path(c.Path))
			c.Gone = err != nil
			removed = append(removed, c)
		} else {
			changes = append(changes, c)
		}
	}
	for _, list := range [][]Change{changes, removed} {
		sort.Slice(list, func(i, j int) bool { return list[i].Path < list[j].Path })
		for i := range list {
			list[i].describe()
		}
	}
	return append(changes, removed...)
}

// describe fills in State and Type.
func (c *Change) describe() {
	if c.Prev.IsZero() {
		c.Prev, c.PrevMode = "", 0
	}
	mode := c.Mode
	switch {
	case c.OID == "":
		c.State, mode = Deleted, c.PrevMode
	case c.Gone && c.WorkTree:
		c.State = Deleted
	case c.Prev == "":
		c.State = Added
	default:
		c.State = Modified
	}
	c.Type = typeOfMode(mode)
}

func typeOfMode(m gitobj.Mode) string {
	switch m {
	case gitobj.ModeSymlink:
		return "symlink"
	case gitobj.ModeGitlink:
		return "dataset"
	case gitobj.ModeTree:
		return "directory"
	}
	return "file"
}

func typeOfFile(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "symlink"
	case m.IsDir():
		return "directory"
	}
	return "file"
}

// isTemp reports whether a killed process left the file half done.
func isTemp(rel string) bool { return strings.HasPrefix(path.Base(rel), fsx.TempPrefix) }
