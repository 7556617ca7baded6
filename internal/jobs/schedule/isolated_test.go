package schedule_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/reschedule"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

func TestIsolatedJobsSideBySide(t *testing.T) {
	b := jobstest.New(t)
	b.Write("sub dir/a\nb.dat", "\x01annexed")
	b.Write("in.txt", "one\n")
	b.Save()
	b.Write("in.txt", "later\n")
	b.Write("untracked", "x")
	root := jobstest.Area(t)
	link := filepath.Join(t.TempDir(), "link")
	jobstest.Must(t, os.Symlink(root, link))
	opt := schedule.Options{Outputs: []string{"res", "o.txt"}, Inputs: []string{"*.txt", "sub*"}, Isolated: link}
	one, two := b.Submit(opt), b.Submit(opt)
	if !strings.Contains(b.Log.String(), "in.txt: the work tree has another version") {
		t.Error(b.Log)
	}
	for _, id := range []string{one, two} {
		f := b.Folder(id)
		if filepath.Dir(f) != root || b.S.Read(id, "dir") != f {
			t.Errorf("%s runs in %s", id, b.S.Read(id, "dir"))
		}
		if got := jobstest.Read(t, f+"/in.txt") + jobstest.Read(t, f+"/sub dir/a\nb.dat"); got != "one\n\x01annexed" {
			t.Errorf("%q", got)
		}
		names, _ := os.ReadDir(f)
		var list []string
		for _, e := range names {
			list = append(list, e.Name())
		}
		if got := strings.Join(list, " "); got != "in.txt job.sh slurm-"+id+".out slurm-job-"+id+".env.json sub dir" {
			t.Errorf("%q", got)
		}
	}
	_, err := b.Schedule(schedule.Options{Outputs: []string{"res/x"}})
	jobstest.WantErr(t, err, "claimed by job")
	b.Git("checkout", "-q", "in.txt")
	b.Wrote(one, "res/x", "first\n")
	b.Wrote(one, "o.txt", "1st\n")
	b.Wrote(two, "res/x", "other\n")
	b.Wrote(two, "o.txt", "2nd\n")
	b.Over(t, one, two)
	lines, err := b.Finish(finish.Options{})
	if err != nil || strings.Join(lines, ";") != "ok Slurm job 101: Completed;ok Slurm job 102: Completed" {
		t.Fatal(lines, err)
	}
	if got := b.Git("show", "HEAD~:res/x") + b.Git("show", "HEAD:res/x") + b.Git("show", "HEAD~:o.txt") + b.Git("show", "HEAD:o.txt"); got != "firstother1st2nd" {
		t.Error(got)
	}
	if jobstest.Read(t, filepath.Join(b.Dir, "o.txt")) != "2nd\n" || b.Git("status", "--porcelain") != "?? untracked" {
		t.Error(b.Git("status", "--porcelain"))
	}
	m, err := runrec.Parse(b.Git("log", "-1", "--format=%B"))
	jobstest.Must(t, err)
	own := m.Record.Extra["stemma"].(map[string]any)
	if iso := own["isolated"].(map[string]any); iso["folder"] != b.Folder(two) || iso["files"] != json.Number("3") || *m.Record.AltDir != "" {
		t.Errorf("%v", m.Record)
	}
	if in := own["inputs"].(map[string]any); in["in.txt"] != b.Git("rev-parse", "HEAD:in.txt") || in["sub dir"] != "tree "+b.Git("rev-parse", "HEAD:sub dir") {
		t.Errorf("%v", in)
	}
	if own["inputs_changed"] != nil {
		t.Error(own)
	}

	// The record is done again, in place or isolated.
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{}, result.Discard))
	jobstest.Must(t, jobs.Release(t.Context(), b.D, jobs.ReleaseOptions{JobID: "103"}, result.Discard))
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{Isolated: root}, result.Discard))
	if b.Folder("103") != "" || filepath.Dir(b.Folder("104")) != root || len(b.Jobs()[3].Chain) != 1 {
		t.Errorf("%+v", b.Jobs()[3])
	}
}

