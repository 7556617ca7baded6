package jobs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/runrec"
)

func TestIsolatedJobsSideBySide(t *testing.T) {
	b := newBench(t)
	b.write("sub dir/a\nb.dat", "\x01annexed")
	b.write("in.txt", "one\n")
	b.save()
	b.write("in.txt", "later\n")
	b.write("untracked", "x")
	root := area(t)
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(root, link))
	opt := ScheduleOptions{Outputs: []string{"res", "o.txt"}, Inputs: []string{"*.txt", "sub*"}, Isolated: link}
	one, two := b.submit(opt), b.submit(opt)
	if !strings.Contains(b.log.String(), "in.txt: the work tree has another version") {
		t.Error(b.log)
	}
	for _, id := range []string{one, two} {
		f := b.folder(id)
		if filepath.Dir(f) != root || b.s.read(id, "dir") != f {
			t.Errorf("%s runs in %s", id, b.s.read(id, "dir"))
		}
		if got := read(t, f+"/in.txt") + read(t, f+"/sub dir/a\nb.dat"); got != "one\n\x01annexed" {
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
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"res/x"}})
	wantErr(t, err, "claimed by job")
	b.git("checkout", "-q", "in.txt")
	b.wrote(one, "res/x", "first\n")
	b.wrote(one, "o.txt", "1st\n")
	b.wrote(two, "res/x", "other\n")
	b.wrote(two, "o.txt", "2nd\n")
	b.over(t, one, two)
	lines, err := b.finish(FinishOptions{})
	if err != nil || strings.Join(lines, ";") != "ok Slurm job 101: Completed;ok Slurm job 102: Completed" {
		t.Fatal(lines, err)
	}
	if got := b.git("show", "HEAD~:res/x") + b.git("show", "HEAD:res/x") + b.git("show", "HEAD~:o.txt") + b.git("show", "HEAD:o.txt"); got != "firstother1st2nd" {
		t.Error(got)
	}
	if read(t, filepath.Join(b.dir, "o.txt")) != "2nd\n" || b.git("status", "--porcelain") != "?? untracked" {
		t.Error(b.git("status", "--porcelain"))
	}
	m, err := runrec.Parse(b.git("log", "-1", "--format=%B"))
	must(t, err)
	own := m.Record.Extra["stemma"].(map[string]any)
	if iso := own["isolated"].(map[string]any); iso["folder"] != b.folder(two) || iso["files"] != json.Number("3") || *m.Record.AltDir != "" {
		t.Errorf("%v", m.Record)
	}
	if in := own["inputs"].(map[string]any); in["in.txt"] != b.git("rev-parse", "HEAD:in.txt") || in["sub dir"] != "tree "+b.git("rev-parse", "HEAD:sub dir") {
		t.Errorf("%v", in)
	}
	if own["inputs_changed"] != nil {
		t.Error(own)
	}

	// The record is done again, in place or isolated.
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{}, discard))
	must(t, Release(t.Context(), b.d, ReleaseOptions{JobID: "103"}, discard))
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{Isolated: root}, discard))
	if b.folder("103") != "" || filepath.Dir(b.folder("104")) != root || len(b.jobs()[3].Chain) != 1 {
		t.Errorf("%+v", b.jobs()[3])
	}
}

func TestIsolatedBadInput(t *testing.T) {
	b := newBench(t)
	b.write("big.dat", "\x01"+strings.Repeat("0123456789abcdef", 1<<16))
	b.save()
	b.write("new.sh", "#!/bin/sh\n")
	root := area(t)
	must(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o644))
	for name, c := range map[string]struct {
		opt  ScheduleOptions
		want string
	}{
		"inside":      {ScheduleOptions{Isolated: "sub"}, "lies in the dataset"},
		"git folder":  {ScheduleOptions{Isolated: filepath.Join(b.dir, ".git")}, "lies in the dataset"},
		"two places":  {ScheduleOptions{Isolated: root, AltDir: root}, "exclude each other"},
		"no parent":   {ScheduleOptions{Isolated: filepath.Join(root, "a", "b")}, "does not exist"},
		"no folder":   {ScheduleOptions{Isolated: filepath.Join(root, "file")}, "it is no folder"},
		"untracked":   {ScheduleOptions{Isolated: root, Inputs: []string{"new.sh"}}, "did not match existing file: new.sh"},
		"new script":  {ScheduleOptions{Isolated: root, Cmd: "sbatch new.sh"}, "the job script new.sh is not committed"},
		"work tree's": {ScheduleOptions{Isolated: root, Cmd: "sbatch '" + filepath.Join(b.dir, "job.sh") + "'"}, "that of the work tree"},
		"rejected":    {ScheduleOptions{Isolated: root, Inputs: []string{"in.txt"}, Cmd: "FAKE_MODE=fail sbatch job.sh"}, "Invalid partition"},
		"no space":    {ScheduleOptions{Isolated: mounted(t, "64k"), Inputs: []string{"big.dat"}}, "no space left on device"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.opt.Isolated == "" {
				t.Skip("only root can mount a small file system")
			}
			c.opt.Outputs = []string{"o"}
			_, err := b.schedule(c.opt)
			wantErr(t, err, c.want)
			if names, _ := os.ReadDir(root); len(names) != 1 {
				t.Errorf("%v is left", names)
			}
			if strings.Contains(b.states(), "submitting") || strings.Contains(b.states(), "open") {
				t.Error(b.states())
			}
			if notes, _ := os.ReadDir(filepath.Join(commit.StateDir(b.d.Repo), "stages")); len(notes) != 0 {
				t.Errorf("%v", notes)
			}
		})
	}
}

