package finish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// judgeArray decides about each task of an array whose tasks are committed one
// by one. Those that stay are told in one record.
func (f *finishing) judgeArray(ctx context.Context, job ledger.Job, st sched.Status) (take []*over, err error) {
	prov := jobrec.Of(&job)
	if prov.Undescribed || prov.Tasks == "" {
		if err := f.describeArray(ctx, &job, &prov); err != nil {
			return nil, err
		}
	}
	prov.TakeSeen(&job, st)
	if prov.Tasks == "" {
		if f.watch.live(st) {
			return nil, nil
		}
		if !st.State.Final() {
			return nil, f.stays(&job, st)
		}
		err := errs.WithHint(errors.New("its outputs hold {task}, but it is no array"), "save its outputs by hand, and give it up with `stemma jobs release %s`", job.JobID)
		return nil, f.fail(&job, err)
	}
	prov.Store(&job)
	settled := jobrec.SettledTasks(&job)
	rest := sched.Status{ID: st.ID, Note: st.Note, NeverStarts: st.NeverStarts}
	var end []string
	for _, n := range prov.TaskNumbers() {
		task := strconv.Itoa(n)
		if settled[task].Outcome != "" {
			continue
		}
		o := &over{job: taskJob(job, prov, n), task: task, prov: prov, status: jobrec.TaskStatus(st, &job, task)}
		switch state := o.status.State; {
		case state.Success():
			take = append(take, o)
		case state.Final() && f.opt.CommitFailed:
			o.sentence = jobrec.NotComplete(&o.job, o.status)
			take = append(take, o)
		default:
			if state.Final() && f.opt.CloseFailed {
				end = append(end, task)
			}
			rest.Tasks = append(rest.Tasks, o.status.Tasks...)
		}
	}
	if len(take) > 0 {
		if err := f.checkBranch(&job); err != nil {
			return nil, f.fail(&job, err)
		}
	}
	if len(end) > 0 {
		rest.Tasks, err = f.closeFailedTasks(ctx, &job, rest.Tasks, end)
	}
	if err == nil && len(rest.Tasks) > 0 {
		rest.Tasks = foldTasks(rest.Tasks, job.JobID)
		if rest.State, rest.Text = sched.Summarize(rest.Tasks); !f.watch.live(rest) {
			err = f.stays(&job, rest)
		}
	}
	return take, err
}

// describeArray asks again for what was not known when the job was submitted,
// and keeps it: later tasks need it when the scheduler may have forgotten.
func (f *finishing) describeArray(ctx context.Context, job *ledger.Job, prov *jobrec.Provenance) error {
	jobstate.Describe(ctx, f.d, f.s, job, prov)
	if prov.Undescribed {
		return nil
	}
	prov.Store(job)
	return jobdb.With(ctx, f.d, "describe job", func(l *ledger.Ledger) error {
		err := l.Transition(ctx, job.ID, ledger.StateOpen, func(j *ledger.Job) {
			takeArray(j, job)
			j.SlurmOutputs, j.Claims = job.SlurmOutputs, job.Claims
		})
		if state := (*ledger.StateError)(nil); errors.As(err, &state) {
			return nil // somebody has closed it; mark will tell
		}
		return err
	})
}

// maxTold bounds how many tasks are told one by one.
const maxTold = 50

// foldTasks shortens a list of tasks, so that a message stays readable.
func foldTasks(tasks []sched.Task, id string) []sched.Task {
	if len(tasks) <= maxTold {
		return tasks
	}
	groups := map[string][]int{}
	first := map[string]sched.Task{}
	var words []string
	for _, t := range tasks {
		_, text, _ := strings.Cut(t.ID, "_")
		n, _ := strconv.Atoi(text)
		word := sched.Word(t.Raw)
		if groups[word] == nil {
			words, first[word] = append(words, word), t
		}
		groups[word] = append(groups[word], n)
	}
	var out []sched.Task
	for _, word := range words {
		t := first[word]
		t.ID = fmt.Sprintf("%s_[%s]", id, jobrec.TaskList(groups[word]))
		out = append(out, t)
	}
	return out
}

// taskJob is a job as one of its tasks sees it: its own outputs and log files.
func taskJob(job ledger.Job, prov jobrec.Provenance, task int) ledger.Job {
	outputs := make([]string, len(job.Outputs))
	for i, out := range job.Outputs {
		outputs[i] = jobpath.ForTask(out, task)
	}
	own := prov.TaskLogs[strconv.Itoa(task)]
	var logs []string
	for _, p := range job.SlurmOutputs {
		if slices.Contains(own, p) || strings.HasSuffix(p, ".env.json") {
			logs = append(logs, p)
		}
	}
	job.Outputs, job.SlurmOutputs = outputs, logs
	return job
}

// closeFailedTasks settles failed tasks without a commit, and returns those of
// the tasks that remain.
func (f *finishing) closeFailedTasks(ctx context.Context, job *ledger.Job, tasks []sched.Task, end []string) (left []sched.Task, err error) {
	ends := map[string]jobrec.TaskEnd{}
	for _, task := range end {
		ends[task] = jobrec.TaskEnd{Outcome: ledger.ClosedFailed}
	}
	err = jobdb.With(ctx, f.d, "close failed tasks", func(l *ledger.Ledger) error {
		if err := f.keepTasks(ctx, l, job); err != nil {
			return err
		}
		return jobdb.EndTasks(ctx, l, map[int64]map[string]jobrec.TaskEnd{job.ID: ends})
	})
	if err != nil {
		return tasks, f.fail(job, err)
	}
	closed := sched.Status{}
	for _, t := range tasks {
		_, task, _ := strings.Cut(t.ID, "_")
		if ends[task].Outcome != "" {
			closed.Tasks = append(closed.Tasks, t)
		} else {
			left = append(left, t)
		}
	}
	closed.Tasks = foldTasks(closed.Tasks, job.JobID)
	return left, f.report(result.OK, job, "Closing failed / cancelled jobs. Statuses: "+jobrec.Statuses(job, closed))
}

// keepTasks stores what finish has learned of an array.
func (f *finishing) keepTasks(ctx context.Context, l *ledger.Ledger, job *ledger.Job) error {
	return l.Transition(ctx, job.ID, ledger.StateOpen, func(j *ledger.Job) { takeArray(j, job) })
}

// takeArray copies what describes an array.
func takeArray(j, from *ledger.Job) {
	prov, have := jobrec.Of(j), jobrec.Of(from)
	prov.Tasks, prov.TaskLogs, prov.Undescribed = have.Tasks, have.TaskLogs, have.Undescribed
	prov.Waiting, prov.Stamp = have.Waiting, have.Stamp
	j.Tasks = from.Tasks
	prov.Store(j)
}
