// Package nested finds the subdatasets that the paths of jobs lie in, by what
// commits say, and keeps them open while a command works. A repository that no
// commit records is none of them.
package nested

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
)

// Level is a dataset of a hierarchy, as it is checked out.
type Level struct {
	Rel     string // below the topmost one, "." for that
	Dataset *dataset.Dataset
	Head    git.Head
	View    *git.TreeView
	// Tip is what the dataset above would record now: Head, or that of the branch
	// that an adjusted one was made of.
	Tip gitobj.OID
	// Recorded is the commit that the dataset above records.
	Recorded gitobj.OID

	above *Level
	index func() *gitindex.File
	mods  func() ([]dataset.Module, error)
}

func newLevel(rel string, d *dataset.Dataset, head git.Head, view *git.TreeView) *Level {
	l := &Level{Rel: rel, Dataset: d, Head: head, Tip: head.OID, View: view}
	l.index = sync.OnceValue(func() *gitindex.File {
		index, err := d.Repo.ReadIndex()
		if err != nil {
			return nil
		}
		return index
	})
	l.mods = sync.OnceValues(d.Modules)
	return l
}

// Above is the dataset that holds this one; nil for the topmost.
func (l *Level) Above() *Level { return l.above }

// Inside is a path, relative to the topmost dataset, as the level names it.
func (l *Level) Inside(rel string) string {
	switch {
	case l.Rel == ".":
		return rel
	case l.Rel == rel:
		return "."
	}
	return strings.TrimPrefix(rel, l.Rel+"/")
}

// Tree is a dataset with those below it. It is safe for concurrent use.
type Tree struct {
	top      *Level
	recorded bool // subdatasets as the datasets above record them

	mu   sync.Mutex
	subs map[string]*Level
}

// New begins at a dataset, whose view stays the caller's.
func New(d *dataset.Dataset, head git.Head, view *git.TreeView) *Tree {
	return &Tree{top: newLevel(".", d, head, view), subs: map[string]*Level{}}
}

// Recorded is New for the subdatasets as the view's commit records them, whatever
// is checked out there.
func Recorded(d *dataset.Dataset, head git.Head, view *git.TreeView) *Tree {
	t := New(d, head, view)
	t.recorded = true
	return t
}

// Close gives files back.
func (t *Tree) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.subs {
		l.Dataset.Repo.Close()
	}
	clear(t.subs)
}

// AbsentError says that a path lies in a subdataset that is not here.
type AbsentError struct{ Path, Sub string }

func (e *AbsentError) Error() string {
	return fmt.Sprintf("%s lies in the subdataset %s, which is not here", e.Path, e.Sub)
}

// Of returns the deepest dataset that a path, relative to the topmost one and
// without links to folders, is or lies in. It costs a look at the trees on the
// way.
func (t *Tree) Of(ctx context.Context, rel string) (*Level, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.top
	for {
		sub, err := at.View.Gitlink(ctx, at.Inside(rel))
		if err != nil {
			return nil, err
		}
		if sub == "" {
			return at, nil
		}
		next, err := t.open(ctx, at, sub, rel)
		if err != nil {
			return nil, err
		}
		at = next
	}
}

// open opens the subdataset at sub of a level.
func (t *Tree) open(ctx context.Context, at *Level, sub, rel string) (*Level, error) {
	name := path.Join(at.Rel, sub)
	if l := t.subs[name]; l != nil {
		return l, nil
	}
	d, err := at.Dataset.Sub(ctx, sub)
	if errors.Is(err, git.ErrNoRepository) {
		return nil, errs.WithHint(&AbsentError{rel, name}, "obtain it first: `stemma get -n %s`", name)
	}
	if err != nil {
		return nil, err
	}
	e, _, err := at.View.Lookup(ctx, sub)
	if err != nil {
		return nil, errors.Join(err, closed(d))
	}
	head, err := t.headOf(ctx, d, e.OID)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("subdataset %s: %w", name, err), closed(d))
	}
	l := newLevel(name, d, head, d.Repo.View(head.OID))
	l.Recorded, l.above = e.OID, at
	if adjusted.Is(head.Branch()) {
		if l.Tip, err = d.RecordedHead(ctx); err != nil {
			return nil, errors.Join(err, closed(d))
		}
	}
	t.subs[name] = l
	return l, nil
}

// headOf is the commit by which a subdataset is looked at.
func (t *Tree) headOf(ctx context.Context, d *dataset.Dataset, recorded gitobj.OID) (git.Head, error) {
	if !t.recorded {
		return d.Repo.Head(ctx)
	}
	view := d.Repo.View(recorded)
	if _, _, err := view.Lookup(ctx, "."); err != nil {
		return git.Head{}, errs.WithHint(fmt.Errorf("the recorded commit %s is not here", recorded.Short()), "bring it here with `stemma update -r`, or save the subdataset")
	}
	return git.Head{OID: recorded}, nil
}

func closed(d *dataset.Dataset) error { d.Repo.Close(); return nil }

// Inner is for fileid.Identifier: who identifies a file of a subdataset, and by
// which name; nil for files of the topmost dataset, and for what is not here.
func (t *Tree) Inner(ctx context.Context, rel string) (*fileid.Identifier, string, error) {
	l, err := t.Of(ctx, rel)
	var absent *AbsentError
	if errors.As(err, &absent) || err == nil && (l.above == nil || l.Rel == rel) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	id := &fileid.Identifier{Top: l.Dataset.Path(), Format: l.Dataset.Repo.Format, Head: l.View, Index: l.index}
	return id, l.Inside(rel), nil
}

// Below names the subdatasets that are registered below a folder of a level,
// itself not among them, relative to the topmost dataset.
func (l *Level) Below(rel string) (list []string, err error) {
	mods, err := l.mods()
	if err != nil {
		return nil, err
	}
	folder := l.Inside(rel)
	for _, m := range mods {
		if folder == "." || strings.HasPrefix(m.Path, folder+"/") {
			list = append(list, path.Join(l.Rel, m.Path))
		}
	}
	return list, nil
}
