package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/runrec"
)

func TestScheduleAndFinish(t *testing.T) {
	b := newBench(t)
	rec, err := b.schedule(ScheduleOptions{Inputs: []string{"in.txt"}, Outputs: []string{"out.txt", "out.dat"}, Message: "first job"})
	must(t, err)
	if rec.Status != "ok" || rec.String("message") != "sbatch job.sh" || rec.Path != b.dir || rec.Fields["exit_code"] != 0 {
		t.Errorf("record %v", rec)
	}
	info := rec.Fields["slurm_run_info"].(map[string]any)
	want := `{"chain": [], "cmd": "sbatch job.sh", "dsid": "` + b.d.ID + `", "exit": 0, "extra_inputs": [], "inputs": ["in.txt"], "outputs": ["./out.txt", "./out.dat"], "pwd": ".", "slurm_job_id": "101", "slurm_outputs": ["slurm-101.out", "slurm-job-101.env.json"]}`
	if got := pyfmt.JSON(info); got != want {
		t.Errorf("info\n%s\nwant\n%s", got, want)
	}
	if lines, err := b.finish(FinishOptions{}); err != nil || len(lines) != 1 || lines[0] != "impossible Slurm job(s) for job 101 are not complete.Statuses: 101: PENDING" {
		t.Fatal(lines, err)
	}
	b.write("out.txt", "result\n")
	b.write("out.dat", "\x01binary")
	b.s.set(t, "101", "COMPLETED")
	base := b.git("rev-parse", "HEAD")
	lines, err := b.finish(FinishOptions{JobID: "101", Message: "done"})
	must(t, err)
	if len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Fatal(lines)
	}
	msg := b.git("log", "-1", "--format=%B")
	if !strings.HasPrefix(msg, "[DATALAD SLURM RUN] Slurm job 101: Completed\n\ndone\n\nfirst job\n\n=== Do not change lines below ===\n{\n \"alt_dir\": \"\",\n \"chain\": [],") {
		t.Errorf("message:\n%s", msg)
	}
	c, err := runrec.Parse(msg)
	must(t, err)
	st := c.Record.Extra["stemma"].(map[string]any)
	if st["base"] != base || pyfmt.JSON(st["modules"]) != `["gcc/13", "hdf5/1.14"]` || pyfmt.JSON(st["environment"]) == "" {
		t.Errorf("stemma: %v", st)
	}
	blob := b.git("rev-parse", "HEAD:in.txt")
	if got := pyfmt.JSON(st["inputs"]); got != `{"in.txt": "`+blob+`"}` {
		t.Errorf("inputs %s", got)
	}
	if got := pyfmt.JSON(st["script"]); got != `{"id": "`+b.git("rev-parse", "HEAD:job.sh")+`", "path": "job.sh", "state": "clean"}` {
		t.Errorf("script %s", got)
	}
	if sc := st["scheduler"].(map[string]any); sc["nodes"] != "node7" || sc["start"] != "1970-01-01T00:16:40Z" || fmt.Sprint(sc["max_rss"]) != "4096" {
		t.Errorf("scheduler %v", sc)
	}
	if strings.Contains(msg, "hunter2") {
		t.Error("a secret got into the record")
	}
	files := b.git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD")
	if files != "out.dat\nout.txt\nslurm-101.out\nslurm-job-101.env.json" {
		t.Errorf("committed:\n%s", files)
	}
	if got := b.git("status", "--porcelain"); got != "" {
		t.Errorf("status: %s", got)
	}
	if fi, _ := os.Lstat(filepath.Join(b.dir, "out.dat")); fi.Mode()&os.ModeSymlink == 0 {
		t.Error("out.dat is not annexed")
	}
	env, _ := os.ReadFile(filepath.Join(b.dir, "slurm-job-101.env.json"))
	if s := string(env); strings.Contains(s, "UserId") || strings.Contains(s, "GroupId") || strings.Contains(s, "JobId\"") || !strings.HasPrefix(s, "{\n  \"JobName\": \"job.sh\",\n") || !json.Valid(env) {
		t.Errorf("env.json:\n%s", s)
	}
	_, err = b.finish(FinishOptions{JobID: "101"})
	wantErr(t, err, "101", "closed already")
	_, err = b.finish(FinishOptions{JobID: "999"})
	wantErr(t, err, "999")
	if left, _ := os.ReadDir(submitDir(b.d)); len(left) != 0 {
		t.Errorf("left in submit: %v", left)
	}
}

