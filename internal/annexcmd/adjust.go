package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Adjustment is how the files of an adjusted branch differ from those of the
// branch that it was made of.
type Adjustment struct {
	Lock, Unlock, Fix, HideMissing, UnlockPresent bool
}

// adjustedMessage is that of the commit on top of an adjusted branch.
const adjustedMessage = "git-annex adjusted branch"

// name is what stands in the branch's name.
func (a Adjustment) name() string {
	form := ""
	switch {
	case a.UnlockPresent:
		form = "unlockpresent"
	case a.Unlock:
		form = "unlocked"
	case a.Lock:
		form = "locked"
	case a.Fix:
		form = "fixed"
	}
	if !a.HideMissing {
		return form
	}
	if form == "" {
		return "hidemissing"
	}
	return "hidemissing-" + form
}

// parseAdjusted takes the name of an adjusted branch apart.
func parseAdjusted(branch string) (original string, a Adjustment, ok bool) {
	rest, ok := strings.CutPrefix(branch, "adjusted/")
	open := strings.LastIndexByte(rest, '(')
	if !ok || open <= 0 || !strings.HasSuffix(rest, ")") {
		return branch, a, false
	}
	form := rest[open+1 : len(rest)-1]
	if cut, hidden := strings.CutPrefix(form, "hidemissing"); hidden {
		a.HideMissing, form = true, strings.TrimPrefix(cut, "-")
	}
	switch form {
	case "unlocked":
		a.Unlock = true
	case "locked":
		a.Lock = true
	case "fixed":
		a.Fix = true
	case "unlockpresent":
		a.UnlockPresent = true
	case "":
	default:
		return branch, a, false
	}
	return rest[:open], a, true
}

// adjusted is the form that a committed annexed file gets; keep is false where
// it is hidden.
func (s *Session) adjusted(a Adjustment, e gitindex.Entry, k annexkey.Key) (mode gitobj.Mode, text []byte, keep bool) {
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
func (s *Session) Adjust(ctx context.Context, a Adjustment) error {
	head, err := s.D.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if head.OID == "" || head.Branch() == "" {
		return errors.New("adjust: no branch with commits is checked out")
	}
	original, _, _ := parseAdjusted(head.Branch())
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
func (s *Session) enterAdjusted(ctx context.Context, original string, a Adjustment, tip gitobj.OID) error {
	commit, unlocked, err := s.adjustedCommit(ctx, a, tip)
	if err != nil {
		return err
	}
	if _, err := s.D.Repo.Output(ctx, "checkout", "--quiet", "--detach", string(commit)); err != nil {
		return err
	}
	name := "adjusted/" + original + "(" + a.name() + ")"
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
	return s.D.Repo.MoveRefs(ctx, moves, adjustedMessage)
}

// adjustedCommit makes the commit and lists the files that are unlocked in it.
func (s *Session) adjustedCommit(ctx context.Context, a Adjustment, tip gitobj.OID) (commit gitobj.OID, unlocked []string, err error) {
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
	commit, _, err = im.Commit(git.CommitSpec{Parents: []gitobj.OID{tip}, Who: who, Message: adjustedMessage, Changes: changes})
	if err != nil {
		return "", nil, err
	}
	return commit, unlocked, im.Close()
}
