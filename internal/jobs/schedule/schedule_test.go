package schedule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

func TestScheduleAndFinish(t *testing.T) {
	b := jobstest.New(t)
	rec, err := b.Schedule(schedule.Options{Inputs: []string{"in.txt"}, Outputs: []string{"out.txt", "out.dat"}, Message: "first job"})
	jobstest.Must(t, err)
	if rec.Status != "ok" || rec.String("message") != "sbatch job.sh" || rec.Path != b.Dir || rec.Fields["exit_code"] != 0 {
		t.Errorf("record %v", rec)
	}
	info := rec.Fields["slurm_run_info"].(map[string]any)
	want := `{"chain": [], "cmd": "sbatch job.sh", "dsid": "` + b.D.ID + `", "exit": 0, "extra_inputs": [], "inputs": ["in.txt"], "outputs": ["./out.txt", "./out.dat"], "pwd": ".", "slurm_job_id": "101", "slurm_outputs": ["slurm-101.out", "slurm-job-101.env.json"]}`
	if got := pyfmt.JSON(info); got != want {
		t.Errorf("info\n%s\nwant\n%s", got, want)
	}
	if lines, err := b.Finish(finish.Options{}); err != nil || len(lines) != 1 || lines[0] != "impossible Slurm job(s) for job 101 are not complete.Statuses: 101: PENDING" {
		t.Fatal(lines, err)
	}
	b.Write("out.txt", "result\n")
	b.Write("out.dat", "\x01binary")
	b.S.Set(t, "101", "COMPLETED")
	base := b.Git("rev-parse", "HEAD")
	lines, err := b.Finish(finish.Options{JobID: "101", Message: "done"})
	jobstest.Must(t, err)
	if len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Fatal(lines)
	}
	msg := b.Git("log", "-1", "--format=%B")
	if !strings.HasPrefix(msg, "[DATALAD SLURM RUN] Slurm job 101: Completed\n\ndone\n\nfirst job\n\n=== Do not change lines below ===\n{\n \"alt_dir\": \"\",\n \"chain\": [],") {
		t.Errorf("message:\n%s", msg)
	}
	c, err := runrec.Parse(msg)
	jobstest.Must(t, err)
	st := c.Record.Extra["stemma"].(map[string]any)
	if st["base"] != base || pyfmt.JSON(st["modules"]) != `["gcc/13", "hdf5/1.14"]` || pyfmt.JSON(st["environment"]) == "" {
		t.Errorf("stemma: %v", st)
	}
	blob := b.Git("rev-parse", "HEAD:in.txt")
	if got := pyfmt.JSON(st["inputs"]); got != `{"in.txt": "`+blob+`"}` {
		t.Errorf("inputs %s", got)
	}
	if got := pyfmt.JSON(st["script"]); got != `{"id": "`+b.Git("rev-parse", "HEAD:job.sh")+`", "path": "job.sh", "state": "clean"}` {
		t.Errorf("script %s", got)
	}
	if sc := st["scheduler"].(map[string]any); sc["nodes"] != "node7" || sc["start"] != "1970-01-01T00:16:40Z" || fmt.Sprint(sc["max_rss"]) != "4096" {
		t.Errorf("scheduler %v", sc)
	}
	if strings.Contains(msg, "hunter2") {
		t.Error("a secret got into the record")
	}
	files := b.Git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD")
	if files != "out.dat\nout.txt\nslurm-101.out\nslurm-job-101.env.json" {
		t.Errorf("committed:\n%s", files)
	}
	if got := b.Git("status", "--porcelain"); got != "" {
		t.Errorf("status: %s", got)
	}
	if fi, _ := os.Lstat(filepath.Join(b.Dir, "out.dat")); fi.Mode()&os.ModeSymlink == 0 {
		t.Error("out.dat is not annexed")
	}
	env, _ := os.ReadFile(filepath.Join(b.Dir, "slurm-job-101.env.json"))
	if s := string(env); strings.Contains(s, "UserId") || strings.Contains(s, "GroupId") || strings.Contains(s, "JobId\"") || !strings.HasPrefix(s, "{\n  \"JobName\": \"job.sh\",\n") || !json.Valid(env) {
		t.Errorf("env.json:\n%s", s)
	}
	_, err = b.Finish(finish.Options{JobID: "101"})
	jobstest.WantErr(t, err, "101", "closed already")
	_, err = b.Finish(finish.Options{JobID: "999"})
	jobstest.WantErr(t, err, "999")
	if left, _ := os.ReadDir(jobdb.SubmitDir(b.D)); len(left) != 0 {
		t.Errorf("left in submit: %v", left)
	}
}

