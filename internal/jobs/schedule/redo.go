package schedule

import (
	"fmt"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched/sbatchline"
)

// planRedo adds the tasks to the user's line.
func (c *Job) planRedo() error {
	r := c.w.Redo
	if r == nil {
		return nil
	}
	line, err := sbatchline.Read(c.w.Dir, c.w.Expanded)
	if err != nil {
		return errs.WithHint(fmt.Errorf("tasks %s cannot be submitted alone, since the line is no plain call of sbatch: %w", r.Array, err), "submit them by hand with `stemma schedule`")
	}
	limit := ""
	if list, known := line.Tasks(); known && list.Limit > 0 {
		limit = fmt.Sprintf("%%%d", list.Limit)
	}
	r.Line = line.With("--array=" + r.Array + limit)
	c.prov.Redo, c.prov.Line = r, r.Line
	return nil
}

// claimAgain claims what tasks of an open job claim already.
func (c *Job) claimAgain(tx *ledger.Tx) error {
	if c.opt.NoCheck {
		return tx.Claim(&c.job, true)
	}
	for _, p := range c.job.Claims {
		claims, err := tx.Overlapping(c.w.Top, p)
		if err != nil {
			return err
		}
		for _, cl := range claims {
			if cl.Job == c.prov.Redo.Row {
				continue
			}
			other, err := tx.Get(cl.Job)
			if err != nil {
				return err
			}
			if c.job.Isolated != "" && other.Isolated != "" {
				continue
			}
			return &ledger.ConflictError{Path: p, OtherPath: cl.Path, Other: other}
		}
	}
	return tx.Claim(&c.job, true)
}