// TestConflictMatrix is the matrix of the specification.
func TestConflictMatrix(t *testing.T) {
	b := newBench(t)
	b.write("p/a/keep", "x")
	b.write("p/x/keep", "x")
	must(t, os.Symlink("p/a", filepath.Join(b.dir, "link")))
	id := b.submit(ScheduleOptions{Outputs: []string{"p/a/b"}})
	for _, c := range []struct {
		cwd, output string
		ok          bool
	}{
		{"", "p/a", false}, {"", "p/a/b", false}, {"", "p/a/b/c", false}, {"", "p/a/b/", false},
		{"", "p/a/bb", true},
		{"", "p//a/b", false}, {"", "./p/a/b", false}, {"", "p/x/../a/b", false}, {"", b.dir + "/p/a/b", false}, {"", ".", false},
		{"p", "a/b", false}, {"p", "a", false}, {"p/a", "b", false}, {"p/a", ".", false},
		{"", "link/b", false}, {"", "link", false}, {"p", "../link/../a/b", false}, {"", "p/*/b", false}, {"", "p/a/b*", false},
		{"p", "bbb", true}, {"", "q/*.txt", true}, {"", "p/x/y", true},
	} {
		b.reopen(c.cwd)
		_, err := b.schedule(ScheduleOptions{Cmd: "sbatch " + b.dir + "/job.sh", Outputs: []string{c.output}})
		var conflict *ledger.ConflictError
		switch {
		case c.ok && err != nil:
			t.Errorf("from %q -o %s: %v", c.cwd, c.output, err)
		case !c.ok && !errors.As(err, &conflict):
			t.Errorf("from %q -o %s: no conflict: %v", c.cwd, c.output, err)
		case !c.ok:
			wantErr(t, err, "p/a/b", id)
		}
	}
	b.reopen("")
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"p/a/b"}, NoCheck: true})
	must(t, err)
	if n := b.s.count(t); n != 6 {
		t.Errorf("%d jobs were submitted", n)
	}
}

func TestScheduleRefuses(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"res/a.txt", "sim"}})
	b.write("res/old.txt", "x")
	head := b.git("rev-parse", "HEAD")
	for name, c := range map[string]struct {
		opt   ScheduleOptions
		words string
	}{
		"no outputs":          {ScheduleOptions{}, "At least one output"},
		"outside":             {ScheduleOptions{Outputs: []string{"../x"}}, "not underneath"},
		"git folder":          {ScheduleOptions{Outputs: []string{".git/x"}}, "git's own"},
		"missing input":       {ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"nope"}}, "Input did not match existing file: nope"},
		"placeholder":         {ScheduleOptions{Outputs: []string{"o"}, Cmd: "sbatch {nokey}"}, "nokey"},
		"pending":             {ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"res/a.txt"}, NoAutoDependency: true}, "will be produced by job 101"},
		"pending glob":        {ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"res/*.txt"}, NoAutoDependency: true}, "will be produced by job 101"},
		"pending below":       {ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"sim/1/x"}, NoAutoDependency: true}, "will be produced by job 101"},
		"alt-dir":             {ScheduleOptions{Outputs: []string{"o"}, AltDir: "no such"}, "Alternative job directory 'no such' doesn't exist"},
		"no id":               {ScheduleOptions{Outputs: []string{"o"}, Cmd: "echo hi"}, "No job was submitted"},
		"missing program":     {ScheduleOptions{Outputs: []string{"o"}, Cmd: "sbatchx job.sh"}, "sbatchx"},
		"wildcard and parent": {ScheduleOptions{Outputs: []string{"a*/../b"}}, "after a wildcard"},
	} {
		_, err := b.schedule(c.opt)
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.mode("fail")
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"o"}})
	wantErr(t, err, "Invalid partition")
	b.mode("")
	if n := b.s.count(t); n != 1 {
		t.Errorf("%d jobs", n)
	}
	if b.git("rev-parse", "HEAD") != head {
		t.Error("HEAD moved")
	}
	// The claims are free again, and a glob that cannot match is fine.
	b.submit(ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"res/*.dat", "in.txt"}[1:]})
}

