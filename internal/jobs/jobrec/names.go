package jobrec

import (
	"fmt"

	"github.com/stemma-data/stemma/internal/ledger"
)

// Label names a job for people.
func Label(j *ledger.Job) string {
	if j.JobID == "" {
		return fmt.Sprintf("#%d", j.ID)
	}
	return j.JobID
}

// QueryID is the id by which schedulers are asked for a job.
func QueryID(j *ledger.Job) string {
	if j.Cluster == "" {
		return j.JobID
	}
	return j.JobID + ";" + j.Cluster
}

// JobRoot is the folder that takes the place of the dataset's top for a job.
func JobRoot(j *ledger.Job) string {
	if j.AltDir != "" {
		return j.AltDir
	}
	return j.WorkTree
}
