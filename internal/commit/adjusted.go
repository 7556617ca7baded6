package commit

import (
	"context"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// corresponding is the branch that the checked out adjusted one was made of. Commits
// are made for both at once, with files in the form of each, as git-annex makes
// them one after the other: git-annex's own commit is put on top again, and all
// three refs move together.
type corresponding struct {
	adjustment annex.Adjustment
	ref, basis string     // names of refs
	was, tip   gitobj.OID // where it was, and is with the commits made so far
}

// findCorresponding finds the branch that commits go to as well. There is none where
// a branch is not adjusted; nor where it is in a state, or the commits are of a
// kind, that Dataset.Propagate looks after later.
func (b *builder) findCorresponding(ctx context.Context) (*corresponding, error) {
	name, a, adjusted := annex.ParseAdjusted(b.head.Branch())
	if !adjusted || b.p.Annex == nil || b.req.Shape != Chain || b.signs() {
		return nil, nil
	}
	for _, c := range b.req.Commits {
		if len(c.Parents) > 0 {
			return nil, nil
		}
	}
	o := &corresponding{adjustment: a, ref: "refs/heads/" + name, basis: annex.BasisRef(b.head.Branch())}
	var err error
	if o.was, err = b.p.Repo.Ref(ctx, o.basis); err != nil || o.was == "" {
		return nil, err
	}
	if tip, err := b.p.Repo.Ref(ctx, o.ref); err != nil || tip != o.was {
		return nil, err
	}
	o.tip = o.was
	_, text, err := b.p.Repo.Object(ctx, string(b.head.OID), -1)
	if err != nil || !standsOn(string(text), o.was) {
		return nil, err
	}
	return o, nil
}

// standsOn reports whether a commit is git-annex's on top of another one.
func standsOn(text string, basis gitobj.OID) bool {
	head, message, _ := strings.Cut(text, "\n\n")
	return strings.TrimSpace(message) == annex.AdjustedMessage && strings.Count(head, "\nparent ") == 1 &&
		strings.Contains(head, "\nparent "+string(basis)+"\n")
}

// onOriginal makes commit i, whose changes are known, for the original branch.
func (b *builder) onOriginal(ctx context.Context, i int, c Commit, changes []git.TreeChange) error {
	files := make(map[string]File, len(c.Files))
	for _, f := range c.Files {
		files[f.Path] = f
	}
	own := make([]git.TreeChange, len(changes))
	for n, change := range changes {
		var err error
		if own[n], err = b.inOriginalForm(ctx, files[change.Path], change); err != nil {
			return err
		}
	}
	spec := git.CommitSpec{Parents: []gitobj.OID{b.corresponding.tip}, Message: c.Message, Changes: own}
	if c.Amend {
		old, err := readOriginal(ctx, b.p.Repo, b.corresponding.tip)
		if err != nil {
			return err
		}
		b.who.Author, spec.Parents, spec.TreeOf = old.author, old.parents, b.corresponding.tip
	}
	spec.Who = b.who
	id, _, err := b.writer.Commit(spec)
	b.corresponding.tip, b.res.Commits[i] = id, id
	return err
}

func (b *builder) inOriginalForm(ctx context.Context, f File, change git.TreeChange) (git.TreeChange, error) {
	if change.Remove || change.Mode != gitobj.ModeFile && change.Mode != gitobj.ModeExec || !b.corresponding.adjustment.LocksOriginals() {
		return change, nil
	}
	k, ok, err := b.keyOf(ctx, f)
	if err != nil || !ok {
		return change, err
	}
	change.Mode = gitobj.ModeSymlink
	change.OID, err = b.writer.WriteBlob([]byte(pointer.LinkTarget(k, f.Path)))
	return change, err
}

// keyOf is the key that a file points to, if it is a pointer.
func (b *builder) keyOf(ctx context.Context, f File) (k annexkey.Key, ok bool, err error) {
	text := f.Data
	switch {
	case f.Size > pointer.MaxSize || f.OID == b.p.Repo.Format.HashObject("blob", nil):
		return k, false, nil
	case f.Source != "":
		text, err = b.writer.Blob(f.OID)
	case f.Data == nil:
		text, err = b.p.Repo.SmallBlob(ctx, f.OID, pointer.MaxSize)
	}
	if err != nil {
		return k, false, err
	}
	k, ok = pointer.Parse(text)
	return k, ok && k.Safe() == nil, nil
}

// moveAdjusted puts git-annex's commit, with the files of tip, on top of the
// original branch again.
func (b *builder) moveAdjusted(tip gitobj.OID) error {
	o := b.corresponding
	if o.tip == o.was {
		b.moveHead(tip)
		return nil
	}
	top, _, err := b.writer.Commit(git.CommitSpec{Parents: []gitobj.OID{o.tip}, Who: b.who, TreeOf: tip, Message: annex.AdjustedMessage})
	if err != nil {
		return err
	}
	b.moveHead(top)
	b.moves = append(b.moves, git.RefMove{Name: o.basis, Old: o.was, New: o.tip}, git.RefMove{Name: o.ref, Old: o.was, New: o.tip})
	return nil
}
