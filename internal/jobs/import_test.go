package jobs_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
)

func TestImport(t *testing.T) {
	b := jobstest.New(t)
	jobstest.WantErr(t, jobs.Import(t.Context(), b.D, b.S, "", result.Discard), "is missing")
	db, err := sql.Open("sqlite", jobdb.PeerDatabase(b.D))
	jobstest.Must(t, err)
	_, err = db.Exec(`CREATE TABLE open_jobs (slurm_job_id INTEGER, message TEXT, chain TEXT, cmd TEXT, dsid TEXT, inputs TEXT,
		extra_inputs TEXT, outputs TEXT, slurm_outputs TEXT, pwd TEXT, alt_dir TEXT);
		INSERT INTO open_jobs VALUES (77, 'm', '[]', 'sbatch job.sh', '` + b.D.ID + `', '[]', '[]', '["sd/out"]', '["slurm-77.out"]', 'sd', '')`)
	jobstest.Must(t, err)
	jobstest.Must(t, db.Close())
	b.Reopen("sd")
	got := &result.Collector{}
	jobstest.Must(t, jobs.Import(t.Context(), b.D, b.S, "", got))
	jobstest.Must(t, jobs.Import(t.Context(), b.D, b.S, "", got))
	if got.Records[0].Status != result.OK || got.Records[1].Status != result.NotNeeded {
		t.Errorf("%v", got.Records)
	}
	_, err = b.Schedule(schedule.Options{Outputs: []string{"out"}})
	jobstest.WantErr(t, err, "job 77")
	b.Write("sd/out", "x")
	b.Write("sd/slurm-77.out", "log\n")
	jobstest.Must(t, os.MkdirAll(filepath.Dir(b.S.File("77", "state")), 0o755))
	b.S.Set(t, "77", "COMPLETED")
	lines, err := b.Finish(finish.Options{})
	if err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 77: Completed" {
		t.Fatal(lines, err)
	}
	if got := b.Git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD"); got != "sd/out\nsd/slurm-77.out" {
		t.Error(got)
	}
}