func TestIsolatedBadInput(t *testing.T) {
	b := jobstest.New(t)
	b.Write("big.dat", "\x01"+strings.Repeat("0123456789abcdef", 1<<16))
	b.Save()
	b.Write("new.sh", "#!/bin/sh\n")
	root := jobstest.Area(t)
	jobstest.Must(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o644))
	for name, c := range map[string]struct {
		opt  schedule.Options
		want string
	}{
		"inside":      {schedule.Options{Isolated: "sub"}, "lies in the dataset"},
		"git folder":  {schedule.Options{Isolated: filepath.Join(b.Dir, ".git")}, "lies in the dataset"},
		"two places":  {schedule.Options{Isolated: root, AltDir: root}, "exclude each other"},
		"no parent":   {schedule.Options{Isolated: filepath.Join(root, "a", "b")}, "does not exist"},
		"no folder":   {schedule.Options{Isolated: filepath.Join(root, "file")}, "it is no folder"},
		"untracked":   {schedule.Options{Isolated: root, Inputs: []string{"new.sh"}}, "did not match existing file: new.sh"},
		"new script":  {schedule.Options{Isolated: root, Cmd: "sbatch new.sh"}, "the job script new.sh is not committed"},
		"work tree's": {schedule.Options{Isolated: root, Cmd: "sbatch '" + filepath.Join(b.Dir, "job.sh") + "'"}, "that of the work tree"},
		"rejected":    {schedule.Options{Isolated: root, Inputs: []string{"in.txt"}, Cmd: "FAKE_MODE=fail sbatch job.sh"}, "Invalid partition"},
		"no space":    {schedule.Options{Isolated: mounted(t, "64k"), Inputs: []string{"big.dat"}}, "no space left on device"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.opt.Isolated == "" {
				t.Skip("only root can mount a small file system")
			}
			c.opt.Outputs = []string{"o"}
			_, err := b.Schedule(c.opt)
			jobstest.WantErr(t, err, c.want)
			if names, _ := os.ReadDir(root); len(names) != 1 {
				t.Errorf("%v is left", names)
			}
			if strings.Contains(b.States(), "submitting") || strings.Contains(b.States(), "open") {
				t.Error(b.States())
			}
			if notes, _ := os.ReadDir(filepath.Join(commit.StateDir(b.D.Repo), "stages")); len(notes) != 0 {
				t.Errorf("%v", notes)
			}
		})
	}
}

func TestIsolatedElsewhere(t *testing.T) {
	b := jobstest.New(t)
	root := mounted(t, "4m")
	if root == "" {
		t.Skip("only root can mount another file system")
	}
	b.Reopen("sub")
	b.Write("sub/job.sh", "#!/bin/sh\n")
	b.Save()
	_, err := b.Schedule(schedule.Options{Outputs: []string{"o"}, Inputs: []string{"../in.txt"}, Isolated: root, Cmd: "sbatch job.sh {pwd} {dspath} {inputs}"})
	jobstest.Must(t, err)
	if !strings.Contains(b.Log.String(), "it is on another file system than the dataset, where contents are copied") {
		t.Error(b.Log)
	}
	f := b.Folder("101")
	if b.S.Read("101", "args") != "job.sh "+f+"/sub "+f+" ../in.txt" || b.S.Read("101", "dir") != f+"/sub" {
		t.Error(b.S.Read("101", "args"), b.S.Read("101", "dir"))
	}
	b.Wrote("101", "sub/o", "made\n")
	b.Over(t, "101")
	lines, err := b.Finish(finish.Options{})
	if jobstest.Must(t, err); lines[0] != "ok Slurm job 101: Completed" || b.Git("show", "HEAD:sub/o") != "made" {
		t.Error(lines)
	}
}

