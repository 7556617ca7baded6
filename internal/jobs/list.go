package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// ListOptions say which jobs are listed.
type ListOptions struct {
	All    bool      // past jobs, too: all, unless one of the next two is set
	Recent int       // of past jobs that many at most, without attempts that never became a job
	Since  time.Time // of past jobs those that were closed then or later
	JobID  string    // only this one; "" for all
	NoWait bool      // do not ask the scheduler: states are those of the ledger
}

// Row is one job of the list.
type Row struct {
	Row      int64      `json:"row"`    // the ledger's number
	ID       string     `json:"job_id"` // the scheduler's; "" until known
	Cluster  string     `json:"cluster,omitempty"`
	Name     string     `json:"name,omitempty"`
	State    string     `json:"state"`          // the scheduler's word, or SUBMITTING, UNCERTAIN, COMMITTED, CLOSED-FAILED, RELEASED
	Open     bool       `json:"open"`           // not closed
	Since    time.Time  `json:"since,omitzero"` // in this state as far as known, else submitted
	Outputs  []string   `json:"outputs"`        // as declared
	Commit   gitobj.OID `json:"commit,omitempty"`
	Cmd      string     `json:"cmd"`
	Branch   string     `json:"branch,omitempty"`
	WorkTree string     `json:"worktree"`
	Folder   string     `json:"folder,omitempty"`  // that takes the dataset's place for the job
	Tasks    int        `json:"tasks,omitempty"`   // of an array
	Settled  int        `json:"settled,omitempty"` // of them, where tasks are committed one by one
	Note     string     `json:"note,omitempty"`    // for people: what to do, or why a state is not known
}

// List returns the open jobs of the work tree, or all, oldest first. Each
// scheduler is asked once.
func List(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt ListOptions) ([]Row, error) {
	top, err := d.RealPath()
	if err != nil {
		return nil, err
	}
	list, err := listed(ctx, d, top, opt)
	if err != nil {
		return nil, err
	}
	var ask []ledger.Job
	for _, j := range list {
		if j.State == ledger.StateOpen {
			ask = append(ask, j)
		}
	}
	states := map[int64]sched.Status{}
	if len(ask) > 0 && !opt.NoWait {
		if states, err = jobstate.Query(ctx, s, ask); err != nil {
			return nil, err
		}
	}
	rows := make([]Row, len(list))
	for i := range list {
		rows[i] = makeRow(&list[i], states)
	}
	return rows, nil
}

func listed(ctx context.Context, d *dataset.Dataset, top string, opt ListOptions) (list []ledger.Job, err error) {
	if !opt.All && opt.JobID == "" {
		return jobdb.OpenJobs(ctx, d, top)
	}
	if !jobdb.Exists(d) {
		return nil, nil
	}
	err = jobdb.With(ctx, d, "look at jobs", func(l *ledger.Ledger) error {
		for job, err := range l.Jobs(ctx, ledger.Filter{WorkTree: top}) {
			if err != nil {
				return err
			}
			list = append(list, job)
		}
		recent, since := opt.Recent, opt.Since
		if opt.JobID != "" {
			recent, since = 0, time.Time{}
		}
		past, err := l.Closed(ctx, top, since, recent)
		list = append(list, past...)
		return err
	})
	if opt.JobID != "" {
		list = slices.DeleteFunc(list, func(j ledger.Job) bool { return j.JobID != opt.JobID })
	}
	slices.SortFunc(list, func(a, b ledger.Job) int { return int(a.ID - b.ID) })
	return list, err
}

func makeRow(j *ledger.Job, states map[int64]sched.Status) Row {
	p := jobrec.Of(j)
	r := Row{
		Row: j.ID, ID: j.JobID, Cluster: j.Cluster, Name: p.Name, Open: j.State != ledger.StateClosed,
		Since: j.SubmittedAt, Outputs: j.Outputs, Commit: j.Commit, Cmd: j.Cmd, Branch: j.Branch, WorkTree: j.WorkTree, Folder: j.AltDir, Note: p.Note,
	}
	if r.Since.IsZero() {
		r.Since = j.CreatedAt
	}
	switch j.State {
	case ledger.StateClosed:
		r.State, r.Since = strings.ToUpper(string(j.Outcome)), j.ClosedAt
	case ledger.StateUncertain:
		r.State = "UNCERTAIN"
		r.Note = strings.TrimPrefix(r.Note+"; settle it with `stemma jobs adopt ID` or `stemma jobs release`", "; ")
	case ledger.StateSubmitting:
		r.State = "SUBMITTING"
		if j.Owner.Fate() == fsx.Dead {
			r.Note = "the command that scheduled it is gone; repeat it, or use `stemma jobs release`"
		}
	default:
		r.fill(j, states)
	}
	return r
}

// fill takes over what the scheduler says of an open job.
func (r *Row) fill(j *ledger.Job, states map[int64]sched.Status) {
	r.Settled, r.Tasks = len(jobrec.SettledTasks(j)), j.Tasks
	st, ok := states[j.ID]
	if !ok {
		r.State = "OPEN"
		return
	}
	r.State, r.Note = st.Text, st.Note
	if r.Settled > 0 {
		r.Note = strings.TrimSuffix(fmt.Sprintf("%d of %d tasks are settled; %s", r.Settled, r.Tasks, r.Note), "; ")
	}
	if r.State == "" {
		r.State = string(st.State)
	}
	var start, end time.Time
	for _, t := range st.Tasks {
		if start.IsZero() || !t.Start.IsZero() && t.Start.Before(start) {
			start = t.Start
		}
		if t.End.After(end) {
			end = t.End
		}
	}
	switch {
	case st.State.Final() && !end.IsZero():
		r.Since = end
	case st.State == sched.Running && !start.IsZero():
		r.Since = start
	}
}

// ListOpenJobs is the text of datalad-slurm's --list-open-jobs, with the last
// newline; "" where no job is open. Claims without a job id are left out.
func ListOpenJobs(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		if r.ID == "" || !r.Open {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("The following jobs are open: \n\nslurm-job-id   slurm-job-status\n")
		}
		fmt.Fprintf(&b, "%-10s %s\n", r.ID, r.State)
	}
	return b.String()
}

// Intervals between two looks of Watch: at first short, then longer, as good
// manners towards the scheduler demand.
const (
	firstLook = 5 * time.Second
	lastLook  = 3 * time.Minute
)

// Watch lists the jobs again and again until none is running any more or ctx
// ends, with growing pauses. show is called with each list; its error ends the
// watch.
func Watch(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt ListOptions, show func([]Row) error) error {
	for pause := firstLook; ; pause = min(pause*3/2, lastLook) {
		rows, err := List(ctx, d, s, opt)
		if err != nil {
			return err
		}
		if err := show(rows); err != nil || !anyLive(rows) {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

func anyLive(rows []Row) bool {
	for _, r := range rows {
		if r.Open && !sched.ParseState(r.State).Final() && !strings.HasPrefix(r.State, "ARRAY FAILED") && r.State != "UNCERTAIN" {
			return true
		}
	}
	return false
}
