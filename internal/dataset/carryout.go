package dataset

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/transfer"
)

// manyDrops is how many files make it worth while to prepare for them.
const manyDrops = 16

// atOnce is how many files are dropped at once. Where only this machine's file
// systems are asked, more are under way: most of the time they wait for disks.
func (r *dropping) atOnce(peers []peer) int {
	limit := r.d.jobs(r.opt.Jobs)
	if r.opt.Jobs > 0 {
		return limit
	}
	for _, p := range peers {
		if p.remote == nil {
			continue
		}
		if _, local := remote.As[remote.Locator](p.remote); local {
			return max(limit, manyDrops)
		}
		return remote.AtOnce(p.remote, limit)
	}
	return max(limit, manyDrops)
}

// carryOut drops the keys that the proofs allow to go, and records it. The
// location log follows for all of them at once; after a kill in between, the log
// claims too much, so whoever relies on it looks here first, and the same drop
// again corrects it. It returns how each key fared; nil is success. The error is
// for what concerns all.
func (r *dropping) carryOut(ctx context.Context, p *proofs) (map[annexkey.Key]error, error) {
	store := r.d.ownStore()
	defer store.Carry()() // at the end: folders go while the log is written
	outcome, err := r.dropAll(ctx, store, p)
	ctx = context.WithoutCancel(ctx)
	return outcome, errors.Join(err, r.d.publishLocations(ctx, r.gone, "stemma drop"), r.d.depopulate(ctx, r.gone))
}

// dropAll drops the keys, some at once. It returns what carryOut does.
func (r *dropping) dropAll(ctx context.Context, store *local.Store, p *proofs) (map[annexkey.Key]error, error) {
	if len(r.files) >= manyDrops {
		defer fsx.ManyCalls()()
	}
	for _, q := range p.peers {
		if c, ok := remote.As[remote.LockCarrier](q.remote); ok {
			defer c.CarryLocks()()
		}
	}
	outcome := map[annexkey.Key]error{}
	var mu sync.Mutex
	group, gctx := errgroup.WithContext(ctx)
	keys := make(chan annexkey.Key)
	for range min(r.atOnce(p.peers), len(r.files)) {
		group.Go(func() error {
			for k := range keys {
				proof, err := p.of(gctx, k)
				if err == nil {
					err = transfer.Drop(gctx, store, k, proof)
				}
				if gctx.Err() != nil && err != nil {
					return gctx.Err()
				}
				mu.Lock()
				outcome[k] = err
				if err == nil || errors.Is(err, remote.ErrAbsent) {
					r.gone = append(r.gone, k)
				}
				mu.Unlock()
				if fatal(err) {
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
		case keys <- f.key:
		case <-gctx.Done():
		}
	}
	close(keys)
	return outcome, errors.Join(group.Wait(), ctx.Err())
}