func TestWrappersAndOutsideCluster(t *testing.T) {
	b := newBench(t)
	b.mode("wrapper")
	b.submit(ScheduleOptions{Outputs: []string{"a"}})
	b.mode("parsable")
	b.submit(ScheduleOptions{Outputs: []string{"b"}})
	if j := b.jobs(); j[0].Cluster != "tiny" || j[0].JobID != "101" || j[1].JobID != "102" {
		t.Errorf("%v", j)
	}
}

func TestUncertainIsSettledByTheUser(t *testing.T) {
	b := newBench(t)
	b.mode("timeout")
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"o"}})
	var u *UncertainError
	if !errors.As(err, &u) || len(u.Candidates) != 1 || u.Candidates[0].ID != "101" {
		t.Fatalf("%v", err)
	}
	wantErr(t, err, "Socket timed out", "101")
	if b.states() != "uncertain:" {
		t.Fatal(b.states())
	}
	b.mode("")
	if _, err := b.schedule(ScheduleOptions{Outputs: []string{"o"}}); !errors.As(err, &u) {
		t.Fatalf("submitted again? %v", err)
	}
	if b.s.count(t) != 1 {
		t.Fatal("submitted twice")
	}
	wantErr(t, Adopt(t.Context(), b.d, b.s, AdoptOptions{JobID: "555"}, discard), "555")
	must(t, Adopt(t.Context(), b.d, b.s, AdoptOptions{JobID: "101"}, discard))
	b.write("o", "x")
	b.s.set(t, "101", "COMPLETED")
	if lines, err := b.finish(FinishOptions{}); err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Fatal(lines, err)
	}

	b.mode("timeout")
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"o2"}})
	wantErr(t, err, "uncertain")
	must(t, Release(t.Context(), b.d, ReleaseOptions{}, discard))
	b.mode("")
	b.submit(ScheduleOptions{Outputs: []string{"o2"}})
}

func TestConcurrentSchedules(t *testing.T) {
	for _, n := range []int{4, 16} {
		b := newBench(t)
		var wg sync.WaitGroup
		errs := make([]error, n)
		for i := range n {
			wg.Add(1)
			go func() {
				defer wg.Done()
				_, errs[i] = b.schedule(ScheduleOptions{Outputs: []string{"same"}, Cmd: fmt.Sprintf("sbatch job.sh %d", i)})
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
		if won != 1 || b.s.count(t) != 1 {
			t.Errorf("%d of %d won, %d jobs", won, n, b.s.count(t))
		}
	}
}

// TestKilledSchedule kills a schedule at each step and repeats it.
func TestKilledSchedule(t *testing.T) {
	for _, step := range []string{"claimed", "submitted", "described", "recorded"} {
		b := newBench(t)
		spec := childSpec{Cmd: "sbatch job.sh", Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Kill: step}
		if out, err := b.run(spec); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		_, err := b.schedule(ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"in.txt"}})
		var conflict *ledger.ConflictError
		if step == "recorded" {
			if !errors.As(err, &conflict) {
				t.Errorf("%s: %v", step, err)
			}
		} else {
			must(t, err)
		}
		if n := b.s.count(t); n != 1 {
			t.Errorf("%s: %d jobs", step, n)
		}
		if adopted := strings.Contains(b.log.String(), "adopted"); adopted != (step == "submitted" || step == "described") {
			t.Errorf("%s: log: %s", step, b.log)
		}
		b.write("o", "x")
		b.s.set(t, "101", "COMPLETED")
		if lines, err := b.finish(FinishOptions{}); err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
			t.Errorf("%s: %v %v", step, lines, err)
		}
	}
}

