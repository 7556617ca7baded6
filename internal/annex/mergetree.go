package annex

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// merge makes the commit that unites own, the others and the journal, and
// returns it, or an existing one where nothing needs to be made.
func (j *Journal) merge(ctx context.Context, own gitobj.OID, others []otherBranch, who git.Identities) (gitobj.OID, error) {
	journal, err := j.readJournal()
	if err != nil {
		return "", err
	}
	if len(journal) == 0 && own != "" {
		if tip, err := j.annex.forward(ctx, own, others); err != nil || tip != "" {
			return tip, err
		}
	}
	w := j.annex.Repo.WriteObjects(ctx)
	defer w.Abort()
	if own == "" {
		if own, _, err = w.Commit(git.CommitSpec{Who: who, Message: "branch created"}); err != nil {
			return "", err
		}
	}
	m := merger{ctx: ctx, repo: j.annex.Repo, writer: w, own: own}
	if err := w.Begin(git.CommitSpec{Parents: m.parents(others), Who: who, Message: mergeMessage(others)}); err != nil {
		return "", err
	}
	if err := m.unite(others); err != nil {
		return "", err
	}
	if err := j.foldInto(w, journal); err != nil {
		return "", err
	}
	tip, _, err := w.End()
	if err != nil {
		return "", err
	}
	return tip, w.Close()
}

// forward returns the one tip that contains all others and own, or "".
func (a *Annex) forward(ctx context.Context, own gitobj.OID, others []otherBranch) (gitobj.OID, error) {
	best := own
	for _, o := range others {
		newer, err := a.Repo.IsAncestor(ctx, best, o.tip)
		if err != nil {
			return "", err
		}
		if newer {
			best = o.tip
			continue
		}
		if older, err := a.Repo.IsAncestor(ctx, o.tip, best); err != nil || !older {
			return "", err
		}
	}
	return best, nil
}

// mergeMessage is git-annex's, without a newline at the end.
func mergeMessage(others []otherBranch) string {
	names := make([]string, len(others))
	for i, o := range others {
		names[i] = strings.TrimPrefix(strings.TrimPrefix(o.ref, "refs/heads/"), "refs/remotes/")
	}
	return "merging " + strings.Join(names, " ") + " into git-annex"
}

// foldInto adds the journal's version of each of its files to the begun commit.
func (j *Journal) foldInto(w *git.ObjectWriter, journal map[string][]byte) error {
	for _, p := range slices.Sorted(maps.Keys(journal)) {
		e, ok, err := w.Present(p)
		if err != nil {
			return err
		}
		content := journal[p]
		if ok {
			old, err := w.Blob(e.OID)
			if err != nil {
				return err
			}
			content = annexlog.Union(old, content)
			if bytes.Equal(content, old) {
				continue
			}
		}
		if err := j.refresh(p, journal, content); err != nil {
			return err
		}
		w.PutData(p, gitobj.ModeFile, content)
	}
	return nil
}

// merger unites log files in a begun commit.
type merger struct {
	ctx    context.Context
	repo   *git.Repo
	writer *git.ObjectWriter
	own    gitobj.OID
}

// versions are the different blobs that one path has on all sides, own first.
type versions struct {
	path  string
	ours  bool // the first one is the own side's
	blobs []gitobj.OID
}

func (m *merger) parents(others []otherBranch) []gitobj.OID {
	list := []gitobj.OID{m.own}
	for _, o := range others {
		if !slices.Contains(list, o.tip) {
			list = append(list, o.tip)
		}
	}
	return list
}

// unite walks the differences of all branches in parallel, by path.
func (m *merger) unite(others []otherBranch) error {
	var diffs []*git.TreeStream
	defer func() {
		for _, d := range diffs {
			d.Close()
		}
	}()
	for _, o := range m.parents(others)[1:] {
		d, err := m.repo.StreamDiff(m.ctx, m.differenceBase(), o)
		if err != nil {
			return err
		}
		diffs = append(diffs, d)
	}
	for {
		v, ok, err := smallest(diffs)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if err := m.add(v); err != nil {
			return err
		}
	}
}

// differenceBase is what the branches are compared with: a new branch's first
// commit is not readable for others yet, and empty.
func (m *merger) differenceBase() gitobj.OID {
	if m.writer.Made(m.own) {
		return m.repo.Format.EmptyTree()
	}
	return m.own
}

// smallest takes the next path off all diffs that have it in front.
func smallest(diffs []*git.TreeStream) (v versions, ok bool, err error) {
	for _, d := range diffs {
		c, more, err := d.Peek()
		if err != nil {
			return v, false, err
		}
		if more && (!ok || c.Path < v.path) {
			v, ok = versions{path: c.Path}, true
		}
	}
	if !ok {
		return v, false, nil
	}
	for _, d := range diffs {
		if c, more, _ := d.Peek(); more && c.Path == v.path {
			v.take(c)
			d.Skip()
		}
	}
	return v, true, nil
}

func (v *versions) take(c git.TreeDifference) {
	if c.Old.OID != "" && c.Old.Mode != gitobj.ModeTree && !v.ours {
		v.ours = true
		v.blobs = slices.Insert(v.blobs, 0, c.Old.OID)
	}
	// What is missing there stays here; links and nested repositories are no logs.
	if c.New.OID != "" && c.New.Mode.IsRegular() && !slices.Contains(v.blobs, c.New.OID) {
		v.blobs = append(v.blobs, c.New.OID)
	}
}

func (m *merger) add(v versions) error {
	switch {
	case !safeLogPath(v.path) || len(v.blobs) == 0 || v.ours && len(v.blobs) == 1:
		return nil
	case len(v.blobs) == 1:
		m.writer.Put(v.path, gitobj.ModeFile, v.blobs[0])
		return nil
	}
	sides := make([][]byte, len(v.blobs))
	for i, id := range v.blobs {
		data, err := m.writer.Blob(id)
		if err != nil {
			return err
		}
		sides[i] = data
	}
	m.put(&v, sides)
	return nil
}

func (m *merger) put(v *versions, sides [][]byte) {
	united := annexlog.Union(sides...)
	for n, side := range sides {
		if bytes.Equal(united, side) {
			if n > 0 || !v.ours {
				m.writer.Put(v.path, gitobj.ModeFile, v.blobs[n])
			}
			return
		}
	}
	m.writer.PutData(v.path, gitobj.ModeFile, united)
}
