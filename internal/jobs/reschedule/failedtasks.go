package reschedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobspec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// rescheduleFailed submits the failed tasks of open arrays, or of commits.
func rescheduleFailed(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, sink result.Sink) error {
	top, err := d.RealPath()
	if err != nil {
		return schedule.Impossible(d, Action, err)
	}
	list, err := failedArrays(ctx, d, s, top, opt.Revision)
	if err == nil && len(list) == 0 && opt.Revision == "" && opt.Since == nil {
		err = errs.WithHint(errors.New("no open array, whose outputs hold {task}, has failed tasks"), "name the commit of an array, or use --since")
	}
	if err != nil {
		return schedule.Impossible(d, Action, err)
	}
	for _, a := range list {
		if err := a.again(ctx, d, s, opt, sink); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		return nil
	}
	opt.WithFailed = true
	commits, err := recorded(ctx, d, opt)
	if err == nil {
		commits = joinTasks(slices.DeleteFunc(commits, func(c past) bool { return !c.onlyFailed() }))
		for i := range commits {
			commits[i].restrict()
		}
		if len(commits) == 0 {
			err = errors.New("no failed tasks are recorded there")
		}
	}
	if err != nil {
		return schedule.Impossible(d, Action, err)
	}
	for _, c := range commits {
		if err := c.again(ctx, d, s, opt, sink); err != nil {
			return err
		}
	}
	return nil
}

// failedArray is an open array with failed tasks.
type failedArray struct {
	job   ledger.Job
	tasks []int
}

// failedArrays looks at the open arrays, or at the one with the id. None is no
// error, unless it is open and has no failed tasks.
func failedArrays(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, top, id string) (list []failedArray, err error) {
	open, err := jobdb.OpenJobs(ctx, d, top)
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(j ledger.Job) bool {
		return j.State != ledger.StateOpen || id != "" && j.JobID != id || id == "" && !jobrec.PerTask(&j)
	})
	states, err := jobstate.Query(ctx, s, open)
	if err != nil {
		return nil, err
	}
	for _, j := range open {
		if !jobrec.PerTask(&j) {
			return nil, errs.WithHint(fmt.Errorf("job %s: its outputs do not hold {task}, so that those of its tasks cannot be told apart", id),
				"commit what is there with `stemma finish --commit-failed-jobs %s`, then name that commit", id)
		}
		a := failedArray{job: j}
		settled := jobrec.SettledTasks(&j)
		for _, n := range jobrec.Of(&j).TaskNumbers() {
			task := strconv.Itoa(n)
			if st := jobrec.TaskStatus(states[j.ID], &j, task).State; settled[task].Outcome == "" && st.Final() && !st.Success() {
				a.tasks = append(a.tasks, n)
			}
		}
		if len(a.tasks) > 0 {
			list = append(list, a)
		} else if id != "" {
			return nil, fmt.Errorf("job %s has no failed tasks (%s)", id, jobrec.Statuses(&j, states[j.ID]))
		}
	}
	return list, nil
}

// again submits the failed tasks.
func (a failedArray) again(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, sink result.Sink) error {
	w, err := jobspec.New(d, filepath.Join(d.Path(), filepath.FromSlash(a.job.Pwd)))
	if err == nil {
		w.Outputs, err = relativeOutputs(a.job.Pwd, a.job.Outputs)
	}
	if err != nil {
		return schedule.Impossible(d, schedule.Action, err)
	}
	array := jobrec.TaskList(a.tasks)
	w.Cmd, w.Inputs, w.Extra, w.Chain = a.job.Cmd, a.job.Inputs, a.job.ExtraInputs, append([]string{}, a.job.Chain...)
	w.Container, w.Message = jobrec.Of(&a.job).Container, opt.Message
	if w.Message == "" {
		w.Message = cleanMessage(a.job.Message)
	}
	w.Message = strings.TrimLeft(fmt.Sprintf("%s\n\nRe-submission of job %s, tasks %s.", w.Message, a.job.JobID, array), "\n")
	w.Redo = &jobrec.Redo{Array: array, Row: a.job.ID, Job: a.job.JobID}
	switch {
	case opt.AltDir != "" || opt.Isolated != "":
	case a.job.Isolated != "":
		opt.Isolated = a.job.Isolated
	default:
		opt.AltDir = a.job.AltDir
	}
	return schedule.Perform(ctx, d, s, w, opt.schedule(), sink)
}