// TestConflictMatrix is the matrix of the specification.
func TestConflictMatrix(t *testing.T) {
	b := jobstest.New(t)
	b.Write("p/a/keep", "x")
	b.Write("p/x/keep", "x")
	jobstest.Must(t, os.Symlink("p/a", filepath.Join(b.Dir, "link")))
	id := b.Submit(schedule.Options{Outputs: []string{"p/a/b"}})
	for _, c := range []struct {
		cwd, output string
		ok          bool
	}{
		{"", "p/a", false}, {"", "p/a/b", false}, {"", "p/a/b/c", false}, {"", "p/a/b/", false},
		{"", "p/a/bb", true},
		{"", "p//a/b", false}, {"", "./p/a/b", false}, {"", "p/x/../a/b", false}, {"", b.Dir + "/p/a/b", false}, {"", ".", false},
		{"p", "a/b", false}, {"p", "a", false}, {"p/a", "b", false}, {"p/a", ".", false},
		{"", "link/b", false}, {"", "link", false}, {"p", "../link/../a/b", false}, {"", "p/*/b", false}, {"", "p/a/b*", false},
		{"p", "bbb", true}, {"", "q/*.txt", true}, {"", "p/x/y", true},
	} {
		b.Reopen(c.cwd)
		_, err := b.Schedule(schedule.Options{Cmd: "sbatch " + b.Dir + "/job.sh", Outputs: []string{c.output}})
		var conflict *ledger.ConflictError
		switch {
		case c.ok && err != nil:
			t.Errorf("from %q -o %s: %v", c.cwd, c.output, err)
		case !c.ok && !errors.As(err, &conflict):
			t.Errorf("from %q -o %s: no conflict: %v", c.cwd, c.output, err)
		case !c.ok:
			jobstest.WantErr(t, err, "p/a/b", id)
		}
	}
	b.Reopen("")
	_, err := b.Schedule(schedule.Options{Outputs: []string{"p/a/b"}, NoCheck: true})
	jobstest.Must(t, err)
	if n := b.S.Count(t); n != 6 {
		t.Errorf("%d jobs were submitted", n)
	}
}

func TestScheduleRefuses(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"res/a.txt", "sim"}})
	b.Write("res/old.txt", "x")
	head := b.Git("rev-parse", "HEAD")
	for name, c := range map[string]struct {
		opt   schedule.Options
		words string
	}{
		"no outputs":          {schedule.Options{}, "At least one output"},
		"outside":             {schedule.Options{Outputs: []string{"../x"}}, "not underneath"},
		"git folder":          {schedule.Options{Outputs: []string{".git/x"}}, "git's own"},
		"missing input":       {schedule.Options{Outputs: []string{"o"}, Inputs: []string{"nope"}}, "Input did not match existing file: nope"},
		"placeholder":         {schedule.Options{Outputs: []string{"o"}, Cmd: "sbatch {nokey}"}, "nokey"},
		"pending":             {schedule.Options{Outputs: []string{"o"}, Inputs: []string{"res/a.txt"}, NoAutoDependency: true}, "will be produced by job 101"},
		"pending glob":        {schedule.Options{Outputs: []string{"o"}, Inputs: []string{"res/*.txt"}, NoAutoDependency: true}, "will be produced by job 101"},
		"pending below":       {schedule.Options{Outputs: []string{"o"}, Inputs: []string{"sim/1/x"}, NoAutoDependency: true}, "will be produced by job 101"},
		"alt-dir":             {schedule.Options{Outputs: []string{"o"}, AltDir: "no such"}, "Alternative job directory 'no such' doesn't exist"},
		"no id":               {schedule.Options{Outputs: []string{"o"}, Cmd: "echo hi"}, "No job was submitted"},
		"missing program":     {schedule.Options{Outputs: []string{"o"}, Cmd: "sbatchx job.sh"}, "sbatchx"},
		"wildcard and parent": {schedule.Options{Outputs: []string{"a*/../b"}}, "after a wildcard"},
	} {
		_, err := b.Schedule(c.opt)
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.Mode("fail")
	_, err := b.Schedule(schedule.Options{Outputs: []string{"o"}})
	jobstest.WantErr(t, err, "Invalid partition")
	b.Mode("")
	if n := b.S.Count(t); n != 1 {
		t.Errorf("%d jobs", n)
	}
	if b.Git("rev-parse", "HEAD") != head {
		t.Error("HEAD moved")
	}
	// The claims are free again, and a glob that cannot match is fine.
	b.Submit(schedule.Options{Outputs: []string{"o"}, Inputs: []string{"res/*.dat", "in.txt"}[1:]})
}

