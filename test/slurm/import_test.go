package slurm

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver for the database of datalad-slurm
)

// peerSchema is what datalad-slurm 0.2.5 creates.
const peerSchema = `
CREATE TABLE open_jobs (slurm_job_id INTEGER, message TEXT, chain TEXT CHECK (json_valid(chain)), cmd TEXT, dsid TEXT,
 inputs TEXT CHECK (json_valid(inputs)), extra_inputs TEXT CHECK (json_valid(extra_inputs)), outputs TEXT CHECK (json_valid(outputs)),
 slurm_outputs TEXT CHECK (json_valid(slurm_outputs)), pwd TEXT, alt_dir TEXT);
CREATE TABLE locked_prefixes (slurm_job_id INTEGER, prefix TEXT);
CREATE TABLE locked_names (slurm_job_id INTEGER, name TEXT);`

// peerJob is a row as datalad-slurm writes it.
type peerJob struct {
	id, message, cmd, pwd, alt    string
	chain, inputs, outputs, files []string
}

func list(items []string) string {
	if items == nil {
		return "[]"
	}
	data, _ := json.Marshal(items)
	return string(data)
}

func peerDatabase(t *testing.T, file, dsid string, jobs []peerJob) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(peerSchema); err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		_, err := db.Exec("INSERT INTO open_jobs VALUES (?,?,?,?,?,?,?,?,?,?,?)", j.id, j.message, list(j.chain), j.cmd, dsid,
			list(j.inputs), "[]", list(j.outputs), list(j.files), j.pwd, j.alt)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range j.outputs {
			if _, err := db.Exec("INSERT INTO locked_names VALUES (?,?)", j.id, o); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// bare submits a job as datalad-slurm does, without Stemma.
func (l *lab) bare(sub string, args ...string) string {
	l.T.Helper()
	cmd := exec.Command("sbatch", append([]string{"--parsable"}, args...)...)
	cmd.Env, cmd.Dir = l.Env, filepath.Join(l.Dir, sub)
	out, err := cmd.Output()
	if err != nil {
		l.T.Fatalf("sbatch: %v", err)
	}
	id := strings.TrimSpace(string(out))
	l.T.Cleanup(func() { l.cancel(id) })
	if err := os.WriteFile(filepath.Join(cmd.Dir, "slurm-job-"+id+".env.json"), []byte("{\n  \"JobName\": \"x\"\n}"), 0o644); err != nil {
		l.T.Fatal(err)
	}
	return id
}

// TestImport takes the open jobs of datalad-slurm over.
func TestImport(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	if err := os.Mkdir(filepath.Join(l.Dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	root := l.bare("", "job.sh", "a.txt")
	sub := l.bare("sub", "../job.sh", "s.txt")
	arr := l.bare("", "--array=0-2", "arr.sh")
	bad := l.bare("", "fail.sh", "bad.txt")
	held := l.bare("", "--hold", "job.sh", "held.txt")
	dsid := l.Git("config", "-f", ".datalad/config", "datalad.dataset.id")
	file := filepath.Join(l.Dir, ".git", dsid+".db")
	env := func(id string) []string { return []string{"slurm-" + id + ".out", "slurm-job-" + id + ".env.json"} }
	peerDatabase(t, file, dsid, []peerJob{
		{id: root, message: "first job", cmd: "sbatch job.sh a.txt", pwd: ".", inputs: []string{"in.txt"}, outputs: []string{"./a.txt"}, files: env(root)},
		{id: sub, message: "from sub", cmd: "sbatch ../job.sh s.txt", pwd: "sub", outputs: []string{"sub/s.txt"}, files: env(sub)},
		{id: arr, message: "arr", cmd: "sbatch --array=0-2 arr.sh", pwd: ".", outputs: []string{"./arr"},
			files: []string{"slurm-" + arr + "_0.out", "slurm-" + arr + "_1.out", "slurm-" + arr + "_2.out", "slurm-job-" + arr + ".env.json"}},
		{id: bad, cmd: "sbatch fail.sh bad.txt", pwd: ".", outputs: []string{"./bad.txt"}, files: env(bad)},
		{id: held, cmd: "sbatch --hold job.sh held.txt", pwd: ".", outputs: []string{"./held.txt"}, files: env(held)},
		{id: "3999999", message: "unknown", cmd: "sbatch gone.sh", pwd: ".", outputs: []string{"./gone.txt"}, files: env("3999999")},
	})
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	l.in("", "jobs", "import").want(t, 0, root, sub, arr, bad, held, "3999999")
	l.in("", "jobs", "import").want(t, 0)
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the database was changed: %v", err)
	}
	if rows := l.jobs(); len(rows) != 6 {
		t.Errorf("%d jobs, want 6: %+v", len(rows), rows)
	}
	l.in("", "schedule", "-o", "a.txt", "sbatch", "job.sh", "x").want(t, 1, "claimed by job "+root)
	l.await(root, sub, arr, bad)
	// A job that Slurm does not know stops no other.
	l.in("", "finish").want(t, 1, "3999999: UNKNOWN", bad+": FAILED", held+": PENDING",
		"Slurm job "+root+": Completed", "Slurm job "+sub+": Completed", "Slurm job "+arr+": Completed")
	one, two, three := l.recordOf("HEAD~2"), l.recordOf("HEAD~1"), l.recordOf("HEAD")
	if one.Title != "Slurm job "+root+": Completed\n\nfirst job" || fmt.Sprint(one.ID) != root || one.Cmd != "sbatch job.sh a.txt" || one.DSID != dsid {
		t.Errorf("record\n%s", one.JSON)
	}
	sameSet(t, "inputs", one.Inputs, []string{"in.txt"})
	sameSet(t, "outputs", one.Outputs, append(env(root), "./a.txt"))
	sameSet(t, "committed files", l.changed("HEAD~2"), append(env(root), "a.txt"))
	sameSet(t, "committed files of sub", l.changed("HEAD~1"), append(logFiles("sub", sub), "sub/s.txt"))
	if two.Pwd != "sub" || len(three.Logs) != 4 {
		t.Errorf("records\n%s\n%s", two.JSON, three.JSON)
	}
	sameSet(t, "committed files of the array", l.changed("HEAD"), append([]string{"arr/0.txt", "arr/1.txt", "arr/2.txt"}, three.Logs...))
	l.in("", "jobs", "import").want(t, 0) // what is finished does not come back
	l.in("", "finish", "--list-open-jobs").want(t, 0, held, bad, "3999999").without(t, "\n"+root+" ", "\n"+arr+" ")
	l.in("", "finish", "--close-failed-jobs", bad).want(t, 0)
	l.in("", "jobs", "release", "3999999").want(t, 0)
}