// relativeOutputs turns recorded outputs into what was given in a folder.
func relativeOutputs(pwd string, outputs []string) (list []string, err error) {
	for _, p := range outputs {
		if filepath.IsAbs(filepath.FromSlash(p)) {
			return nil, errs.WithHint(fmt.Errorf("the record has the output %s, an absolute path that this dataset need not have", p),
				"schedule the command anew, with --output and the path in the dataset")
		}
		rel, err := filepath.Rel(filepath.FromSlash(pwd), filepath.FromSlash(p))
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", p, err)
		}
		list = append(list, filepath.ToSlash(rel))
	}
	return list, nil
}

// recordedTasks reads which tasks of an array a record is about, and the outputs
// of the whole array; none for other jobs.
func (c past) recordedTasks() (tasks []int, outputs []string) {
	own, _ := c.rec.Extra[jobrec.RecordKey].(map[string]any)
	if n, ok := own["task"].(json.Number); ok {
		if k, err := strconv.Atoi(n.String()); err == nil && k >= 0 && k < sched.MaxTasks {
			tasks = []int{k}
		}
		list, _ := own["task_outputs"].([]any)
		for _, o := range list {
			if text, ok := o.(string); ok {
				outputs = append(outputs, text)
			}
		}
		return tasks, outputs
	}
	if text, ok := own["array"].(string); ok {
		if list, err := sched.ParseTaskList(text); err == nil {
			tasks = list.IDs
		}
	}
	return tasks, nil
}

// failedTasks reads which tasks of an array, committed as one, failed.
func (c past) failedTasks() (tasks []int) {
	own, _ := c.rec.Extra[jobrec.RecordKey].(map[string]any)
	from, _ := own["scheduler"].(map[string]any)
	list, _ := from["tasks"].([]any)
	for _, t := range list {
		m, _ := t.(map[string]any)
		id, _ := m["id"].(string)
		state, _ := m["state"].(string)
		_, text, _ := strings.Cut(id, "_")
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < sched.MaxTasks && !sched.State(state).Success() {
			tasks = append(tasks, n)
		}
	}
	return tasks
}

// onlyFailed reports whether the commit records tasks that failed.
func (c past) onlyFailed() bool {
	if own, _ := c.rec.Extra[jobrec.RecordKey].(map[string]any); own["task"] != nil {
		return c.failed()
	}
	return len(c.failedTasks()) > 0
}

// restrict makes a repetition of the failed tasks only.
func (c *past) restrict() {
	if tasks := c.failedTasks(); len(tasks) > 0 {
		c.tasks = tasks
	}
}

// joinTasks makes one repetition of all tasks of an array that are recorded in
// commits of their own.
func joinTasks(list []past) []past {
	var out []past
	first := map[string]int{}
	for _, c := range list {
		tasks, outputs := c.recordedTasks()
		c.tasks, c.chain = tasks, []string{c.id}
		if len(outputs) > 0 {
			c.outputs = outputs
			key := c.rec.SlurmJobID + "\x00" + c.rec.Cmd + "\x00" + c.rec.Pwd + "\x00" + strings.Join(outputs, "\x00")
			if at, ok := first[key]; ok && !slices.Contains(out[at].tasks, tasks[0]) {
				out[at].tasks, out[at].chain = append(out[at].tasks, tasks...), append(out[at].chain, c.id)
				continue
			}
			first[key] = len(out)
		}
		out = append(out, c)
	}
	return out
}
