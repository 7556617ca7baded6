package finish_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/reschedule"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// checkNested looks whether every dataset records what is checked out below it,
// and nothing is left to be saved.
func checkNested(t *testing.T, b *jobstest.Bench, subs ...string) {
	t.Helper()
	if got := b.Git("status", "--porcelain"); got != "" {
		t.Errorf("status %s", got)
	}
	for _, sub := range subs {
		if got := b.Git("-C", sub, "status", "--porcelain"); got != "" {
			t.Errorf("status of %s: %s", sub, got)
		}
	}
	if out := b.Git("fsck", "--connectivity-only"); strings.Contains(out, "missing") {
		t.Error(out)
	}
}

func TestNestedOutputs(t *testing.T) {
	b := jobstest.New(t)
	b.Sub(".", "sub")
	b.Sub("sub", "deep")
	b.Submit(schedule.Options{
		Cmd: "sbatch sub/job.sh", Inputs: []string{"sub/in.txt", "sub/deep/in.txt"}, Outputs: []string{"sub/o.dat", "sub/deep/d.txt", "own.txt"},
	})
	b.Submit(schedule.Options{Outputs: []string{"sub/p.txt"}})
	for _, p := range []string{"sub/o.dat", "sub/deep/d.txt", "own.txt", "sub/p.txt", "sub/unrelated"} {
		b.Write(p, "\x01"+p)
	}
	job := b.Jobs()[0]
	if job.Script != "sub/job.sh" || strings.Contains(b.Log.String(), "untracked") || job.InputIDs["sub/deep/in.txt"] == "" {
		t.Errorf("%+v\n%s", job, b.Log)
	}
	b.S.Set(t, "101", "COMPLETED")
	b.S.Set(t, "102", "COMPLETED")
	lines, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if strings.Join(lines, ";") != "ok Slurm job 101: Completed;ok Slurm job 102: Completed" {
		t.Error(lines)
	}
	if got := b.Git("-C", "sub", "status", "--porcelain"); got != "?? unrelated" {
		t.Errorf("status of sub: %q", got)
	}
	b.Git("-C", "sub", "clean", "-fq")
	checkNested(t, b, "sub", "sub/deep")
	// Each job's commit records the commits of its own outputs.
	for rev, job := range map[string]string{"HEAD~1": "101", "HEAD": "102"} {
		sub := strings.Fields(b.Git("ls-tree", rev, "sub"))[2]
		message := b.Git("-C", "sub", "log", "-1", "--format=%B", sub)
		if m, err := runrec.Parse(message); err != nil || m.Record.SlurmJobID != job {
			t.Errorf("%s: %v %s", rev, err, message)
		}
	}
	if got := b.Git("diff", "--name-only", "HEAD~2", "HEAD~1"); got != "own.txt\nslurm-101.out\nslurm-job-101.env.json\nsub" {
		t.Errorf("first commit: %q", got)
	}
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{Revision: "HEAD~1"}, result.Discard))
	rec, err := jobs.List(t.Context(), b.D, b.S, jobs.ListOptions{})
	jobstest.Must(t, err)
	if len(rec) != 1 || strings.Join(rec[0].Outputs, " ") != "./sub/o.dat ./sub/deep/d.txt ./own.txt" {
		t.Errorf("rescheduled: %+v", rec)
	}
}

func TestKilledNestedFinish(t *testing.T) {
	for _, step := range []string{"marked", "stored", "nested sub/deep", "nested sub", "closing", "published"} {
		b := jobstest.New(t)
		b.Sub(".", "sub")
		b.Sub("sub", "deep")
		b.Submit(schedule.Options{Outputs: []string{"sub/deep/o.dat"}})
		b.Submit(schedule.Options{Outputs: []string{"sub/o.txt", "sub/deep/p.txt"}})
		for _, p := range []string{"sub/deep/o.dat", "sub/o.txt", "sub/deep/p.txt"} {
			b.Write(p, "\x01"+p)
		}
		b.S.Set(t, "101", "COMPLETED")
		b.S.Set(t, "102", "COMPLETED")
		if out, err := b.Run(jobstest.Command{Finish: true, Kill: step}); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		// The younger first: what is recorded must not go back.
		if step != "published" && step != "closing" {
			_, err := b.Finish(finish.Options{JobID: "102"})
			jobstest.Must(t, err)
		}
		_, err := b.Finish(finish.Options{})
		jobstest.Must(t, err)
		if b.States() != "closed:committed closed:committed" {
			t.Errorf("%s: %s", step, b.States())
		}
		checkNested(t, b, "sub", "sub/deep")
		for dir, want := range map[string]int{".": 2, "sub": 2, "sub/deep": 2} {
			n := strings.Count(b.Git("-C", dir, "log", "--format=%s"), "Slurm job")
			if dir == "sub" && step == "nested sub/deep" {
				want = 1 // that of the younger job records what both left below
			}
			if n != want {
				t.Errorf("%s: %d commits of jobs in %s, want %d", step, n, dir, want)
			}
		}
	}
}