func TestIsolatedElsewhere(t *testing.T) {
	b := newBench(t)
	root := mounted(t, "4m")
	if root == "" {
		t.Skip("only root can mount another file system")
	}
	b.reopen("sub")
	b.write("sub/job.sh", "#!/bin/sh\n")
	b.save()
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"../in.txt"}, Isolated: root, Cmd: "sbatch job.sh {pwd} {dspath} {inputs}"})
	must(t, err)
	if !strings.Contains(b.log.String(), "it is on another file system than the dataset, where contents are copied") {
		t.Error(b.log)
	}
	f := b.folder("101")
	if b.s.read("101", "args") != "job.sh "+f+"/sub "+f+" ../in.txt" || b.s.read("101", "dir") != f+"/sub" {
		t.Error(b.s.read("101", "args"), b.s.read("101", "dir"))
	}
	b.wrote("101", "sub/o", "made\n")
	b.over(t, "101")
	lines, err := b.finish(FinishOptions{})
	if must(t, err); lines[0] != "ok Slurm job 101: Completed" || b.git("show", "HEAD:sub/o") != "made" {
		t.Error(lines)
	}
}

// What a commit may hold and no honest one does, and subdatasets.
func TestIsolatedNothingIsWrittenOver(t *testing.T) {
	b := newBench(t)
	b.write("o", "old\n")
	b.save()
	id := b.submit(ScheduleOptions{Outputs: []string{"o"}, Isolated: area(t)})
	b.wrote(id, "o", "new\n")
	b.over(t, id)
	b.write("o", "mine\n")
	lines, err := b.finish(FinishOptions{})
	if must(t, err); len(lines) != 1 || !strings.Contains(lines[0], "output o is in the work tree with content that is not committed (save it") {
		t.Error(lines)
	}
	b.git("add", "o") // not committed either
	if lines, _ = b.finish(FinishOptions{}); !strings.Contains(lines[0], "not committed") {
		t.Error(lines)
	}
	b.save()
	lines, err = b.finish(FinishOptions{})
	if must(t, err); lines[0] != "ok Slurm job 101: Completed" || b.git("show", "HEAD:o")+b.git("show", "HEAD~:o") != "newmine" {
		t.Error(lines)
	}
	// An output that the job only got the folder of is missing.
	id = b.submit(ScheduleOptions{Outputs: []string{"dir/f", "dir2"}, Isolated: area(t)})
	must(t, os.MkdirAll(filepath.Join(b.folder(id), "dir2"), 0o755))
	b.wrote(id, "dir/f", "x")
	b.over(t, id)
	if lines, _ = b.finish(FinishOptions{}); !strings.Contains(lines[0], "declared output is missing: dir2") {
		t.Error(lines)
	}
}

func TestIsolatedBranches(t *testing.T) {
	b := newBench(t)
	opt := ScheduleOptions{Outputs: []string{"o"}, Isolated: area(t)}
	one, two := b.submit(opt), b.submit(opt)
	b.wrote(one, "o", "1st\n")
	b.wrote(two, "o", "2nd\n")
	b.over(t, one, two)
	lines, err := b.finish(FinishOptions{Branches: true})
	if must(t, err); b.git("show", "slurm-job-branch-101:o")+b.git("show", "slurm-job-branch-102:o") != "1st2nd" || b.git("status", "--porcelain") != "" {
		t.Errorf("%q %q %q", lines, b.git("show", "slurm-job-branch-101:o"), b.git("show", "slurm-job-branch-102:o"))
	}
}

// While another process brings back the same path, a job waits; one that died
// is no obstacle.
func TestIsolatedFinishedByTwo(t *testing.T) {
	b := newBench(t)
	opt := ScheduleOptions{Outputs: []string{"o"}, Isolated: area(t)}
	one, two := b.submit(opt), b.submit(opt)
	b.wrote(one, "o", "1st\n")
	b.wrote(two, "o", "2nd\n")
	b.over(t, one, two)
	mark := func(owner fsx.Owner) {
		t.Helper()
		must(t, withLedger(t.Context(), b.d, "test", func(l *ledger.Ledger) error {
			return l.Update(t.Context(), func(tx *ledger.Tx) error {
				err := tx.Transition(1, ledger.StateOpen, func(j *ledger.Job) {
					text, _ := json.Marshal(map[string]any{"owner": owner, "since": b.d.Now()})
					j.Extra[markKey] = text
				})
				if err != nil {
					return err
				}
				return tx.Enter(1)
			})
		}))
	}
	mark(fsx.Self())
	lines, err := b.finish(FinishOptions{})
	if must(t, err); len(lines) != 2 || !strings.Contains(lines[1], "notneeded job 102 writes o, as does job 101, which another process is finishing") {
		t.Error(lines)
	}
	gone := fsx.Self()
	gone.PID, gone.Start = 1<<22-1, "1"
	mark(gone)
	lines, err = b.finish(FinishOptions{})
	if must(t, err); len(lines) != 2 || b.git("show", "HEAD~:o")+b.git("show", "HEAD:o") != "1st2nd" {
		t.Errorf("%q %q %q", lines, b.git("show", "HEAD~:o"), b.git("show", "HEAD:o"))
	}
}

// A schedule that is killed leaves a folder, which the same command removes.
