package jobs

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/ledger"
)

// settle makes rows wait whose inputs are made by open jobs, and finishes what
// is completed; the scheduler is asked once a round for all of them.
func (b *sweepBatch) settle(ctx context.Context) error {
	finished := map[int64]bool{}
	for range attempts {
		rows, all := b.waiting()
		if len(rows) == 0 {
			return nil
		}
		states, err := producerStates(ctx, b.sw.s, all)
		if err != nil {
			return err
		}
		var done []ledger.Job
		var retry []*sweepJob
		for _, r := range rows {
			var p *pendingInputs
			errors.As(r.failed, &p)
			r.finished = finished
			first, err := r.decide(p.list, states)
			if r.failed = err; err == nil {
				done, retry = append(done, first...), append(retry, r)
			}
		}
		if len(done) > 0 {
			if err := retry[0].finishFirst(ctx, done); err != nil {
				return err
			}
			for _, r := range retry {
				r.start = b.start
			}
		}
		if err := b.claimRows(ctx, retry); err != nil {
			return err
		}
	}
	return nil
}

// waiting lists the rows that could not be claimed because of their inputs.
func (b *sweepBatch) waiting() (rows []*sweepJob, all []pendingInput) {
	for _, r := range b.rows {
		var p *pendingInputs
		if r.scheduling != nil && !r.told && !r.opt.NoAutoDependency && errors.As(r.failed, &p) {
			rows, all = append(rows, r), append(all, p.list...)
		}
	}
	return rows, all
}
