package jobrec

import (
	"path"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// TakeWaiting keeps the doubtful names: those of tasks without an id of their
// own that hold the array's. Slurm's default name is none of them.
func (p *Provenance) TakeWaiting(j *ledger.Job, desc sched.Description) {
	p.Waiting = nil
	for _, id := range desc.Waiting {
		_, task, _ := strings.Cut(id, "_")
		for _, f := range desc.TaskFiles[id] {
			rel, ok := jobpath.RelativeTo(JobRoot(j), f)
			if !ok || !strings.Contains(rel, j.JobID) || path.Base(rel) == "slurm-"+id+".out" {
				continue
			}
			if p.Waiting == nil {
				p.Waiting = map[string][]string{}
			}
			p.Waiting[task] = append(p.Waiting[task], rel)
		}
	}
}

// TakeSeen adds tasks that the scheduler tells of only now.
func (p *Provenance) TakeSeen(j *ledger.Job, st sched.Status) {
	tasks := p.TaskNumbers()
	known := map[int]bool{}
	for _, n := range tasks {
		known[n] = true
	}
	before := len(tasks)
	for _, t := range st.Tasks {
		_, text, _ := strings.Cut(t.ID, "_")
		if n, err := strconv.Atoi(text); err == nil && !known[n] {
			tasks = append(tasks, n)
		}
	}
	if len(tasks) > before {
		p.Tasks, j.Tasks = TaskList(tasks), len(tasks)
	}
}
