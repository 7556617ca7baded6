package annexcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// advanceAdjusted takes over what another branch has beyond the original one.
func (s *Session) advanceAdjusted(ctx context.Context, branch string, id gitobj.OID) error {
	original, a, _ := annex.ParseAdjusted(branch)
	tip, err := s.D.Repo.Ref(ctx, "refs/heads/"+original)
	if err != nil || tip == id {
		return err
	}
	if old, err := s.D.Repo.IsAncestor(ctx, id, tip); err != nil || old {
		return err
	}
	if forward, err := s.D.Repo.IsAncestor(ctx, tip, id); err != nil || !forward {
		return errors.Join(err, errs.WithHint(fmt.Errorf("%s and what was fetched for it have diverged", original),
			"check out %s, merge there, and run `git annex adjust` again", original))
	}
	return s.enterAdjusted(ctx, original, a, id)
}
