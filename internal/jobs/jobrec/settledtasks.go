package jobrec

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// TaskEnd is how a task of an array was settled.
type TaskEnd struct {
	Outcome ledger.Outcome `json:"outcome"`
	Commit  gitobj.OID     `json:"commit,omitempty"`
}

// tasksKey is where the ledger keeps the tasks that are settled.
const tasksKey = "tasks"

// SettledTasks reads how the tasks of an array ended, by their numbers.
func SettledTasks(j *ledger.Job) map[string]TaskEnd {
	ends := map[string]TaskEnd{}
	_ = json.Unmarshal(j.Extra[tasksKey], &ends) // ours
	return ends
}

// SettleTasks notes how tasks ended, and closes the job when all are settled.
func SettleTasks(j *ledger.Job, ends map[string]TaskEnd) {
	all := SettledTasks(j)
	var last gitobj.OID
	for task, end := range ends {
		if all[task].Outcome == "" {
			all[task] = end
		}
		if end.Commit != "" {
			last = end.Commit
		}
	}
	if data, err := json.Marshal(all); err == nil {
		if j.Extra == nil {
			j.Extra = map[string]json.RawMessage{}
		}
		j.Extra[tasksKey] = data
	}
	giveBack(j, ends)
	expected := Of(j).TaskNumbers()
	if len(expected) == 0 || slices.ContainsFunc(expected, func(n int) bool { return all[strconv.Itoa(n)].Outcome == "" }) {
		return
	}
	j.State, j.Outcome, j.ClosedAt = ledger.StateClosed, ledger.ClosedFailed, time.Now().UTC()
	for _, end := range all {
		if end.Outcome == ledger.Committed {
			j.Outcome = ledger.Committed
			if j.Commit == "" {
				j.Commit = end.Commit
			}
		}
	}
	if last != "" {
		j.Commit = last
	}
}

// giveBack frees the outputs of settled tasks.
func giveBack(j *ledger.Job, ends map[string]TaskEnd) {
	free := map[string]bool{}
	for _, out := range j.Outputs {
		for task := range ends {
			if n, err := strconv.Atoi(task); err == nil && jobpath.HasTask(out) {
				free[jobpath.ForTask(path.Clean(out), n)] = true
			}
		}
	}
	var claims []string
	for _, c := range j.Claims {
		if !free[c] {
			claims = append(claims, c)
		}
	}
	j.Claims = claims
}

// TaskStatus is what is known of one task; of the whole job for "".
func TaskStatus(st sched.Status, j *ledger.Job, task string) sched.Status {
	if task == "" {
		return st
	}
	id := j.JobID + "_" + task
	found := sched.Task{ID: id, State: sched.Unknown, Raw: string(sched.Unknown)}
	for _, t := range st.Tasks {
		if t.ID == j.JobID && len(st.Tasks) >= 1 {
			found = t // stands for all that have no record of their own
			found.ID = id
		}
	}
	for _, t := range st.Tasks {
		if t.ID == id {
			found = t
		}
	}
	one := sched.Status{ID: id, Tasks: []sched.Task{found}}
	one.State, one.Text = sched.Summarize(one.Tasks)
	if !one.State.Final() {
		one.Note, one.NeverStarts = st.Note, st.NeverStarts
	}
	return one
}

// Commits of tasks are told to Closer by negative tags, which hold row and
// number.
const taskBits = 22

// TaskTag is the tag of a task of the job in a row of the ledger.
func TaskTag(row int64, task string) int64 {
	n, err := strconv.Atoi(task)
	if err != nil {
		return row
	}
	return -(row<<taskBits | int64(n))
}

// SplitTag takes the tag of a task, or the row of a job, apart.
func SplitTag(tag int64) (row int64, task string) {
	if tag >= 0 {
		return tag, ""
	}
	return -tag >> taskBits, strconv.FormatInt(-tag&(1<<taskBits-1), 10)
}

// TaskList writes numbers as sbatch's --array does: "0-3,7".
func TaskList(tasks []int) string {
	tasks = slices.Compact(slices.Sorted(slices.Values(tasks)))
	var parts []string
	for i := 0; i < len(tasks); {
		k := i
		for k+1 < len(tasks) && tasks[k+1] == tasks[k]+1 {
			k++
		}
		switch k - i {
		case 0:
			parts = append(parts, strconv.Itoa(tasks[i]))
		default:
			parts = append(parts, fmt.Sprintf("%d-%d", tasks[i], tasks[k]))
		}
		i = k + 1
	}
	return strings.Join(parts, ",")
}

// TaskNumbers are the numbers of the array's tasks, where they matter.
func (p Provenance) TaskNumbers() []int {
	if p.Tasks == "" {
		return nil
	}
	list, err := sched.ParseTaskList(p.Tasks)
	if err != nil {
		return nil
	}
	return list.IDs
}

// TakeTasks keeps what a scheduler tells of the tasks of an array.
func (p *Provenance) TakeTasks(j *ledger.Job, desc sched.Description) {
	if !PerTask(j) {
		return
	}
	if p.Tasks == "" {
		var tasks []int
		for _, id := range desc.TaskIDs {
			if _, n, ok := strings.Cut(id, "_"); ok {
				if k, err := strconv.Atoi(n); err == nil {
					tasks = append(tasks, k)
				}
			}
		}
		p.Tasks = TaskList(tasks)
		if len(tasks) > 0 {
			narrow(j, tasks)
		}
	}
	j.Tasks = len(p.TaskNumbers())
	p.TaskLogs = map[string][]string{}
	for id, files := range desc.TaskFiles {
		_, task, _ := strings.Cut(id, "_")
		for _, f := range files {
			if rel, ok := jobpath.RelativeTo(JobRoot(j), f); ok {
				p.TaskLogs[task] = append(p.TaskLogs[task], rel)
			}
		}
	}
}
