package discard

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/transfer"
)

// manyDrops is how many files make it worth while to prepare for them.
const manyDrops = 16

// atOnce is how many files are dropped at once. Where only this machine's file
// systems are asked, more are under way: most of the time they wait for disks.
func (r *emptying) atOnce(peers []dataset.Peer) int {
	limit := r.d.Jobs(r.opt.Jobs)
	if r.opt.Jobs > 0 {
		return limit
	}
	for _, p := range peers {
		if p.Remote == nil {
			continue
		}
		if _, local := remote.As[remote.Locator](p.Remote); local {
			return max(limit, manyDrops)
		}
		return remote.AtOnce(p.Remote, limit)
	}
	return max(limit, manyDrops)
}

// carryOut drops the keys that the proofs allow to go, and records it. The
// location log follows for all of them at once; after a kill in between, the log
// claims too much, so whoever relies on it looks here first, and the same drop
// again corrects it. It returns how each key fared; nil is success. The error is
// for what concerns all.
func (r *emptying) carryOut(ctx context.Context, p *proofs) (map[annexkey.Key]error, error) {
	store := r.d.OwnStore()
	outcome, err := r.dropAll(ctx, store, p)
	ctx = context.WithoutCancel(ctx)
	return outcome, errors.Join(err, r.d.PublishLocations(ctx, r.gone, "stemma drop"), r.d.Depopulate(ctx, r.gone))
}

// dropAll drops the keys, some at once. It returns what carryOut does.
func (r *emptying) dropAll(ctx context.Context, store *local.Store, p *proofs) (map[annexkey.Key]error, error) {
	if len(r.files) >= manyDrops {
		defer fsx.ManyCalls()()
	}
	defer store.Carry()()
	for _, q := range p.peers {
		if c, ok := remote.As[remote.LockCarrier](q.Remote); ok {
			defer c.CarryLocks()()
		}
	}
	outcome := map[annexkey.Key]error{}
	var mu sync.Mutex
	group, gctx := errgroup.WithContext(ctx)
	files := make(chan annexedFile)
	for range min(r.atOnce(p.peers), len(r.files)) {
		group.Go(func() error {
			for f := range files {
				proof, err := p.of(gctx, f)
				if err == nil {
					err = transfer.Drop(gctx, store, f.key, proof)
				}
				if f.left && errors.Is(err, remote.ErrAbsent) {
					err = transfer.Prove(gctx, f.key, proof)
				}
				if gctx.Err() != nil && err != nil {
					return gctx.Err()
				}
				mu.Lock()
				outcome[f.key] = err
				if err == nil || errors.Is(err, remote.ErrAbsent) {
					r.gone = append(r.gone, f.key)
				}
				mu.Unlock()
				if errs.Fatal(err) {
					return err
				}
			}
			return nil
		})
	}
	started := map[annexkey.Key]bool{}
	for _, f := range r.files {
		if started[f.key] || gctx.Err() != nil {
			continue
		}
		started[f.key] = true
		select {
		case files <- f:
		case <-gctx.Done():
		}
	}
	close(files)
	return outcome, errors.Join(group.Wait(), ctx.Err())
}
