package exporttree

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// snapshot is a commit with its tree.
type snapshot struct{ commit, tree gitobj.OID }

func sameTrees(a, b []snapshot) bool {
	return slices.EqualFunc(a, b, func(x, y snapshot) bool { return x.tree == y.tree })
}

// track brings the steps to the branch of the remote. The imports are a history
// of their own: it is joined with what the branch had. Where the remote remembers
// what was there before, there is a commit for each time.
func (x *importing) track(ctx context.Context, ref string, around []file, steps []step) error {
	old, err := x.s.D.Repo.Ref(ctx, ref)
	if err != nil {
		return err
	}
	who, err := x.s.D.Repo.Identities(ctx, x.s.D.Now())
	if err != nil {
		return err
	}
	w := x.s.D.Repo.WriteObjects(ctx)
	defer w.Abort()
	c := &committer{x: x, writer: w, spec: git.CommitSpec{Who: who, Message: "import from " + x.name}}
	if err := c.add(around, steps); err != nil {
		return err
	}
	next := c.made[0].commit
	if old != "" {
		if next, err = c.join(ctx, old); err != nil || next == old {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return x.s.D.Repo.MoveRefs(ctx, []git.RefMove{{Name: ref, Old: old, New: next}}, "stemma annex import")
}

// committer makes the commits of an import.
type committer struct {
	x      *importing
	writer *git.ObjectWriter
	spec   git.CommitSpec
	made   []snapshot // the newest first
}

// add makes a commit for each step, which nothing is before. around is in all of
// them.
func (c *committer) add(around []file, steps []step) error {
	for n, s := range steps {
		spec := c.spec
		for _, name := range s.gone {
			spec.Changes = append(spec.Changes, git.TreeChange{Path: path.Join(c.x.folder, name), Remove: true})
		}
		if n > 0 {
			spec.Parents = []gitobj.OID{c.made[n-1].commit}
		}
		if err := c.writer.Begin(spec); err != nil {
			return err
		}
		if n == 0 {
			for _, f := range around {
				c.writer.Put(f.path, f.entry.Mode, f.entry.OID)
			}
		}
		for _, f := range s.set {
			c.writer.Put(path.Join(c.x.folder, f.path), f.entry.Mode, f.entry.OID)
		}
		commit, tree, err := c.writer.End()
		if err != nil {
			return err
		}
		c.made = append(c.made, snapshot{commit, tree})
	}
	slices.Reverse(c.made)
	return nil
}

// join returns the commit that has the old one and the import as its parents; the
// old one, where that has all of it.
func (c *committer) join(ctx context.Context, old gitobj.OID) (gitobj.OID, error) {
	depth := len(c.made)
	have, parents, err := c.x.line(ctx, old, depth)
	if err != nil || sameTrees(have, c.made) {
		return old, err
	}
	var before []snapshot // imports that the branch has
	if len(parents) == 2 {
		if before, _, err = c.x.line(ctx, parents[1], depth); err != nil {
			return "", err
		}
		if have[0].tree == c.made[0].tree && sameTrees(before, c.made) {
			return old, nil
		}
	}
	imported, err := c.connect(before)
	if err != nil {
		return "", err
	}
	spec := c.spec
	spec.Message, spec.Parents, spec.TreeOf = trackingMessage, []gitobj.OID{old, imported}, c.made[0].commit
	id, _, err := c.writer.Commit(spec)
	return id, err
}

// connect lets the import continue the one before, as far as its history is the
// same, and returns its last commit. A remote without a history has always one
// commit more.
func (c *committer) connect(before []snapshot) (gitobj.OID, error) {
	fresh := len(c.made) - len(before)
	if len(c.made) == 1 && len(before) == 1 {
		fresh = 1
	} else if len(before) == 0 || !sameTrees(c.made[fresh:], before) {
		return c.made[0].commit, nil
	}
	last := before[0].commit
	for _, s := range slices.Backward(c.made[:fresh]) {
		spec := c.spec
		spec.Parents, spec.TreeOf = []gitobj.OID{last}, s.commit
		var err error
		if last, _, err = c.writer.Commit(spec); err != nil {
			return "", err
		}
	}
	return last, nil
}

// line lists a commit and its ancestors as far as each has one parent, at most so
// many, the newest first, and the parents of the first one.
func (x *importing) line(ctx context.Context, tip gitobj.OID, most int) (list []snapshot, parents []gitobj.OID, err error) {
	out, err := x.s.D.Repo.Output(ctx, "log", "--first-parent", "--format=%H %T %P", fmt.Sprintf("--max-count=%d", most), string(tip), "--")
	if err != nil {
		return nil, nil, err
	}
	for text := range strings.Lines(string(out)) {
		var ids []gitobj.OID
		for word := range strings.FieldsSeq(text) {
			id, err := gitobj.ParseOID(word)
			if err != nil {
				return nil, nil, fmt.Errorf("git log: %w", err)
			}
			ids = append(ids, id)
		}
		if len(ids) < 2 {
			return nil, nil, fmt.Errorf("git log: unexpected line %.100q", text)
		}
		if list = append(list, snapshot{ids[0], ids[1]}); len(list) == 1 {
			parents = ids[2:]
		}
		if len(ids) != 3 {
			break
		}
	}
	if len(list) == 0 {
		err = errors.New("git log: there is no commit " + string(tip))
	}
	return list, parents, err
}
