package ledger

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dataladSchema is what version 0.2.5 of the extension creates.
const dataladSchema = `
CREATE TABLE open_jobs (slurm_job_id INTEGER, message TEXT, chain TEXT CHECK (json_valid(chain)), cmd TEXT, dsid TEXT,
	inputs TEXT CHECK (json_valid(inputs)), extra_inputs TEXT CHECK (json_valid(extra_inputs)), outputs TEXT CHECK (json_valid(outputs)),
	slurm_outputs TEXT CHECK (json_valid(slurm_outputs)), pwd TEXT, alt_dir TEXT);
CREATE TABLE locked_prefixes (slurm_job_id INTEGER, prefix TEXT);
CREATE TABLE locked_names (slurm_job_id INTEGER, name TEXT);
INSERT INTO open_jobs VALUES (42, 'arr', '[]', 'sbatch arr.sh', 'D', '["in1.txt"]', '[]', '["./arr_0.txt", "./sd/../x"]',
	'["slurm-42_0.out"]', '.', '');
INSERT INTO open_jobs VALUES (41, NULL, '["c"]', 'sbatch job.sh', 'D', '[]', '[]', '["../out", "././o", "/abs"]', '[]', 'sd', '/alt');
`

func TestImportDataladSlurm(t *testing.T) {
	path := makeDatabase(t, dataladSchema)
	before, _ := os.ReadFile(path)
	got, err := ImportDataladSlurm(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Job{
		{JobID: "42", Scheduler: "slurm", State: StateOpen, Message: "arr", Chain: []string{}, Cmd: "sbatch arr.sh", DSID: "D", Pwd: ".",
			Inputs: []string{"in1.txt"}, ExtraInputs: []string{}, Outputs: []string{"./arr_0.txt", "./sd/../x"},
			SlurmOutputs: []string{"slurm-42_0.out"}, Claims: []string{"arr_0.txt", "x"}},
		{JobID: "41", Scheduler: "slurm", State: StateOpen, Chain: []string{"c"}, Cmd: "sbatch job.sh", DSID: "D", Pwd: "sd", AltDir: "/alt",
			Inputs: []string{}, ExtraInputs: []string{}, Outputs: []string{"../out", "././o", "/abs"}, SlurmOutputs: []string{}, Claims: []string{"o"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the database was changed")
	}
}

func TestImportOddDatabases(t *testing.T) {
	if jobs, err := ImportDataladSlurm(t.Context(), makeDatabase(t, "CREATE TABLE x (y)")); err != nil || len(jobs) != 0 {
		t.Error(jobs, err)
	}
	for _, schema := range []string{
		"CREATE TABLE open_jobs (slurm_job_id); INSERT INTO open_jobs VALUES ('; rm')",
		"CREATE TABLE open_jobs (slurm_job_id, outputs); INSERT INTO open_jobs VALUES (1, '{}')",
	} {
		if _, err := ImportDataladSlurm(t.Context(), makeDatabase(t, schema)); err == nil {
			t.Errorf("accepted %s", schema)
		}
	}
	if _, err := ImportDataladSlurm(t.Context(), filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was accepted")
	}
}

func makeDatabase(t *testing.T, schema string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dsid.db")
	db, err := sql.Open("sqlite", dataSource(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(schema); err != nil {
		t.Fatal(err)
	}
	return path
}
