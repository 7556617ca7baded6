package finish

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// withProducers adds the open jobs that make inputs of the given ones, and of
// those in turn.
func (f *finishing) withProducers(ctx context.Context, jobs []ledger.Job) ([]ledger.Job, error) {
	if f.open == nil && !slices.ContainsFunc(jobs, func(j ledger.Job) bool { return len(jobrec.Of(&j).After) > 0 }) {
		f.open = jobs
	}
	if f.open == nil {
		var err error
		if f.open, err = jobdb.OpenJobs(ctx, f.d, f.top); err != nil {
			return nil, err
		}
	}
	f.graph = newGraph(f.open)
	have := map[int64]bool{}
	for i := range jobs {
		have[jobs[i].ID] = true
	}
	for i := 0; i < len(jobs); i++ {
		for _, row := range f.graph.after[jobs[i].ID] {
			if !have[row] {
				have[row] = true
				jobs = append(jobs, *f.graph.rows[row])
			}
		}
	}
	return jobs, nil
}

// graph says which open jobs wait for which.
type graph struct {
	open  []ledger.Job
	rows  map[int64]*ledger.Job
	after map[int64][]int64 // producers of a job
	next  map[int64][]int64 // jobs that wait for a job
	done  map[part]bool     // what turned out to be committed already
}

// part is what is committed as one: a job, or a task of it.
type part struct {
	row  int64
	task string
}

func newGraph(open []ledger.Job) *graph {
	g := &graph{open: open, rows: map[int64]*ledger.Job{}, done: map[part]bool{}, after: map[int64][]int64{}, next: map[int64][]int64{}}
	byID := map[string]int64{}
	for i := range open {
		g.rows[open[i].ID] = &open[i]
		if open[i].JobID != "" {
			byID[open[i].Scheduler+" "+jobrec.QueryID(&open[i])] = open[i].ID
		}
	}
	for i := range open {
		row := open[i].ID
		for _, p := range jobrec.Of(&open[i]).After {
			if from, ok := byID[p.Scheduler+" "+p.JobID]; ok && !slices.Contains(g.after[row], from) {
				g.after[row], g.next[from] = append(g.after[row], from), append(g.next[from], row)
			}
		}
	}
	return g
}

// waiting names all jobs that wait for a job, directly or through others.
func (g *graph) waiting(row int64) (names []string) {
	reached := reach(row, g.next)
	for _, at := range slices.Sorted(maps.Keys(reached)) {
		names = append(names, jobrec.Label(g.rows[at]))
	}
	return names
}

// reach follows edges from a job, which is not part of the answer.
func reach(from int64, edges map[int64][]int64) map[int64]bool {
	seen := map[int64]bool{}
	for todo := []int64{from}; len(todo) > 0; {
		at := todo[0]
		todo = todo[1:]
		for _, to := range edges[at] {
			if !seen[to] {
				seen[to] = true
				todo = append(todo, to)
			}
		}
	}
	return seen
}

// failedAncestor is a failed job that keeps the job from ever starting.
func (f *finishing) failedAncestor(j *ledger.Job) *ledger.Job {
	for _, row := range slices.Sorted(maps.Keys(reach(j.ID, f.graph.after))) {
		if st := f.states[row]; row != j.ID && st.State.Final() && !st.State.Success() {
			return f.graph.rows[row]
		}
	}
	return nil
}

// pipelineNote is what a job that stays has to do with others.
func (f *finishing) pipelineNote(j *ledger.Job, st sched.Status) string {
	if st.State.Final() {
		if names := f.graph.waiting(j.ID); len(names) > 0 {
			return "waiting for it: " + strings.Join(names, ", ")
		}
		return ""
	}
	if p := f.failedAncestor(j); p != nil {
		return fmt.Sprintf("it waits for job %s, which is %s; %s", jobrec.Label(p), strings.ToUpper(f.states[p.ID].Text), neverStarts(st))
	}
	return st.Note
}

func neverStarts(st sched.Status) string {
	if st.Note != "" {
		return st.Note
	}
	return "cancel it, and reschedule both"
}

// order sorts jobs so that each comes after those that make its inputs, and
// otherwise leaves their order alone. Jobs that wait for each other in a ring
// are returned apart.
func (f *finishing) order(list []*over) (sorted, ring []*over) {
	left := map[int64]int{} // parts of a job that are still to come
	for _, o := range list {
		left[o.job.ID]++
	}
	for todo := list; len(todo) > 0; {
		var later []*over
		for _, o := range todo {
			if slices.ContainsFunc(f.graph.after[o.job.ID], func(p int64) bool { return left[p] > 0 }) {
				later = append(later, o)
				continue
			}
			sorted = append(sorted, o)
			left[o.job.ID]--
		}
		if len(later) == len(todo) {
			return sorted, later
		}
		todo = later
	}
	return sorted, nil
}

// ordered is order, which reports rings.
func (f *finishing) ordered(list []*over) ([]*over, error) {
	sorted, ring := f.order(list)
	names := make([]string, len(ring))
	for i, o := range ring {
		names[i] = o.name()
	}
	for _, o := range ring {
		err := fmt.Errorf("jobs wait for each other in a ring: %s", strings.Join(names, ", "))
		if err := f.fail(&o.job, err); err != nil {
			return nil, err
		}
	}
	return sorted, nil
}

// holdBack leaves out jobs whose producers stay open: history never shows a
// result before what it was made from.
func (f *finishing) holdBack(list []*over) (kept []*over, err error) {
	taken := maps.Clone(f.graph.done)
	for _, o := range list {
		if p := f.missingProducer(o, taken); p != "" {
			err := fmt.Errorf("it is complete, but job %s, which makes its input, could not be committed", p)
			if err := f.fail(&o.job, err); err != nil {
				return nil, err
			}
			continue
		}
		kept = append(kept, o)
		taken[part{o.job.ID, o.task}] = true
	}
	return kept, nil
}

// missingProducer names a producer that is open and not among the taken.
func (f *finishing) missingProducer(o *over, taken map[part]bool) string {
	for _, p := range o.prov.After {
		for _, row := range f.graph.after[o.job.ID] {
			j := f.graph.rows[row]
			if !p.Is(j) {
				continue
			}
			tasks := []string{p.Task}
			if p.Task == "" && jobrec.PerTask(j) {
				tasks = f.unsettled(j)
			}
			for _, t := range tasks {
				if !taken[part{row, t}] && (t == "" || jobrec.SettledTasks(j)[t].Outcome == "") {
					return p.Name()
				}
			}
		}
	}
	return ""
}

func (f *finishing) unsettled(j *ledger.Job) (tasks []string) {
	settled := jobrec.SettledTasks(j)
	for _, n := range jobrec.Of(j).TaskNumbers() {
		if t := fmt.Sprint(n); settled[t].Outcome == "" {
			tasks = append(tasks, t)
		}
	}
	return tasks
}
