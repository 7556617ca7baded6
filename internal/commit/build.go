package commit

import (
	"context"
	"fmt"
	"slices"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// builder makes the commits of one attempt.
type builder struct {
	p       *Publisher
	writer  *git.ObjectWriter
	req     Request
	head    git.Head
	dropped map[int]bool // commits that are no longer wanted
	who     git.Identities
	journal *annex.Journal
	res     Result
	moves   []git.RefMove
	edits   []gitindex.Edit
	early   *earlyIndex // nil: not begun, or handed over
	trees   *treeState  // of a batch; nil: the writer is asked
	// corresponding is the branch that an adjusted one was made of; nil: the branch is
	// not adjusted.
	corresponding *corresponding
}

func (b *builder) close() {
	b.dropIndex()
	if b.journal != nil {
		b.journal.Unlock()
		b.journal = nil
	}
}

// build writes all objects and waits until they are durable.
func (b *builder) build(ctx context.Context) error {
	var err error
	if b.who, err = b.p.Repo.Identities(ctx, b.p.now()); err != nil {
		return err
	}
	b.res = Result{Commits: make([]gitobj.OID, len(b.req.Commits)), Changed: make([]bool, len(b.req.Commits)), Tip: b.head.OID}
	if err := b.commits(ctx); err != nil {
		return err
	}
	b.beginIndex(ctx)
	if err := b.logs(ctx); err != nil {
		return err
	}
	if err := b.writer.Close(); err != nil {
		return err
	}
	return b.sign(ctx)
}

// commits makes the user's commits in the shape asked for.
func (b *builder) commits(ctx context.Context) error {
	tip := b.head.OID
	var err error
	if b.corresponding, err = b.findCorresponding(ctx); err != nil {
		return err
	}
	if len(b.req.Commits) > 1 {
		b.trees = newTreeState(b.p.Repo, tip)
	}
	for i, c := range b.req.Commits {
		if b.dropped[i] {
			continue
		}
		id, err := b.one(ctx, i, c, tip)
		if err != nil {
			return err
		}
		switch {
		case id == "":
		case b.req.Shape == Chain:
			tip = id
		case b.req.Shape == Branches:
			b.moves = append(b.moves, git.RefMove{Name: b.req.BranchOf(i), New: id})
		}
	}
	if b.corresponding != nil {
		return b.moveAdjusted(tip)
	}
	if b.req.Shape == Octopus {
		if tip, err = b.octopus(ctx, tip); err != nil {
			return err
		}
	}
	b.moveHead(tip)
	return nil
}

// one makes commit i on top of parent, or none where nothing changes.
func (b *builder) one(ctx context.Context, i int, c Commit, parent gitobj.OID) (gitobj.OID, error) {
	changes, err := b.effective(ctx, c.Files, parent)
	if err != nil {
		return "", err
	}
	b.res.Changed[i] = len(changes) > 0
	if c.Amend && b.corresponding == nil {
		return b.amended(ctx, i, c, parent, changes)
	}
	if len(changes) == 0 && !c.AllowEmpty && !c.Amend && len(c.Parents) == 0 {
		b.index(c.Files)
		return "", nil
	}
	spec := git.CommitSpec{Who: b.who, Message: c.Message, Changes: changes}
	if parent != "" {
		spec.Parents = []gitobj.OID{parent}
	}
	if n := len(c.Parents); n > 0 {
		if c.Parents[n-1] != parent {
			return "", fmt.Errorf("commit: %w", errMoved)
		}
		spec.Parents, spec.TreeOf = c.Parents, parent
	}
	id, _, err := b.writer.Commit(spec)
	if err != nil {
		return "", fmt.Errorf("commit: %w", err)
	}
	b.res.Commits[i] = id
	b.index(c.Files)
	if b.trees != nil && b.req.Shape == Chain {
		b.trees.apply(changes)
	}
	if b.corresponding != nil {
		return id, b.onOriginal(ctx, i, c, changes)
	}
	return id, nil
}

// effective leaves out what the parent's tree already says.
func (b *builder) effective(ctx context.Context, files []File, parent gitobj.OID) ([]git.TreeChange, error) {
	have, err := b.entries(ctx, files, parent)
	if err != nil {
		return nil, err
	}
	var changes []git.TreeChange
	for i, f := range files {
		if f.Remove && have[i].OID == "" || !f.Remove && have[i] == (git.TreeEntry{Mode: f.Mode, OID: f.OID}) {
			continue
		}
		changes = append(changes, git.TreeChange{Path: f.Path, Mode: f.Mode, OID: f.OID, Remove: f.Remove})
	}
	return changes, nil
}

// entries returns what the parent's tree has at the paths of the files.
func (b *builder) entries(ctx context.Context, files []File, parent gitobj.OID) ([]git.TreeEntry, error) {
	have := make([]git.TreeEntry, len(files))
	if b.trees != nil {
		for i, f := range files {
			var err error
			if have[i], err = b.trees.entry(ctx, f.Path); err != nil {
				return nil, err
			}
		}
		return have, nil
	}
	if parent == "" {
		return have, nil
	}
	for i, f := range files {
		e, ok, err := b.writer.Entry(parent, f.Path)
		if err != nil {
			return nil, err
		}
		if ok {
			have[i] = e
		}
	}
	return have, nil
}

// index collects what the index must say afterwards. Commits on branches
// that are not checked out leave it alone.
func (b *builder) index(files []File) {
	if b.req.Shape == Branches {
		return
	}
	b.edits = append(b.edits, editsOf(files)...)
}

// octopus merges all commits, whose files never overlap, into one.
func (b *builder) octopus(ctx context.Context, tip gitobj.OID) (gitobj.OID, error) {
	spec := git.CommitSpec{Who: b.who, Message: b.req.MergeMessage}
	if tip != "" {
		spec.Parents = []gitobj.OID{tip}
	}
	for i, c := range b.req.Commits {
		if b.res.Commits[i] == "" {
			continue
		}
		spec.Parents = append(spec.Parents, b.res.Commits[i])
		changes, err := b.effective(ctx, c.Files, tip)
		if err != nil {
			return "", err
		}
		spec.Changes = append(spec.Changes, changes...)
	}
	switch made := len(spec.Parents) - 1; {
	case made <= 0:
		return tip, nil
	case made == 1:
		return spec.Parents[1], nil // like git's fast-forward
	}
	id, _, err := b.writer.Commit(spec)
	return id, err
}

func (b *builder) moveHead(tip gitobj.OID) {
	b.res.Tip = tip
	if tip == b.head.OID {
		return
	}
	name := b.head.Ref
	if name == "" {
		name = "HEAD"
	}
	b.moves = append(b.moves, git.RefMove{Name: name, Old: b.head.OID, New: tip})
}

// logs makes the commit of the git-annex branch. The journal lock is kept
// until the refs have moved.
func (b *builder) logs(ctx context.Context) error {
	// A request for nothing at all is about the journal.
	if b.p.Annex == nil || len(b.req.Logs) == 0 && (len(b.req.Commits) > 0 || !b.p.Annex.Pending()) {
		return nil
	}
	j, err := b.p.Annex.LockJournal(ctx)
	if err != nil {
		return err
	}
	b.journal = j
	old, err := b.p.Repo.Ref(ctx, annex.BranchRef)
	if err != nil {
		return err
	}
	start := old
	if start == "" {
		start = b.req.LogsOn
	}
	if start == "" {
		if start, err = b.p.Repo.Ref(ctx, "refs/remotes/origin/git-annex"); err != nil {
			return err
		}
	}
	tip, err := j.Prepare(ctx, b.writer, start, b.req.Logs, b.who)
	if err != nil {
		return err
	}
	if tip != old {
		// First: what the logs say is true whether or not the others follow.
		b.moves = slices.Insert(b.moves, 0, git.RefMove{Name: annex.BranchRef, Old: old, New: tip})
	}
	return nil
}

// tags maps the callers' tags to the commits that hold their results.
func (b *builder) tags() map[int64]gitobj.OID {
	tags := map[int64]gitobj.OID{}
	for i, c := range b.req.Commits {
		if c.Tag == 0 || b.dropped[i] {
			continue
		}
		tags[c.Tag] = b.res.Commits[i]
		if tags[c.Tag] == "" {
			tags[c.Tag] = b.head.OID
		}
	}
	return tags
}
