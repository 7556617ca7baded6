package exporttree

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
)

// Options says what is exported where.
type Options struct {
	Tree     string // a tree, or anything that leads to one
	To       string // the remote
	Tracking bool   // the remote shall follow the branch from now on
}

// export is an export on its way.
type export struct {
	*run
	tree      gitobj.OID // what the remote is to have
	files     []file     // of that tree
	byPath    map[string]file
	old       []string // trees that the remote has by the log
	stale     []string // trees of which it may have parts
	shared    bool     // others write there, too
	versioned bool     // what is deleted there can still be read
	known     string   // the tree that we know to be there without a gap
	plan      *plan
	done      annex.LogEdit // records the tree
	failed    int
}

// Export makes the remote have exactly the tree: files are deleted, renamed and
// stored there. Interrupted at any point, it completes when it is repeated. One
// outcome is reported for each file that changes.
func Export(ctx context.Context, s *annexcmd.Session, opt Options) error {
	r, err := open(ctx, s, opt.To, "exports")
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.writable(ctx); err != nil {
		return err
	}
	tree, err := resolve(ctx, s, opt.Tree)
	if err != nil {
		return err
	}
	if opt.Tracking {
		branch := strings.TrimPrefix(opt.Tree, "refs/heads/")
		if err := s.D.Repo.SetConfig(git.Set("remote."+r.name+".annex-tracking-branch", branch)); err != nil {
			return err
		}
	}
	x := &export{run: r, known: r.completeTree()}
	_, x.shared = r.store.(remote.Importer)
	if x.versioned, err = r.yes(ctx, "versioning"); err != nil {
		return err
	}
	if err := x.prepare(ctx, tree); err != nil {
		return err
	}
	if err := x.change(ctx); err != nil {
		return err
	}
	undeleted := x.failed
	err = x.fill(ctx)
	if x.done.Change != nil { // once more, so that lines that the journal has replaced go
		err = errors.Join(err, x.s.Change(ctx, x.done))
	}
	if err != nil || x.failed > undeleted {
		return err
	}
	if undeleted == 0 {
		err = x.setComplete(string(x.tree))
	}
	return errors.Join(err, x.track(ctx, opt.Tree))
}

// report counts failures on the way.
func (x *export) report(o annexcmd.Outcome) error {
	if o.Failed {
		x.failed++
	}
	return x.s.Report(o)
}

func (x *export) item(verb, path string) annexcmd.Item {
	return annexcmd.Item{Command: verb + " " + x.name, File: path, Input: []string{}}
}

// prepare finds out what is to be done, and records that it begins.
func (x *export) prepare(ctx context.Context, tree gitobj.OID) error {
	files, left, err := x.wanted(ctx, tree)
	if err != nil {
		return err
	}
	if x.tree = tree; len(left) > 0 {
		if x.tree, err = treeOf(ctx, x.s, files); err != nil {
			return err
		}
	}
	x.files, x.byPath = files, map[string]file{}
	for _, f := range files {
		x.byPath[f.path] = f
	}
	if err := x.writeExcluded(left); err != nil {
		return err
	}
	data, err := x.s.Log(ctx, annexlog.ExportFile)
	if err != nil {
		return err
	}
	log := annexlog.ParseExports(data)
	x.old, x.stale = log.Trees(x.uuid, x.empty()), log.Incomplete(x.uuid)
	if len(x.old) == 1 && x.old[0] == string(x.tree) && len(x.stale) == 0 {
		return nil // begun, and as far as trees go done, before
	}
	return x.begin(ctx)
}

func (x *run) empty() string { return string(x.s.D.Repo.Format.EmptyTree()) }

// begin records the tree as one of which the remote may have parts.
func (x *export) begin(ctx context.Context) error {
	if err := x.forgetDatabase(); err != nil {
		return err
	}
	if err := x.s.D.Annex.KeepTree(ctx, x.tree, x.s.D.Now()); err != nil {
		return err
	}
	return x.s.D.Annex.Note(ctx, []annex.LogEdit{x.logEdit(func(e annexlog.Exports) ([]byte, error) {
		return e.Begin(x.s.D.Annex.UUID, x.uuid, string(x.tree), x.empty(), x.s.Now())
	})})
}

func (x *run) logEdit(change func(annexlog.Exports) ([]byte, error)) annex.LogEdit {
	return annex.LogEdit{Path: annexlog.ExportFile, UUID: x.uuid, Change: func(old []byte) []byte {
		if out, err := change(annexlog.ParseExports(old)); err == nil {
			return out
		}
		return old // identities that no line can hold
	}}
}

// change makes sure that nothing is left on the remote that the tree has
// otherwise, and records that it has the tree, as far as it has anything. Where
// something could not be deleted, nothing is recorded, so that the next export
// tries again; what was deleted is stored under its new name all the same.
func (x *export) change(ctx context.Context) error {
	p, err := x.compare(ctx)
	if err != nil {
		return err
	}
	x.plan = p
	if len(x.old) == 1 && x.old[0] == string(x.tree) && len(x.stale) == 0 {
		return nil
	}
	if err := errors.Join(x.recover(ctx, p), x.spare(ctx, p)); err != nil {
		return err
	}
	if err := x.rescue(ctx, p); err != nil {
		return err
	}
	if len(p.deletions)+len(p.moves) > 0 {
		if err := x.setComplete(""); err != nil {
			return err
		}
	}
	if err := x.delete(ctx, p); err != nil {
		return err
	}
	if err := x.rename(ctx, p); err != nil {
		return err
	}
	if err := x.locations(ctx, p); err != nil || x.failed > 0 {
		return err
	}
	now := x.s.Now()
	x.done = x.logEdit(func(e annexlog.Exports) ([]byte, error) {
		return e.Complete(x.s.D.Annex.UUID, x.uuid, string(x.tree), x.old, now)
	})
	return errors.Join(x.s.Change(ctx, x.done), x.s.JournalOnly(ctx)) // before anything of the tree is stored
}

// locations records where content no longer is.
func (x *export) locations(ctx context.Context, p *plan) error {
	if x.versioned {
		return nil
	}
	kept := map[string]bool{}
	for _, f := range x.files {
		if f.annexed && !p.changed[f.path] || p.moved[f.path] {
			kept[f.key.String()] = true
		}
	}
	for _, d := range slices.Concat(p.deletions, p.spared) {
		for _, f := range d.was {
			if !f.annexed || kept[f.key.String()] || p.failed[d.path] {
				continue
			}
			if err := x.s.SetLocation(ctx, f.key, x.uuid, annexlog.StatusAbsent); err != nil {
				return err
			}
		}
	}
	return nil
}

// yes reports whether an option of the remote is switched on.
func (x *run) yes(ctx context.Context, field string) (bool, error) {
	v, err := x.s.RemoteOption(ctx, x.uuid, field)
	return v == "yes" || v == "true", err
}
