package dataset

import (
	"context"
	"sync"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Ancestors tells the keys that files have in the last commit, and what the
// git-annex branch says of them: new versions inherit it. All answers are of the
// moment of the first question. It is safe for concurrent use.
type Ancestors struct {
	d    *Dataset
	open func() error // finds out what the last commit is, once
	tree *git.TreeView
	logs *annex.Snapshot
}

// Ancestors of the files of a dataset with an annex. Nothing is read yet.
func (d *Dataset) Ancestors(ctx context.Context) *Ancestors {
	a := &Ancestors{d: d}
	a.open = sync.OnceValue(func() error {
		head, err := d.Repo.Head(ctx)
		if err != nil {
			return err
		}
		a.tree = d.Repo.View(head.OID)
		a.logs, err = d.Annex.Snapshot(ctx)
		return err
	})
	return a
}

// Key is the one that the last commit has at a path, relative to the top.
func (a *Ancestors) Key(ctx context.Context, rel string) (k annexkey.Key, ok bool, err error) {
	if err := a.open(); err != nil {
		return k, false, err
	}
	e, ok, err := a.tree.Lookup(ctx, rel)
	if err != nil || !ok || e.Mode == gitobj.ModeTree || e.Mode == gitobj.ModeGitlink {
		return k, false, err
	}
	return a.d.BlobKey(ctx, e.Mode, e.OID)
}

// Metadata is the log of the metadata that a file at a path had, if its key was
// another one; nil where there is none.
func (a *Ancestors) Metadata(ctx context.Context, rel string, now annexkey.Key) ([]byte, error) {
	old, ok, err := a.Key(ctx, rel)
	if err != nil || !ok || old == now {
		return nil, err
	}
	return a.logs.ReadLog(ctx, annexlog.KeyPath(old, annexlog.MetaDataSuffix))
}

// inherit notes what a file that was stored has to take over.
func (a *Ancestors) inherit(ctx context.Context, it *item) error {
	if it.Prev == "" { // a new file
		return nil
	}
	log, err := a.Metadata(ctx, it.Path, it.key)
	if err != nil {
		return err
	}
	if e, ok := annex.InheritMetadata(log, it.key); ok {
		it.metadata = append(it.metadata, e)
		it.record = it.record.Msg(annex.InheritedNote(it.Path))
	}
	return nil
}
