package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// Import takes the open jobs of a database of the Slurm extension of DataLad
// over; file "" means the dataset's own. That database is not changed. Jobs
// that are in the ledger already, open or closed, are reported as notneeded. It
// asks the scheduler about each job that has not been imported yet.
func Import(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, file string, sink result.Sink) error {
	if file == "" {
		file = jobdb.PeerDatabase(d)
	}
	top, err := d.RealPath()
	if err != nil {
		return err
	}
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	list, err := ledger.ImportDataladSlurm(ctx, file)
	if errors.Is(err, os.ErrNotExist) {
		return errs.WithHint(fmt.Errorf("no jobs of datalad-slurm to import: %s is missing", file), "name the database, <git folder>/<dataset id>.db")
	}
	if err != nil {
		return err
	}
	for i := range list {
		j := &list[i]
		if j.DSID != "" && d.ID != "" && j.DSID != d.ID {
			return fmt.Errorf("import jobs: job %s belongs to the dataset %s, this is %s", j.JobID, j.DSID, d.ID)
		}
		completeImport(ctx, d, s, j, top, head.Ref)
	}
	return takeOver(ctx, d, top, list, sink)
}

// completeImport fills in what the peer's database lacks.
func completeImport(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, j *ledger.Job, top, branch string) {
	j.WorkTree, j.Branch, j.CreatedAt = top, branch, d.Now().UTC()
	if j.Pwd == "" {
		j.Pwd = "."
	}
	for i, o := range j.Outputs {
		if spec, err := jobpath.Canonical(top, top, o); err == nil && !spec.Outside {
			j.Outputs[i] = jobpath.RecordedForm(j.Pwd, spec.Pattern)
		}
	}
	if j.AltDir != "" {
		if real, err := jobpath.AltRoot(j.AltDir, top); err == nil {
			j.AltDir = real
		}
	}
	// The peer has log files relative to the folder of the command.
	for i, p := range j.SlurmOutputs {
		j.SlurmOutputs[i] = path.Join(j.Pwd, filepath.ToSlash(p))
	}
	var p jobrec.Provenance
	ctx, cancel := context.WithTimeout(ctx, jobstate.Patience)
	defer cancel()
	own, err := jobstate.SchedulerOf(s, j)
	if err != nil {
		own = s
	}
	if desc, err := own.Describe(ctx, j.JobID); err == nil {
		p.Name = desc.Name
		if desc.Tasks > 1 {
			j.Tasks = desc.Tasks
		}
	}
	j.Tasks = max(j.Tasks, arrayTasks(j))
	p.Store(j)
}

// arrayTasks guesses the number of tasks from the log files, for a job that
// the scheduler has forgotten.
func arrayTasks(j *ledger.Job) int {
	seen := map[string]bool{}
	for _, p := range j.SlurmOutputs {
		base := path.Base(p)
		prefix := "slurm-" + j.JobID + "_"
		if len(base) > len(prefix) && base[:len(prefix)] == prefix {
			seen[base] = true
		}
	}
	return len(seen)
}

func takeOver(ctx context.Context, d *dataset.Dataset, top string, list []ledger.Job, sink result.Sink) error {
	status := make([]result.Status, len(list))
	err := jobdb.With(ctx, d, "import jobs", func(l *ledger.Ledger) error {
		known := map[string]bool{}
		for j, err := range l.Jobs(ctx, ledger.Filter{All: true, WorkTree: top}) {
			if err != nil {
				return err
			}
			known[j.JobID] = known[j.JobID] || j.Cmd != ""
		}
		return l.Update(ctx, func(tx *ledger.Tx) error {
			for i := range list {
				if known[list[i].JobID] {
					status[i] = result.NotNeeded
					continue
				}
				status[i] = result.OK
				if err := tx.Claim(&list[i], true); err != nil {
					return fmt.Errorf("import job %s: %w", list[i].JobID, err)
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for i := range list {
		text := "job " + list[i].JobID + " is imported; finish it here and no longer with datalad"
		if status[i] == result.NotNeeded {
			text = "job " + list[i].JobID + " is known already"
		}
		rec := result.New("slurm-import", status[i], d.Path(), result.Dataset).Msg(text)
		if err := sink.Emit(rec.With("slurm_job_id", list[i].JobID)); err != nil {
			return err
		}
	}
	return nil
}
