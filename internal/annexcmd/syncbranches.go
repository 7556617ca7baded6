package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/annexmerge"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// mergeRef merges a branch into the one that is checked out, if it has more.
func (s *Session) mergeRef(ctx context.Context, ref string, opt SyncOptions) error {
	head, err := s.D.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if adjusted.Is(head.Branch()) {
		return s.mergeAdjusted(ctx, opt, ref)
	}
	id, err := s.D.Repo.Ref(ctx, ref)
	if err != nil || id == "" {
		return err
	}
	return s.merge(ctx, annexmerge.Theirs{Ref: ref, ID: id}, opt)
}

// merge brings a commit into the branch that is checked out, if it has more.
func (s *Session) merge(ctx context.Context, theirs annexmerge.Theirs, opt SyncOptions) error {
	opt, err := s.resolving(ctx, opt)
	if err != nil {
		return err
	}
	return annexmerge.IntoHead(ctx, s.D, theirs, annexmerge.Options{Unrelated: opt.AllowUnrelated, NoResolve: opt.NoResolve})
}

// resolving takes what no option says of conflicts from the configuration.
func (s *Session) resolving(ctx context.Context, opt SyncOptions) (SyncOptions, error) {
	if opt.NoResolve || opt.Resolve {
		return opt, nil
	}
	on, err := s.SwitchOr(ctx, "annex.resolvemerge", true)
	opt.NoResolve = !on
	return opt, err
}

// MergeSynced merges what was pushed to our synced/BRANCH.
func (s *Session) MergeSynced(ctx context.Context, opt SyncOptions) error {
	branch, err := s.branch(ctx)
	if err != nil || branch == "" {
		return err
	}
	return s.mergeRef(ctx, "refs/heads/synced/"+branch, opt)
}

// MergeBranch merges any branch, by the name that git knows it by, into the one
// that is checked out.
func (s *Session) MergeBranch(ctx context.Context, name string, opt SyncOptions) error {
	out, err := s.D.Repo.Output(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if err != nil {
		return errs.WithHint(fmt.Errorf("merge: %s - not something we can merge", name), "`git branch --all` lists the branches")
	}
	head, err := s.D.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if adjusted.Is(head.Branch()) {
		full, err := s.D.Repo.Output(ctx, "rev-parse", "--symbolic-full-name", "--end-of-options", name)
		if err != nil || len(full) == 0 {
			return errors.Join(err, fmt.Errorf("merge: %s is no branch, which an adjusted branch needs", name))
		}
		return s.mergeAdjusted(ctx, opt, strings.TrimSpace(string(full)))
	}
	id := gitobj.OID(strings.TrimSpace(string(out)))
	return s.merge(ctx, annexmerge.Theirs{Ref: name, ID: id}, opt)
}

// CleanUp deletes the synced branches that synchronisations have made, here and
// at the remotes.
func (s *Session) CleanUp(ctx context.Context, names []string, say func(where string, err error) error) error {
	remotes, err := s.syncRemotes(names)
	if err != nil {
		return err
	}
	branch, err := s.branch(ctx)
	if err != nil || branch == "" {
		return err
	}
	synced := []string{"synced/" + branch, "synced/git-annex"}
	if err := say("local", s.deleteBranches(ctx, synced)); err != nil {
		return err
	}
	for _, r := range remotes {
		_, err := s.D.Repo.Output(ctx, append([]string{"push", "--quiet", "--delete", "--", r}, synced...)...)
		if err := say(r, err); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) deleteBranches(ctx context.Context, names []string) error {
	var moves []git.RefMove
	for _, n := range names {
		old, err := s.D.Repo.Ref(ctx, "refs/heads/"+n)
		if err != nil {
			return err
		}
		if old != "" {
			moves = append(moves, git.RefMove{Name: "refs/heads/" + n, Old: old})
		}
	}
	if len(moves) == 0 {
		return nil
	}
	return s.D.Repo.MoveRefs(ctx, moves, "git-annex sync --cleanup")
}