func TestNestedFinishByMany(t *testing.T) {
	b := jobstest.New(t)
	b.Sub(".", "sub")
	const n = 6
	for i := range n {
		o := fmt.Sprintf("sub/o%d", i)
		b.Submit(schedule.Options{Outputs: []string{o}})
		b.Write(o, o)
		b.S.Set(t, fmt.Sprint(101+i), "COMPLETED")
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := finish.Run(t.Context(), b.D, b.S, finish.Options{JobID: fmt.Sprint(101 + i)}, result.Discard); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	checkNested(t, b, "sub")
	if got := strings.Count(b.Git("log", "--format=%s"), "Slurm job"); got != n {
		t.Errorf("%d commits", got)
	}
}

func TestNestedClaims(t *testing.T) {
	b := jobstest.New(t)
	b.Sub(".", "sub")
	b.Submit(schedule.Options{Outputs: []string{"sub/o"}})
	b.Reopen("sub")
	if b.D.Path() != b.Dir+"/sub" {
		t.Fatal(b.D.Path())
	}
	_, err := b.Schedule(schedule.Options{Outputs: []string{"o/x"}})
	jobstest.WantErr(t, err, "conflicts with sub/o", "job 101", "superdataset")
	b.Submit(schedule.Options{Outputs: []string{"other"}})
	b.Write("sub/o", "half")
	b.Save()
	if got := b.Git("status", "--porcelain"); !strings.HasPrefix(got, "?? o\n") {
		t.Errorf("status of sub: %q", got)
	}
	b.Reopen("")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"sub/other"}})
	jobstest.WantErr(t, err, "output other is already claimed by job 102", "subdataset sub")
	b.Write("sub/other", "old")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"fine"}, Inputs: []string{"sub/other"}})
	jobstest.WantErr(t, err, "input sub/other will be produced by job 102", "in the subdataset sub")
	if got := strings.Count(b.States(), "open:"); got != 1 {
		t.Errorf("%d jobs", got)
	}
}

func TestNestedRefused(t *testing.T) {
	b := jobstest.New(t)
	b.Sub(".", "sub")
	b.Sub("sub", "deep")
	_, err := b.Schedule(schedule.Options{Outputs: []string{"sub"}})
	jobstest.WantErr(t, err, "sub/deep")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"*/x"}})
	jobstest.WantErr(t, err, "subdataset sub")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"sub/.git/x"}})
	jobstest.WantErr(t, err, "git's own folder")
	b.Submit(schedule.Options{Outputs: []string{"sub/o"}})
	b.Write("sub/o", "x")
	b.S.Set(t, "101", "COMPLETED")
	lines, err := b.Finish(finish.Options{JobID: "101", Octopus: true})
	if err != nil || len(lines) != 1 || !strings.Contains(lines[0], "cannot be put on branches") {
		t.Error(lines, err)
	}
	b.Git("-C", "sub", "checkout", "-q", "-b", "side")
	lines, err = b.Finish(finish.Options{JobID: "101"})
	if err != nil || len(lines) != 1 || !strings.Contains(lines[0], "subdataset sub: the work belongs to branch") {
		t.Error(lines, err)
	}
	if lines, err = b.Finish(finish.Options{JobID: "101", Here: true}); err != nil || lines[0] != "ok Slurm job 101: Completed" {
		t.Error(lines, err)
	}
	b.Git("submodule", "deinit", "-q", "-f", "sub")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"sub/o"}})
	jobstest.WantErr(t, err, "sub/o lies in the subdataset sub, which is not here")
}

