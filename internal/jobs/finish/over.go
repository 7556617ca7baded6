package finish

import (
	"fmt"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/nested"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// over is a job that is over, with what finish knows of it.
type over struct {
	job      ledger.Job
	task     string // of an array whose tasks are committed one by one, else ""
	prov     jobrec.Provenance
	status   sched.Status
	busy     string   // why another process has it
	lost     bool     // to another process, at the last moment
	sentence string   // of a failed job that is committed
	outputs  []string // declared, as they are found in the work tree
	logs     []string
	changed  map[string]string // inputs that changed, with their new ids
	files    []commit.File
	nested   map[*nested.Level][]commit.File // of subdatasets in which it has outputs, perhaps none
	records  []result.Record
	unstored bool // a record tells of a failure
}

// name is the scheduler's id of what is committed: a job or a task.
func (o *over) name() string {
	if o.task == "" {
		return jobrec.Label(&o.job)
	}
	return o.job.JobID + "_" + o.task
}

func (o *over) title() string {
	return fmt.Sprintf("Slurm job %s: %s", o.name(), capitalize(o.status.Text))
}