func TestWrappersAndOutsideCluster(t *testing.T) {
	b := jobstest.New(t)
	b.Mode("wrapper")
	b.Submit(schedule.Options{Outputs: []string{"a"}})
	b.Mode("parsable")
	b.Submit(schedule.Options{Outputs: []string{"b"}})
	if j := b.Jobs(); j[0].Cluster != "tiny" || j[0].JobID != "101" || j[1].JobID != "102" {
		t.Errorf("%v", j)
	}
}

func TestUncertainIsSettledByTheUser(t *testing.T) {
	b := jobstest.New(t)
	b.Mode("timeout")
	_, err := b.Schedule(schedule.Options{Outputs: []string{"o"}})
	var u *submission.UncertainError
	if !errors.As(err, &u) || len(u.Candidates) != 1 || u.Candidates[0].ID != "101" {
		t.Fatalf("%v", err)
	}
	jobstest.WantErr(t, err, "Socket timed out", "101")
	if b.States() != "uncertain:" {
		t.Fatal(b.States())
	}
	b.Mode("")
	if _, err := b.Schedule(schedule.Options{Outputs: []string{"o"}}); !errors.As(err, &u) {
		t.Fatalf("submitted again? %v", err)
	}
	if b.S.Count(t) != 1 {
		t.Fatal("submitted twice")
	}
	jobstest.WantErr(t, jobs.Adopt(t.Context(), b.D, b.S, jobs.AdoptOptions{JobID: "555"}, result.Discard), "555")
	jobstest.Must(t, jobs.Adopt(t.Context(), b.D, b.S, jobs.AdoptOptions{JobID: "101"}, result.Discard))
	b.Write("o", "x")
	b.S.Set(t, "101", "COMPLETED")
	if lines, err := b.Finish(finish.Options{}); err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Fatal(lines, err)
	}

	b.Mode("timeout")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"o2"}})
	jobstest.WantErr(t, err, "uncertain")
	jobstest.Must(t, jobs.Release(t.Context(), b.D, jobs.ReleaseOptions{}, result.Discard))
	b.Mode("")
	b.Submit(schedule.Options{Outputs: []string{"o2"}})
}

func TestConcurrentSchedules(t *testing.T) {
	for _, n := range []int{4, 16} {
		b := jobstest.New(t)
		var wg sync.WaitGroup
		errs := make([]error, n)
		for i := range n {
			wg.Add(1)
			go func() {
				defer wg.Done()
				_, errs[i] = b.Schedule(schedule.Options{Outputs: []string{"same"}, Cmd: fmt.Sprintf("sbatch job.sh %d", i)})
			}()
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			var conflict *ledger.ConflictError
			if err == nil {
				won++
			} else if !errors.As(err, &conflict) {
				t.Error(err)
			}
		}
		if won != 1 || b.S.Count(t) != 1 {
			t.Errorf("%d of %d won, %d jobs", won, n, b.S.Count(t))
		}
	}
}