func TestExistingOutputIsUnlockedAndRestored(t *testing.T) {
	b := newBench(t)
	b.write("o.dat", "\x01old")
	b.save()
	link, err := os.Readlink(filepath.Join(b.dir, "o.dat"))
	must(t, err)
	b.mode("fail")
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"o.dat"}})
	wantErr(t, err, "Invalid partition")
	if got, _ := os.Readlink(filepath.Join(b.dir, "o.dat")); got != link {
		t.Error("the link is not back")
	}
	b.mode("")
	b.submit(ScheduleOptions{Outputs: []string{"o.dat"}})
	if fi, _ := os.Lstat(filepath.Join(b.dir, "o.dat")); !fi.Mode().IsRegular() {
		t.Error("not unlocked")
	}
	// Unchanged: a commit with the record all the same.
	b.s.set(t, "101", "COMPLETED")
	lines, err := b.finish(FinishOptions{})
	if err != nil || len(lines) != 1 || !strings.HasPrefix(lines[0], "ok ") {
		t.Fatal(lines, err)
	}
	if got, _ := os.Readlink(filepath.Join(b.dir, "o.dat")); got != link {
		t.Error("o.dat is another file now")
	}
}

func TestAnonymous(t *testing.T) {
	b := newBench(t)
	id := b.submit(ScheduleOptions{Outputs: []string{"o"}, Anonymous: true})
	env, err := os.ReadFile(filepath.Join(b.dir, "slurm-job-"+id+".env.json"))
	must(t, err)
	b.write("o", "x")
	b.s.set(t, id, "COMPLETED")
	_, err = b.finish(FinishOptions{})
	must(t, err)
	for _, text := range []string{string(env), b.git("log", "-1", "--format=%B")} {
		if strings.Contains(text, "node7") || strings.Contains(text, "acc\"") || strings.Contains(text, b.dir) {
			t.Errorf("not anonymous:\n%s", text)
		}
	}
}

func TestForeignEnvFileIsKept(t *testing.T) {
	b := newBench(t)
	b.write("slurm-job-101.env.json", "mine")
	b.submit(ScheduleOptions{Outputs: []string{"o"}})
	if got, _ := os.ReadFile(filepath.Join(b.dir, "slurm-job-101.env.json")); string(got) != "mine" {
		t.Error("overwritten")
	}
	if got := b.jobs()[0].SlurmOutputs; len(got) != 2 || got[1] != "slurm-job-101-2.env.json" {
		t.Errorf("%v", got)
	}
	if got, _ := os.ReadFile(filepath.Join(b.dir, "slurm-job-101-2.env.json")); !strings.Contains(string(got), `"SubmitTime"`) {
		t.Errorf("the job's own file: %s", got)
	}
}

func TestDirtyScript(t *testing.T) {
	b := newBench(t)
	b.write("job.sh", "#!/bin/sh\n# changed\n")
	b.submit(ScheduleOptions{Outputs: []string{"o"}, Cmd: "sbatch -J name --time 10 job.sh arg"})
	if p := getProvenance(&b.jobs()[0]); p.Script == nil || p.Script.State != stateModified || p.Script.Path != "job.sh" {
		t.Errorf("%+v", p.Script)
	}
	if !strings.Contains(b.log.String(), "job script job.sh is modified") {
		t.Error(b.log)
	}
}
