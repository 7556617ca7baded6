package commit

import (
	"context"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
)

// MoveRefs moves refs, of which HEAD's branch may be one, to commits that are
// durable and of which the index and the work tree know already. A process that
// is killed in between is made up for by the next one that takes the lease,
// which the caller holds. Where a ref has another value than is expected,
// nothing is moved.
func (p *Publisher) MoveRefs(ctx context.Context, lease *fsx.Lease, moves []git.RefMove, reason string) error {
	if len(moves) == 0 {
		return nil
	}
	head, err := p.Repo.Head(ctx)
	if err != nil {
		return err
	}
	return p.move(ctx, lease, &builder{p: p, head: head, moves: moves, req: Request{Reason: reason}})
}
