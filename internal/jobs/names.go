package jobs

import (
	"fmt"

	"github.com/stemma-data/stemma/internal/ledger"
)

// label names a job for people.
func label(j *ledger.Job) string {
	if j.JobID == "" {
		return fmt.Sprintf("#%d", j.ID)
	}
	return j.JobID
}

// queryID is the id by which schedulers are asked for a job.
func queryID(j *ledger.Job) string {
	if j.Cluster == "" {
		return j.JobID
	}
	return j.JobID + ";" + j.Cluster
}

// jobRoot is the folder that takes the place of the dataset's top for a job.
func jobRoot(j *ledger.Job) string {
	if j.AltDir != "" {
		return j.AltDir
	}
	return j.WorkTree
}
