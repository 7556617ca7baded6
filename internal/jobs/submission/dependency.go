package submission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/ledger"
)

// MergeDependency adds conditions to what the user has asked for.
func MergeDependency(had string, after []jobrec.Producer) (string, error) {
	if strings.Contains(had, "?") {
		return "", fmt.Errorf("its own dependency %q asks for any of several jobs", had)
	}
	have := conditions(had)
	var add []string
	for _, p := range after {
		if !have["afterok:"+p.Name()] && !slices.Contains(add, p.Name()) {
			add = append(add, p.Name())
		}
	}
	if len(add) == 0 {
		return had, nil
	}
	text := "afterok:" + strings.Join(add, ":")
	if had != "" {
		text = had + "," + text
	}
	return text, nil
}

// conditions takes a dependency apart, as the user or a scheduler writes it:
// "afterok:1:2,afterany:3_*(unfulfilled)" holds "afterok:2" and "afterany:3".
func conditions(text string) map[string]bool {
	all := map[string]bool{}
	for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '?' }) {
		item, _, _ = strings.Cut(item, "(")
		kind, ids, _ := strings.Cut(item, ":")
		for id := range strings.SplitSeq(ids, ":") {
			all[kind+":"+strings.TrimSuffix(id, "_*")] = true
		}
	}
	return all
}

// verify looks whether the job, which is recorded, really waits. A job that does
// not is cancelled and given up.
func (r *Recording) verify(ctx context.Context) error {
	if len(r.Provenance.After) == 0 {
		return nil
	}
	if r.Provenance.Undescribed {
		r.Dataset.Env.Log.Warn(fmt.Sprintf("job %s: whether it waits for %s could not be verified", r.Job.JobID, r.Provenance.Dependency))
		return nil
	}
	have := conditions(r.Provenance.WaitsFor)
	for _, p := range r.Provenance.After {
		if have["afterok:"+p.Name()] || r.hasCompleted(ctx, p) {
			continue
		}
		err := fmt.Errorf("job %s was submitted, but does not wait for job %s, which makes its input %s", r.Job.JobID, p.Name(), strings.Join(p.Inputs, ", "))
		ctx := context.WithoutCancel(ctx)
		if cerr := r.Scheduler.Cancel(ctx, []string{jobrec.QueryID(r.Job)}); cerr != nil {
			return errs.WithHint(errors.Join(err, cerr), "cancel it by hand, then give it up: `stemma jobs release %s`", r.Job.JobID)
		}
		return errs.WithHint(errors.Join(fmt.Errorf("%w; it was cancelled", err), r.Release(ctx)), "finish job %s first, or look at what sbatch is here", p.Name())
	}
	if r.Many {
		return nil
	}
	r.Dataset.Env.Log.Info(fmt.Sprintf("job %s waits (--dependency=%s): %s", r.Job.JobID, r.Provenance.Dependency, r.Provenance.Waits()))
	return nil
}

// hasCompleted holds for a producer that completed meanwhile, which schedulers
// then leave out of dependencies.
func (r *Recording) hasCompleted(ctx context.Context, p jobrec.Producer) bool {
	j := ledger.Job{ID: 1, JobID: p.JobID, Scheduler: p.Scheduler}
	if id, cluster, ok := strings.Cut(p.JobID, ";"); ok {
		j.JobID, j.Cluster = id, cluster
	}
	states, err := jobstate.Query(ctx, r.Scheduler, []ledger.Job{j})
	return err == nil && jobrec.TaskStatus(states[1], &j, p.Task).State.Success()
}