func TestNestedAltDirAndUnlock(t *testing.T) {
	b := jobstest.New(t)
	b.Sub(".", "sub")
	b.Write("sub/o.dat", "\x01old")
	b.Git("-C", "sub", "config", "user.name", "ada")
	alt := t.TempDir()
	b.Submit(schedule.Options{Outputs: []string{"sub/o.dat"}, AltDir: alt, Cmd: "sbatch sub/job.sh"})
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	jobstest.Must(t, writeFile(alt+"/sub/o.dat", "\x01new"))
	b.S.Set(t, "101", "COMPLETED")
	if lines, err := b.Finish(finish.Options{}); err != nil || lines[0] != "ok Slurm job 101: Completed" {
		t.Error(lines, err)
	}
	checkNested(t, b, "sub")
	// An existing output is writable for the next job, and put back where that
	// could not be submitted.
	b.Mode("fail")
	if _, err := b.Schedule(schedule.Options{Outputs: []string{"sub/o.dat"}}); err == nil {
		t.Error("no error")
	}
	checkNested(t, b, "sub")
	b.Mode("")
	b.Submit(schedule.Options{Outputs: []string{"sub/o.dat"}})
	jobstest.Must(t, writeFile(b.Dir+"/sub/o.dat", "\x01newer"))
	b.S.Set(t, "102", "COMPLETED")
	if lines, err := b.Finish(finish.Options{}); err != nil || lines[0] != "ok Slurm job 102: Completed" {
		t.Error(lines, err)
	}
	checkNested(t, b, "sub")
}

// An isolated job sees the subdatasets as the commit records them.
func TestNestedIsolated(t *testing.T) {
	b := jobstest.New(t)
	b.Sub(".", "sub")
	b.Sub("sub", "deep")
	b.Write("sub/deep/data.bin", "\x01\x00data")
	b.Write("sub/crlf.txt", "one\n")
	b.Write("sub/.gitattributes", "* annex.largefiles=((mimeencoding=binary)and(largerthan=0))\ncrlf.txt text eol=crlf\n")
	b.Write("sub/o.txt", "old\n")
	b.SaveAll()
	b.Write("sub/in.txt", "later\n")
	_, err := b.D.Save(t.Context(), dataset.SaveOptions{Paths: []string{"sub/"}}, result.Discard)
	jobstest.Must(t, err) // in the subdataset only
	b.Git("-C", "sub", "reset", "-q", "--hard", "HEAD")
	id := b.Submit(schedule.Options{
		Cmd: "sbatch sub/job.sh", Inputs: []string{"sub/*.txt", "sub/deep"}, Outputs: []string{"sub/o.txt", "sub/deep/new.bin"}, Isolated: jobstest.Area(t),
	})
	folder := b.Folder(id)
	for p, want := range map[string]string{
		"sub/in.txt": "input\n", "sub/crlf.txt": "one\r\n", "sub/deep/data.bin": "\x01\x00data", "sub/deep/in.txt": "input\n", "sub/job.sh": "#!/bin/sh\n",
	} {
		if got := jobstest.Read(t, filepath.Join(folder, p)); got != want {
			t.Errorf("%s: %q", p, got)
		}
	}
	if _, err := os.Lstat(filepath.Join(folder, "sub/.git")); err == nil {
		t.Error("the folder holds a repository")
	}
	b.Wrote(id, "sub/o.txt", "new\n")
	b.Wrote(id, "sub/deep/new.bin", "\x01\x00new")
	b.S.Set(t, id, "COMPLETED")
	if lines, err := b.Finish(finish.Options{}); err != nil || lines[0] != "ok Slurm job 101: Completed" {
		t.Error(lines, err)
	}
	checkNested(t, b, "sub", "sub/deep")
	if got := jobstest.Read(t, filepath.Join(b.Dir, "sub/o.txt")); got != "new\n" {
		t.Errorf("output %q", got)
	}
	// A commit that is recorded, and not here, is no input.
	b.Git("update-index", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",sub")
	b.Git("commit", "-q", "-m", "points nowhere")
	_, err = b.Schedule(schedule.Options{Outputs: []string{"x"}, Inputs: []string{"sub/in.txt"}, Isolated: jobstest.Area(t)})
	jobstest.WantErr(t, err, "the recorded commit 1111111 is not here")
	b.Git("reset", "-q", "--hard", "HEAD~1")
	// What no commit holds is not written over.
	id = b.Submit(schedule.Options{Cmd: "sbatch sub/job.sh", Outputs: []string{"sub/o.txt"}, Isolated: jobstest.Area(t)})
	b.Wrote(id, "sub/o.txt", "newer\n")
	b.Write("sub/o.txt", "mine\n")
	b.S.Set(t, id, "COMPLETED")
	if lines, err := b.Finish(finish.Options{}); err != nil || !strings.Contains(lines[0], "not committed") {
		t.Error(lines, err)
	}
}

func writeFile(p, text string) error { return os.WriteFile(p, []byte(text), 0o644) }