// TestKilledSchedule kills a schedule at each step and repeats it.
func TestKilledSchedule(t *testing.T) {
	for _, step := range []string{"claimed", "submitted", "described", "recorded"} {
		b := jobstest.New(t)
		spec := jobstest.Command{Cmd: "sbatch job.sh", Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Kill: step}
		if out, err := b.Run(spec); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		_, err := b.Schedule(schedule.Options{Outputs: []string{"o"}, Inputs: []string{"in.txt"}})
		var conflict *ledger.ConflictError
		if step == "recorded" {
			if !errors.As(err, &conflict) {
				t.Errorf("%s: %v", step, err)
			}
		} else {
			jobstest.Must(t, err)
		}
		if n := b.S.Count(t); n != 1 {
			t.Errorf("%s: %d jobs", step, n)
		}
		if adopted := strings.Contains(b.Log.String(), "adopted"); adopted != (step == "submitted" || step == "described") {
			t.Errorf("%s: log: %s", step, b.Log)
		}
		b.Write("o", "x")
		b.S.Set(t, "101", "COMPLETED")
		if lines, err := b.Finish(finish.Options{}); err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
			t.Errorf("%s: %v %v", step, lines, err)
		}
	}
}

func TestExistingOutputIsUnlockedAndRestored(t *testing.T) {
	b := jobstest.New(t)
	b.Write("o.dat", "\x01old")
	b.Save()
	link, err := os.Readlink(filepath.Join(b.Dir, "o.dat"))
	jobstest.Must(t, err)
	b.Mode("fail")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"o.dat"}})
	jobstest.WantErr(t, err, "Invalid partition")
	if got, _ := os.Readlink(filepath.Join(b.Dir, "o.dat")); got != link {
		t.Error("the link is not back")
	}
	b.Mode("")
	b.Submit(schedule.Options{Outputs: []string{"o.dat"}})
	if fi, _ := os.Lstat(filepath.Join(b.Dir, "o.dat")); !fi.Mode().IsRegular() {
		t.Error("not unlocked")
	}
	// Unchanged: a commit with the record all the same.
	b.S.Set(t, "101", "COMPLETED")
	lines, err := b.Finish(finish.Options{})
	if err != nil || len(lines) != 1 || !strings.HasPrefix(lines[0], "ok ") {
		t.Fatal(lines, err)
	}
	if got, _ := os.Readlink(filepath.Join(b.Dir, "o.dat")); got != link {
		t.Error("o.dat is another file now")
	}
}

func TestAnonymous(t *testing.T) {
	b := jobstest.New(t)
	id := b.Submit(schedule.Options{Outputs: []string{"o"}, Anonymous: true})
	env, err := os.ReadFile(filepath.Join(b.Dir, "slurm-job-"+id+".env.json"))
	jobstest.Must(t, err)
	b.Write("o", "x")
	b.S.Set(t, id, "COMPLETED")
	_, err = b.Finish(finish.Options{})
	jobstest.Must(t, err)
	for _, text := range []string{string(env), b.Git("log", "-1", "--format=%B")} {
		if strings.Contains(text, "node7") || strings.Contains(text, "acc\"") || strings.Contains(text, b.Dir) {
			t.Errorf("not anonymous:\n%s", text)
		}
	}
}

func TestForeignEnvFileIsKept(t *testing.T) {
	b := jobstest.New(t)
	b.Write("slurm-job-101.env.json", "mine")
	b.Submit(schedule.Options{Outputs: []string{"o"}})
	if got, _ := os.ReadFile(filepath.Join(b.Dir, "slurm-job-101.env.json")); string(got) != "mine" {
		t.Error("overwritten")
	}
	if got := b.Jobs()[0].SlurmOutputs; len(got) != 2 || got[1] != "slurm-job-101-2.env.json" {
		t.Errorf("%v", got)
	}
	if got, _ := os.ReadFile(filepath.Join(b.Dir, "slurm-job-101-2.env.json")); !strings.Contains(string(got), `"SubmitTime"`) {
		t.Errorf("the job's own file: %s", got)
	}
}

func TestDirtyScript(t *testing.T) {
	b := jobstest.New(t)
	b.Write("job.sh", "#!/bin/sh\n# changed\n")
	b.Submit(schedule.Options{Outputs: []string{"o"}, Cmd: "sbatch -J name --time 10 job.sh arg"})
	if p := jobrec.Of(&b.Jobs()[0]); p.Script == nil || p.Script.State != fileid.Modified || p.Script.Path != "job.sh" {
		t.Errorf("%+v", p.Script)
	}
	if !strings.Contains(b.Log.String(), "job script job.sh is modified") {
		t.Error(b.Log)
	}
}
