package annexcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// adjusted is the form that a committed annexed file gets; keep is false where
// it is hidden.
func (s *Session) adjusted(a annex.Adjustment, e gitindex.Entry, k annexkey.Key) (mode gitobj.Mode, text []byte, keep bool) {
	here := s.D.Annex.Has(k)
	if a.HideMissing && !here {
		return 0, nil, false
	}
	link := e.Mode == gitobj.ModeSymlink
	switch {
	case link && (a.Unlock || a.UnlockPresent && here):
		return gitobj.ModeFile, pointer.Format(k), true
	case !link && (a.Lock || a.UnlockPresent && !here), link && a.Fix:
		return gitobj.ModeSymlink, []byte(pointer.LinkTarget(k, e.Path)), true
	}
	return 0, nil, true
}

// Adjust checks out the adjusted form of the present branch.
func (s *Session) Adjust(ctx context.Context, a annex.Adjustment) error {
	head, err := s.D.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if head.OID == "" || head.Branch() == "" {
		return errors.New("adjust: no branch with commits is checked out")
	}
	original, _, _ := annex.ParseAdjusted(head.Branch())
	tip, err := s.D.Repo.Ref(ctx, "refs/heads/"+original)
	if err != nil {
		return err
	}
	if tip == "" {
		return fmt.Errorf("adjust: there is no branch %s", original)
	}
	if err := s.enterAdjusted(ctx, original, a, tip); err != nil {
		return err
	}
	return s.Report(Item{Command: "adjust", NoFile: true}.ok())
}

// enterAdjusted makes the adjusted form of a commit, and checks it out under
// the name that belongs to it.
func (s *Session) enterAdjusted(ctx context.Context, original string, a annex.Adjustment, tip gitobj.OID) error {
	commit, unlocked, err := s.adjustedCommit(ctx, a, tip)
	if err != nil {
		return err
	}
	if _, err := s.D.Repo.Output(ctx, "checkout", "--quiet", "--detach", string(commit)); err != nil {
		return err
	}
	name := "adjusted/" + original + "(" + a.Name() + ")"
	if err := s.moveTo(ctx, map[string]gitobj.OID{
		"refs/heads/" + name: commit, "refs/basis/" + name: tip, "refs/heads/" + original: tip,
	}); err != nil {
		return err
	}
	if _, err := s.D.Repo.Output(ctx, "checkout", "--quiet", name, "--"); err != nil {
		return err
	}
	return s.D.PopulateFiles(ctx, unlocked)
}

// moveTo moves refs in one transaction, whatever they were.
func (s *Session) moveTo(ctx context.Context, refs map[string]gitobj.OID) error {
	var moves []git.RefMove
	for name, id := range refs {
		old, err := s.D.Repo.Ref(ctx, name)
		if err != nil {
			return err
		}
		if old != id {
			moves = append(moves, git.RefMove{Name: name, Old: old, New: id})
		}
	}
	if len(moves) == 0 {
		return nil
	}
	return s.D.Repo.MoveRefs(ctx, moves, annex.AdjustedMessage)
}

// adjustedCommit makes the commit and lists the files that are unlocked in it.
func (s *Session) adjustedCommit(ctx context.Context, a annex.Adjustment, tip gitobj.OID) (commit gitobj.OID, unlocked []string, err error) {
	who, err := s.D.Repo.Identities(ctx, s.D.Now())
	if err != nil {
		return "", nil, err
	}
	im, err := s.D.Repo.StartImport(ctx)
	if err != nil {
		return "", nil, err
	}
	defer im.Abort()
	var changes []git.TreeChange
	err = s.treePaths(ctx, string(tip), func(e gitindex.Entry) error {
		k, ok, err := s.blobKey(ctx, e)
		if err != nil || !ok {
			return err
		}
		mode, text, keep := s.adjusted(a, e, k)
		if !keep {
			changes = append(changes, git.TreeChange{Path: e.Path, Remove: true})
			return nil
		}
		if mode == 0 {
			return nil
		}
		if mode == gitobj.ModeFile {
			unlocked = append(unlocked, e.Path)
		}
		id, err := im.WriteBlob(text)
		changes = append(changes, git.TreeChange{Path: e.Path, Mode: mode, OID: id})
		return err
	})
	if err != nil {
		return "", nil, err
	}
	commit, _, err = im.Commit(git.CommitSpec{Parents: []gitobj.OID{tip}, Who: who, Message: annex.AdjustedMessage, Changes: changes})
	if err != nil {
		return "", nil, err
	}
	return commit, unlocked, im.Close()
}
