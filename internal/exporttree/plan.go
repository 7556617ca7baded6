package exporttree

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
)

// deletion is a path at which the remote has something that must go: one of
// the files.
type deletion struct {
	path string
	was  []file
}

// move is content that gets another name.
type move struct {
	file
	to string
}

// plan is what has to happen to what the remote has.
type plan struct {
	deletions []deletion
	spared    []deletion // not to be made: the path has what it shall have
	moves     []move
	changed   map[string]bool // paths at which the trees differ
	moved     map[string]bool // paths that got their content by a move
	failed    map[string]bool // paths that could not be deleted
	temps     []file          // content that an export that was broken off may have under a temporary name
}

// compare makes the plan. Where the remote is known to have one tree, content
// that only changes its name is moved. Where different repositories have exported
// different trees, or an export was broken off while it moved things, nobody
// knows what is at the paths at which these trees are not all the same: what is
// there is deleted.
func (x *export) compare(ctx context.Context) (*plan, error) {
	p := &plan{changed: map[string]bool{}, moved: map[string]bool{}, failed: map[string]bool{}}
	if len(x.old) == 0 {
		for _, f := range x.files {
			p.changed[f.path] = true
		}
	}
	if len(x.old) != 1 || len(x.stale) > 0 {
		return p, x.compareAll(ctx, p)
	}
	var gone []file
	fresh := map[annexkey.Key][]string{}
	err := x.differences(ctx, x.old[0], func(old, new file) {
		if !old.key.IsZero() {
			gone = append(gone, old)
			p.changed[old.path] = true
		}
		if !new.key.IsZero() {
			fresh[new.key] = append(fresh[new.key], new.path)
			p.changed[new.path] = true
		}
	})
	if err != nil {
		return nil, err
	}
	x.match(p, gone, fresh)
	return p, nil
}

// match finds what can be moved among what is to be deleted.
func (x *export) match(p *plan, gone []file, fresh map[annexkey.Key][]string) {
	_, renames := x.store.(remote.Renamer)
	for _, f := range gone {
		if to := fresh[f.key]; renames && len(to) > 0 {
			p.moves = append(p.moves, move{f, to[0]})
			delete(fresh, f.key)
			continue
		}
		p.deletions = append(p.deletions, deletion{f.path, []file{f}})
	}
}

