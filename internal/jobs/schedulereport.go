package jobs

import (
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// runInfo is the job's record as DataLad shows it in results.
func (c *scheduling) runInfo() map[string]any {
	rec := jobRecord(&c.job, c.prov)
	rec.SlurmJobID = ""
	m := rec.Fields()
	delete(m, "alt_dir")
	m["exit"] = 0
	if c.job.JobID != "" {
		m["slurm_job_id"] = c.job.JobID
	}
	return m
}

// report is the record of a job that was scheduled.
func (c *scheduling) report() result.Record {
	rec := result.New(ActionSchedule, result.OK, c.d.Path(), result.Dataset).Msg(runrec.ShortCommand(c.w.expanded))
	rec.Fields["exit_code"], rec.Fields["msg_path"] = 0, nil
	rec.Fields["slurm_run_info"] = c.runInfo()
	return rec
}

// dryRun is the record of --dry-run.
func (c *scheduling) dryRun() result.Record {
	c.makeJob()
	info := c.runInfo()
	delete(info, "exit")
	rec := result.New(actionDryRun, result.OK, c.d.Path(), result.Dataset).Msg("Dry run")
	rec.Fields["slurm_run_info"] = info
	rec.Fields["dry_slurm_run_info"] = map[string]any{
		"cmd_expanded": c.w.expanded, "inputs": c.w.in.Expand(), "outputs": c.w.out.Expand(), "pwd_full": c.w.dir,
	}
	return rec
}
