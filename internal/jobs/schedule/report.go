package schedule

import (
	"context"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobspec"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
	"github.com/stemma-data/stemma/internal/sched"
)

// Action is the action of the records that this package reports, as in
// the Slurm extension of DataLad.
const (
	Action       = "slurm-schedule"
	ActionDryRun = "schedule [dry-run]"
)

// runInfo is the job's record as DataLad shows it in results.
func (c *Job) runInfo() map[string]any {
	rec := jobrec.RunRecord(&c.job, c.prov)
	rec.SlurmJobID = ""
	m := rec.Fields()
	delete(m, "alt_dir")
	m["exit"] = 0
	if c.job.JobID != "" {
		m["slurm_job_id"] = c.job.JobID
	}
	return m
}

// Report is the record of a job that was scheduled.
func (c *Job) Report() result.Record {
	rec := result.New(Action, result.OK, c.d.Path(), result.Dataset).Msg(runrec.ShortCommand(c.w.Expanded))
	rec.Fields["exit_code"], rec.Fields["msg_path"] = 0, nil
	rec.Fields["slurm_run_info"] = c.runInfo()
	return rec
}

// DryRun is the record of --dry-run.
func (c *Job) DryRun() result.Record {
	c.makeJob()
	info := c.runInfo()
	delete(info, "exit")
	rec := result.New(ActionDryRun, result.OK, c.d.Path(), result.Dataset).Msg("Dry run")
	rec.Fields["slurm_run_info"] = info
	rec.Fields["dry_slurm_run_info"] = map[string]any{
		"cmd_expanded": c.w.Expanded, "inputs": c.w.In.Expand(), "outputs": c.w.Out.Expand(), "pwd_full": c.w.Dir,
	}
	return rec
}

// TakeIn records and reports a job whose submission had been uncertain, by the
// id that the scheduler s knows it by.
func TakeIn(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, job ledger.Job, id, cluster string, sink result.Sink) error {
	c := &Job{d: d, s: s, w: &jobspec.Work{Top: job.WorkTree, Expanded: job.Expanded}, job: job, prov: jobrec.Of(&job)}
	c.prov.Note = ""
	if err := c.recording().Record(ctx, id, cluster, job.CreatedAt); err != nil {
		return err
	}
	return sink.Emit(c.Report())
}

// Impossible makes the failure of a whole schedule or reschedule.
func Impossible(d *dataset.Dataset, action string, err error) error {
	if err == nil {
		return nil
	}
	rec := result.New(action, result.Impossible, d.Path(), result.Dataset).Msg(err.Error())
	return &result.Failure{Record: rec, Err: err}
}
