package jobs

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/stemma-data/stemma/internal/result"
)

func TestImport(t *testing.T) {
	b := newBench(t)
	wantErr(t, Import(t.Context(), b.d, b.s, "", discard), "is missing")
	db, err := sql.Open("sqlite", PeerDatabase(b.d))
	must(t, err)
	_, err = db.Exec(`CREATE TABLE open_jobs (slurm_job_id INTEGER, message TEXT, chain TEXT, cmd TEXT, dsid TEXT, inputs TEXT,
		extra_inputs TEXT, outputs TEXT, slurm_outputs TEXT, pwd TEXT, alt_dir TEXT);
		INSERT INTO open_jobs VALUES (77, 'm', '[]', 'sbatch job.sh', '` + b.d.ID + `', '[]', '[]', '["sd/out"]', '["slurm-77.out"]', 'sd', '')`)
	must(t, err)
	must(t, db.Close())
	b.reopen("sd")
	got := &result.Collector{}
	must(t, Import(t.Context(), b.d, b.s, "", got))
	must(t, Import(t.Context(), b.d, b.s, "", got))
	if got.Records[0].Status != result.OK || got.Records[1].Status != result.NotNeeded {
		t.Errorf("%v", got.Records)
	}
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"out"}})
	wantErr(t, err, "job 77")
	b.write("sd/out", "x")
	b.write("sd/slurm-77.out", "log\n")
	must(t, os.MkdirAll(filepath.Dir(b.s.file("77", "state")), 0o755))
	b.s.set(t, "77", "COMPLETED")
	lines, err := b.finish(FinishOptions{})
	if err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 77: Completed" {
		t.Fatal(lines, err)
	}
	if got := b.git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD"); got != "sd/out\nsd/slurm-77.out" {
		t.Error(got)
	}
}