// What a commit may hold and no honest one does, and subdatasets.
func TestIsolatedNothingIsWrittenOver(t *testing.T) {
	b := jobstest.New(t)
	b.Write("o", "old\n")
	b.Save()
	id := b.Submit(schedule.Options{Outputs: []string{"o"}, Isolated: jobstest.Area(t)})
	b.Wrote(id, "o", "new\n")
	b.Over(t, id)
	b.Write("o", "mine\n")
	lines, err := b.Finish(finish.Options{})
	if jobstest.Must(t, err); len(lines) != 1 || !strings.Contains(lines[0], "output o is in the work tree with content that is not committed (save it") {
		t.Error(lines)
	}
	b.Git("add", "o") // not committed either
	if lines, _ = b.Finish(finish.Options{}); !strings.Contains(lines[0], "not committed") {
		t.Error(lines)
	}
	b.Save()
	lines, err = b.Finish(finish.Options{})
	if jobstest.Must(t, err); lines[0] != "ok Slurm job 101: Completed" || b.Git("show", "HEAD:o")+b.Git("show", "HEAD~:o") != "newmine" {
		t.Error(lines)
	}
	// An output that the job only got the folder of is missing.
	id = b.Submit(schedule.Options{Outputs: []string{"dir/f", "dir2"}, Isolated: jobstest.Area(t)})
	jobstest.Must(t, os.MkdirAll(filepath.Join(b.Folder(id), "dir2"), 0o755))
	b.Wrote(id, "dir/f", "x")
	b.Over(t, id)
	if lines, _ = b.Finish(finish.Options{}); !strings.Contains(lines[0], "declared output is missing: dir2") {
		t.Error(lines)
	}
}

func TestIsolatedBranches(t *testing.T) {
	b := jobstest.New(t)
	opt := schedule.Options{Outputs: []string{"o"}, Isolated: jobstest.Area(t)}
	one, two := b.Submit(opt), b.Submit(opt)
	b.Wrote(one, "o", "1st\n")
	b.Wrote(two, "o", "2nd\n")
	b.Over(t, one, two)
	lines, err := b.Finish(finish.Options{Branches: true})
	if jobstest.Must(t, err); b.Git("show", "slurm-job-branch-101:o")+b.Git("show", "slurm-job-branch-102:o") != "1st2nd" || b.Git("status", "--porcelain") != "" {
		t.Errorf("%q %q %q", lines, b.Git("show", "slurm-job-branch-101:o"), b.Git("show", "slurm-job-branch-102:o"))
	}
}

// While another process brings back the same path, a job waits; one that died
// is no obstacle.
func TestIsolatedFinishedByTwo(t *testing.T) {
	b := jobstest.New(t)
	opt := schedule.Options{Outputs: []string{"o"}, Isolated: jobstest.Area(t)}
	one, two := b.Submit(opt), b.Submit(opt)
	b.Wrote(one, "o", "1st\n")
	b.Wrote(two, "o", "2nd\n")
	b.Over(t, one, two)
	mark := func(owner fsx.Owner) {
		t.Helper()
		jobstest.Must(t, jobdb.With(t.Context(), b.D, "test", func(l *ledger.Ledger) error {
			return l.Update(t.Context(), func(tx *ledger.Tx) error {
				err := tx.Transition(1, ledger.StateOpen, func(j *ledger.Job) {
					text, _ := json.Marshal(map[string]any{"owner": owner, "since": b.D.Now()})
					j.Extra[jobdb.MarkKey] = text
				})
				if err != nil {
					return err
				}
				return tx.Enter(1)
			})
		}))
	}
	mark(fsx.Self())
	lines, err := b.Finish(finish.Options{})
	if jobstest.Must(t, err); len(lines) != 2 || !strings.Contains(lines[1], "notneeded job 102 writes o, as does job 101, which another process is finishing") {
		t.Error(lines)
	}
	gone := fsx.Self()
	gone.PID, gone.Start = 1<<22-1, "1"
	mark(gone)
	lines, err = b.Finish(finish.Options{})
	if jobstest.Must(t, err); len(lines) != 2 || b.Git("show", "HEAD~:o")+b.Git("show", "HEAD:o") != "1st2nd" {
		t.Errorf("%q %q %q", lines, b.Git("show", "HEAD~:o"), b.Git("show", "HEAD:o"))
	}
}

// A schedule that is killed leaves a folder, which the same command removes.
