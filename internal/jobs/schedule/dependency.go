package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
	"github.com/stemma-data/stemma/internal/sched/sbatchline"
)

// attempts bounds how often inputs are settled: producers may appear or end
// meanwhile.
const attempts = 5

// claimSettled claims the outputs. Inputs that open jobs make are settled
// first: what is completed is finished, and for the rest this job will wait.
func (c *Job) claimSettled(ctx context.Context) error {
	for try := 1; ; try++ {
		err := c.claim(ctx)
		var pending *pendingInputs
		if !errors.As(err, &pending) {
			return err
		}
		if try == attempts {
			return pending.refuse(&pending.list[0], "is still open")
		}
		if err := c.settle(ctx, pending.list); err != nil {
			return err
		}
	}
}

// producerStates asks for the states of all producers at once.
func producerStates(ctx context.Context, s sched.Scheduler, list []pendingInput) (map[int64]sched.Status, error) {
	var ask []ledger.Job
	seen := map[int64]bool{}
	for i := range list {
		if j := &list[i].job; j.State == ledger.StateOpen && !seen[j.ID] {
			seen[j.ID] = true
			ask = append(ask, *j)
		}
	}
	return jobstate.Query(ctx, s, ask)
}

// decide returns the producers that are completed, and must be finished first.
// If there are none, the job is made to wait for the others.
func (c *Job) decide(list []pendingInput, states map[int64]sched.Status) (done []ledger.Job, err error) {
	var wait []*pendingInput
	for i := range list {
		p := &list[i]
		if p.job.State != ledger.StateOpen {
			return nil, (&pendingInputs{}).refuse(p, "is not known to be submitted yet")
		}
		st := jobrec.TaskStatus(states[p.job.ID], &p.job, p.task)
		switch {
		case st.State.Success() && c.finished[p.job.ID]:
			return nil, (&pendingInputs{}).refuse(p, "has completed, but could not be finished")
		case st.State.Success():
			done = append(done, p.job)
		case st.State.Final(), st.State == sched.Unknown, st.NeverStarts:
			text := "is " + strings.ToUpper(st.Text)
			if st.Note != "" {
				text += " (" + st.Note + ")"
			}
			return nil, (&pendingInputs{}).refuse(p, text)
		default:
			wait = append(wait, p)
		}
	}
	if len(done) > 0 {
		return done, nil
	}
	for _, p := range wait {
		if err := c.waitFor(p); err != nil {
			return nil, err
		}
	}
	return nil, c.addDependency()
}

// finishFirst commits what completed producers made.
func (c *Job) finishFirst(ctx context.Context, done []ledger.Job) error {
	if c.finished == nil {
		c.finished = map[int64]bool{}
	}
	var jobs []ledger.Job
	for _, j := range done {
		if !c.finished[j.ID] {
			c.d.Env.Log.Info(fmt.Sprintf("job %s has completed and makes an input of this job: it is finished first", jobrec.Label(&j)))
			jobs = append(jobs, j)
		}
		c.finished[j.ID] = true
	}
	err := finish.Jobs(ctx, c.d, c.s, finish.Options{Jobs: c.opt.Jobs}, c.start.head, jobs, c.sink)
	if err != nil {
		return err
	}
	if c.start, err = startingPoint(ctx, c.d); err == nil && c.batch != nil {
		c.batch.start = c.start // the branch has moved
	}
	return err
}

// waitFor notes that the job must wait for a producer, if it can.
func (c *Job) waitFor(p *pendingInput) error {
	refuse := func(text string) error { return (&pendingInputs{}).refuse(p, text) }
	switch {
	case c.opt.NoAutoDependency:
		return refuse("is still open")
	case p.job.Scheduler != c.s.Name():
		return refuse("is still open, on the scheduler " + p.job.Scheduler + "; no job of " + c.s.Name() + " can wait for it")
	case p.job.Cluster != "":
		return refuse("is still open, on the cluster " + p.job.Cluster + "; this job cannot be made to wait for it")
	case c.iso != nil:
		return refuse("is still open; an isolated job gets its inputs when it is scheduled, from a commit")
	case jobrec.JobRoot(&p.job) != jobrec.JobRoot(&c.job):
		return refuse("is still open, and runs in another folder (" + jobrec.JobRoot(&p.job) + ") than this job")
	}
	for i := range c.prov.After {
		if a := &c.prov.After[i]; a.Is(&p.job) && a.Task == p.task {
			a.Inputs, a.Claims = jobpath.Union(a.Inputs, []string{p.pattern}), jobpath.Union(a.Claims, []string{p.claim})
			return nil
		}
	}
	c.prov.After = append(c.prov.After, jobrec.Producer{Scheduler: p.job.Scheduler, JobID: jobrec.QueryID(&p.job), Task: p.task,
		Inputs: []string{p.pattern}, Claims: []string{p.claim}})
	return nil
}

// addDependency makes the line that is run: the user's own, with the jobs that
// it must wait for.
func (c *Job) addDependency() error {
	line, err := sbatchline.Read(c.w.Dir, c.baseLine())
	if err != nil {
		err = fmt.Errorf("%s, which is still open, and no dependency can be added to the submission line: %w", c.prov.Waits(), err)
		return errs.WithHint(err, "submit by a plain `sbatch … SCRIPT` line, or finish that job first")
	}
	var had string
	if line.Options.Dependency != nil {
		had = *line.Options.Dependency
	}
	merged, err := submission.MergeDependency(had, c.prov.After)
	if err != nil {
		return errs.WithHint(fmt.Errorf("%s, which is still open, and %w", c.prov.Waits(), err), "join the conditions by commas, or finish that job first")
	}
	c.prov.Dependency = merged
	if merged != had {
		c.prov.Line = line.With("--dependency=" + merged)
	}
	return nil
}

// baseLine is the user's line, restricted to the tasks that are done again.
func (c *Job) baseLine() string {
	if c.prov.Redo == nil {
		return c.w.Expanded
	}
	return c.prov.Redo.Line
}

// submitted is the line that is run.
func (c *Job) submitted() string {
	if c.prov.Line != "" {
		return c.prov.Line
	}
	return c.baseLine()
}

// planTasks finds out which tasks an array has whose outputs name them.
func (c *Job) planTasks() error {
	if !slices.ContainsFunc(c.w.Outputs, jobpath.HasTask) {
		return nil
	}
	line, err := sbatchline.Read(c.w.Dir, c.baseLine())
	if err != nil || slices.ContainsFunc(c.d.Env.Vars, func(kv string) bool { return strings.HasPrefix(kv, "SBATCH_ARRAY_INX=") }) {
		return nil // the scheduler tells afterwards
	}
	tasks, known := line.Tasks()
	switch {
	case line.Options.Array == nil:
		return errs.WithHint(errors.New("outputs hold {task}, but the line submits no array"), "add --array=0-9, or write {{task}} for a name with braces")
	case known:
		c.w.Tasks = tasks.IDs
	}
	return nil
}

// settle decides about each producer: finish it, wait for it, or refuse.
func (c *Job) settle(ctx context.Context, list []pendingInput) error {
	states, err := producerStates(ctx, c.s, list)
	if err != nil {
		return err
	}
	done, err := c.decide(list, states)
	if err == nil && len(done) > 0 {
		err = c.finishFirst(ctx, done)
	}
	return err
}
