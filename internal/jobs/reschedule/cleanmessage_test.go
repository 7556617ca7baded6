package reschedule

import "testing"

func TestCleanMessage(t *testing.T) {
	for title, want := range map[string]string{
		"Slurm job 1: Completed": "Slurm job 1: Completed",
		"Slurm job 3: Completed\n\nSlurm job 2: Completed\n\ntext\n\nmore\n\nRe-submission of job 2.":    "Slurm job 3: Completed\n\ntext\n\nmore",
		"Slurm job 4: Failed\n\nSlurm job(s) for job 4 are not complete.Statuses: 4: FAILED\n\nSlurm is": "Slurm job 4: Failed\n\nSlurm job(s) for job 4 are not complete.Statuses: 4: FAILED\n\nSlurm is",
	} {
		if got := cleanMessage(title); got != want {
			t.Errorf("%q", got)
		}
	}
}
