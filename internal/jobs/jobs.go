// Package jobs carries batch jobs from submission to commit: schedule takes
// the outputs a job will write and submits the user's own line, finish commits
// what completed jobs produced, reschedule does a recorded job again. What is
// in flight is kept in the ledger, so that no job is lost or submitted twice.
//
// The package knows no particular scheduler, prints nothing, and never holds
// the repository's lease while the user's line, a transfer or a scheduler runs.
package jobs

import (
	"fmt"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
)

// Actions of the records that this package reports, as in the Slurm extension
// of DataLad.
const (
	ActionSchedule   = "slurm-schedule"
	ActionFinish     = "slurm-finish"
	ActionReschedule = "slurm-reschedule"
	actionDryRun     = "schedule [dry-run]"
)

// Failure is an error with the record by which DataLad would report it. The
// record has not been sent to the sink: whoever shows the error decides.
type Failure struct {
	Record result.Record
	Err    error
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// impossible makes the failure of a whole schedule or reschedule.
func impossible(d *dataset.Dataset, action string, err error) error {
	if err == nil {
		return nil
	}
	rec := result.New(action, result.Impossible, d.Path(), result.Dataset).Msg(err.Error())
	return &Failure{rec, err}
}

// Step is a moment at which a test kills the process.
type steps func(name string)

func (s steps) at(name string) {
	if s != nil {
		s(name)
	}
}

// queryID is the id by which schedulers are asked for a job.
func queryID(j *ledger.Job) string {
	if j.Cluster == "" {
		return j.JobID
	}
	return j.JobID + ";" + j.Cluster
}

// label names a job for people.
func label(j *ledger.Job) string {
	if j.JobID == "" {
		return fmt.Sprintf("#%d", j.ID)
	}
	return j.JobID
}
