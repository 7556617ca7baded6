package annexcmd

import (
	"context"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
)

// UpdateInstead brings the work tree to what was pushed to synced/BRANCH, where
// git's own updateInstead is configured (receive.denyCurrentBranch).
func (s *Session) UpdateInstead(ctx context.Context) error {
	if s.D.Repo.Config.Get("receive.denycurrentbranch") != "updateInstead" {
		return nil
	}
	head, err := s.D.Repo.Head(ctx)
	if err != nil || head.Branch() == "" {
		return err
	}
	if original, _, ok := annex.ParseAdjusted(head.Branch()); ok {
		return s.mergeAdjusted(ctx, SyncOptions{}, "refs/heads/synced/"+original)
	}
	synced := "refs/heads/synced/" + strings.TrimPrefix(head.Ref, "refs/heads/")
	id, err := s.D.Repo.Ref(ctx, synced)
	if err != nil || id == "" || id == head.OID {
		return err
	}
	_, err = s.D.Repo.Output(ctx, "merge", "--ff-only", "--quiet", string(id))
	return err
}