// compareAll plans the deletion of whatever may be at paths of which it is not
// certain what they hold.
func (x *export) compareAll(ctx context.Context, p *plan) error {
	if len(x.old) > 1 {
		x.s.D.Env.Log.Warn("Resolving export conflict..")
	}
	where := map[string]int{}
	for _, tree := range slices.Concat(x.old, x.stale) {
		err := x.differences(ctx, tree, func(old, new file) {
			at := old.path
			if at == "" {
				at = new.path
			}
			i, ok := where[at]
			if !ok {
				i = len(p.deletions)
				where[at] = i
				p.deletions = append(p.deletions, deletion{path: at})
			}
			p.changed[at] = true
			for _, f := range []file{old, new} {
				if !f.key.IsZero() {
					p.deletions[i].was = append(p.deletions[i].was, f)
					p.temps = append(p.temps, f)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// differences compares a tree with the one that is exported.
func (x *export) differences(ctx context.Context, tree string, visit func(old, new file)) error {
	id, err := gitobj.ParseOID(tree)
	if err != nil {
		return fmt.Errorf("export.log: %w", err)
	}
	if !x.s.D.Repo.Has(ctx, id) {
		return errs.WithHint(fmt.Errorf("the tree %s, which was exported to %s, is not here", id, x.name), "fetch the git-annex branch of the repository that exported it, with its history")
	}
	d, err := x.s.D.Repo.StreamDiff(ctx, id, x.tree)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		c, ok, err := d.Peek()
		if err != nil || !ok {
			return err
		}
		old, _, oerr := x.keys.of(ctx, c.Path, c.Old)
		new, _, nerr := x.keys.of(ctx, c.Path, c.New)
		if err := errors.Join(oerr, nerr); err != nil {
			return err
		}
		if old.key != new.key { // else only its mode, or how it is written in git, is another one
			visit(old, new)
		}
		d.Skip()
	}
}

// tree is what the remote is told of a file.
func (x *export) treeFile(ctx context.Context, at string, contents ...file) (remote.TreeFile, error) {
	t := remote.TreeFile{Path: at, Key: contents[0].key}
	if !x.shared {
		return t, nil
	}
	for _, f := range contents {
		ids, err := contentIDs(ctx, x.s, x.uuid, f.key)
		if err != nil {
			return t, err
		}
		t.IDs = append(t.IDs, ids...)
	}
	return t, nil
}

// recover finds content that an export that was broken off has left under
// temporary names: it is used, or deleted.
func (x *export) recover(ctx context.Context, p *plan) error {
	if _, ok := x.store.(remote.Renamer); !ok || len(p.temps) == 0 {
		return nil
	}
	var list []remote.TreeFile
	seen := map[annexkey.Key]bool{}
	for _, f := range p.temps {
		if !seen[f.key] {
			seen[f.key] = true
			list = append(list, remote.TreeFile{Path: remote.ExportedTempName(f.key), Key: f.key})
		}
	}
	there, err := x.store.HasFiles(ctx, list)
	if err != nil {
		return err
	}
	needed := map[annexkey.Key]file{}
	for _, f := range x.files {
		if p.changed[f.path] {
			needed[f.key] = f
		}
	}
	var drop []remote.TreeFile
	for i, t := range list {
		f, use := needed[t.Key]
		switch {
		case there[i] && use:
			p.moves = append(p.moves, move{file{t.Path, f.entry, f.key, f.annexed}, f.path})
		case there[i]:
			drop = append(drop, t)
		}
	}
	if len(drop) == 0 {
		return nil
	}
	return x.store.DeleteFiles(ctx, drop, func(int, error) {})
}

// spare takes back deletions of what is right already, which an export that was
// not completed has stored: it may be here no longer. Only identifiers tell.
func (x *export) spare(ctx context.Context, p *plan) error {
	if !x.shared || len(x.old) == 1 && len(x.stale) == 0 {
		return nil
	}
	var asked []remote.TreeFile
	var which []int
	for i, d := range p.deletions {
		f, wanted := x.byPath[d.path]
		if !wanted {
			continue
		}
		t, err := x.treeFile(ctx, d.path, f)
		if err != nil {
			return err
		}
		if len(t.IDs) > 0 {
			asked, which = append(asked, t), append(which, i)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	there, err := x.store.HasFiles(ctx, asked)
	if err != nil {
		return err
	}
	for i := len(which) - 1; i >= 0; i-- {
		if at := which[i]; there[i] {
			d := p.deletions[at]
			p.spared, p.moved[d.path] = append(p.spared, d), true
			p.deletions = slices.Delete(p.deletions, at, at+1)
		}
	}
	return nil
}

// delete removes what must go.
func (x *export) delete(ctx context.Context, p *plan) error {
	list := p.deletions
	if len(list) == 0 {
		return nil
	}
	files := make([]remote.TreeFile, len(list))
	for i, d := range list {
		var err error
		if files[i], err = x.treeFile(ctx, d.path, d.was...); err != nil {
			return err
		}
	}
	var failure error
	err := x.store.DeleteFiles(ctx, files, func(i int, err error) {
		item := x.item("unexport", files[i].Path)
		o := annexcmd.Outcome{Item: item}
		if err != nil {
			o, p.failed[files[i].Path] = x.broken(item, err), true
		}
		failure = errors.Join(failure, x.report(o))
	})
	return errors.Join(err, failure)
}

// broken is the outcome of what went wrong.
func (x *export) broken(item annexcmd.Item, err error) annexcmd.Outcome {
	o := annexcmd.Outcome{Item: item, Failed: true, Errors: []string{err.Error()}}
	var unknown *remote.UnknownContentError
	if errors.As(err, &unknown) {
		o.Errors = append(o.Errors, "hint: bring it here first: stemma annex import BRANCH --from "+x.name)
	} else if h := errs.Hint(err); h != "" {
		o.Errors = append(o.Errors, "hint: "+h)
	}
	return o
}

// rename moves content. What is in the way of another one gets a temporary name
// first, as two files may change places.
func (x *export) rename(ctx context.Context, p *plan) error {
	if len(p.moves) == 0 {
		return nil
	}
	taken := map[string]bool{} // what is moved, and the folders above
	for _, m := range p.moves {
		for d := m.path; d != "."; d = path.Dir(d) {
			taken[d] = true
		}
	}
	crowded := slices.ContainsFunc(p.moves, func(m move) bool {
		for d := m.to; d != "."; d = path.Dir(d) {
			if taken[d] && (d == m.to || x.moves(p, d)) {
				return true
			}
		}
		return false
	})
	for i := range p.moves {
		m := &p.moves[i]
		if temp := remote.ExportedTempName(m.key); crowded && m.path != temp {
			if err := x.renameOne(ctx, m, temp); err != nil {
				return err
			}
		}
	}
	for i := range p.moves {
		m := &p.moves[i]
		to := m.to
		if err := x.renameOne(ctx, m, to); err != nil {
			return err
		}
		p.moved[to] = m.path == to
	}
	return nil
}

// moves reports whether the path itself is one that is moved.
func (x *export) moves(p *plan, at string) bool {
	return slices.ContainsFunc(p.moves, func(m move) bool { return m.path == at })
}

// renameOne moves content, or deletes it where that cannot be done. m.path is
// where it is then; "" if it is nowhere.
func (x *export) renameOne(ctx context.Context, m *move, to string) error {
	if m.path == "" {
		return nil
	}
	from, err := x.treeFile(ctx, m.path, m.file)
	if err != nil {
		return err
	}
	err = x.store.(remote.Renamer).RenameFile(ctx, from, to)
	if err == nil {
		item := x.item("rename", "")
		item.NoFile = true
		o := annexcmd.Outcome{Item: item, Text: fmt.Sprintf("rename %s %s -> %s ok\n", x.name, m.path, to)}
		m.path = to
		return x.report(o)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !errors.Is(err, remote.ErrAbsent) {
		if m.annexed && !x.s.D.Annex.Has(m.key) {
			if serr := x.save(ctx, m.path, m.file, m.to); serr != nil {
				return errors.Join(err, serr)
			}
		}
		x.s.D.Env.Log.Warn(fmt.Sprintf("rename failed (%v); deleting instead", err))
		if err := x.store.DeleteFiles(ctx, []remote.TreeFile{from}, func(_ int, e error) { err = e }); err != nil {
			return err
		}
	}
	m.path = ""
	return nil
}
