package jobrec

import (
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/runrec"
	"github.com/stemma-data/stemma/internal/sched"
)

// RunRecord is the run record of a job as the Slurm extension of DataLad
// writes it, without what is known only at the end.
func RunRecord(j *ledger.Job, p Provenance) *runrec.Record {
	alt := j.AltDir
	if p.Anonymous || j.Isolated != "" { // such a folder is for one job only
		alt = ""
	}
	return &runrec.Record{
		Chain: j.Chain, Cmd: j.Cmd, DSID: j.DSID, ExtraInputs: j.ExtraInputs, Inputs: j.Inputs, Outputs: j.Outputs,
		Pwd: j.Pwd, AltDir: &alt, SlurmJobID: j.JobID, SlurmOutputs: append([]string{}, j.SlurmOutputs...),
	}
}

// Statuses lists the states of all tasks, as datalad-slurm does.
func Statuses(j *ledger.Job, st sched.Status) string {
	if len(st.Tasks) == 0 {
		return j.JobID + ": " + string(st.State)
	}
	list := make([]string, len(st.Tasks))
	for i, t := range st.Tasks {
		word := sched.Word(t.Raw)
		if word == "" {
			word = string(t.State)
		}
		list[i] = t.ID + ": " + word
	}
	return strings.Join(list, ", ")
}

// NotComplete is datalad-slurm's sentence about a job that is not COMPLETED.
func NotComplete(j *ledger.Job, st sched.Status) string {
	return fmt.Sprintf("Slurm job(s) for job %s are not complete.Statuses: %s", j.JobID, Statuses(j, st))
}
