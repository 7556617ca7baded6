package jobs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// folder is where a job's folder is.
func (b *bench) folder(id string) string {
	b.t.Helper()
	for _, j := range b.jobs() {
		if j.JobID == id {
			return j.AltDir
		}
	}
	b.t.Fatalf("no job %s", id)
	return ""
}

// wrote plays a job that writes an output and ends.
func (b *bench) wrote(id, rel, text string) {
	b.t.Helper()
	p := filepath.Join(b.folder(id), rel)
	must(b.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(b.t, os.WriteFile(p, []byte(text), 0o644))
}

func (b *bench) over(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		b.s.set(t, id, "COMPLETED")
	}
}

func read(t *testing.T, p string) string {
	t.Helper()
	text, err := os.ReadFile(p)
	must(t, err)
	return string(text)
}

func area(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "s t [a]")
	must(t, os.Mkdir(dir, 0o755))
	return dir
}

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
		"no space":    {ScheduleOptions{Isolated: small(t), Inputs: []string{"big.dat"}}, "no space left on device"},
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
			if notes, _ := os.ReadDir(stagesDir(b.d)); len(notes) != 0 {
				t.Errorf("%v", notes)
			}
		})
	}
}

// small is a file system of 64 KiB, "" where it cannot be had.
func small(t *testing.T) string {
	dir := t.TempDir()
	if syscall.Mount("none", dir, "tmpfs", 0, "size=64k") != nil {
		return ""
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

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
					text, _ := json.Marshal(finishMark{Owner: owner, Since: b.d.Now()})
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

func TestIsolatedPurge(t *testing.T) {
	b := newBench(t)
	b.write("d/a", "aaaa\n")
	b.write("d/b", "bbbb\n")
	b.save()
	opt := ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"d"}, Isolated: area(t)}
	var ids []string
	for range 4 {
		ids = append(ids, b.submit(opt))
	}
	b.over(t, ids[:3]...)
	// The first lost an input, and the fake scheduler's jobs ended in 1970.
	b.wrote(ids[0], "o", "0")
	must(t, os.Remove(filepath.Join(b.folder(ids[0]), "d/a")))
	// The second lost one as long ago as its folder is old.
	b.wrote(ids[1], "o", "1")
	cut := filepath.Join(b.folder(ids[1]), "d/b")
	fi, err := os.Stat(cut)
	must(t, err)
	must(t, os.Chmod(cut, 0o644))
	must(t, os.Truncate(cut, 1))
	must(t, os.Chtimes(cut, fi.ModTime(), time.Unix(500, 0)))
	// Of the third, all is gone; the fourth failed.
	must(t, os.RemoveAll(b.folder(ids[2])))
	must(t, os.Remove(filepath.Join(b.folder(ids[3]), "d/a")))
	b.s.set(t, ids[3], "FAILED")
	lines, err := b.finish(FinishOptions{})
	must(t, err)
	got := strings.Join(lines, "\n")
	for _, want := range []string{
		"ok Slurm job 101: Completed",
		"error job 102: of its 3 staged files, 0 vanished and 1 were truncated (d/b): was the file system cleaned up?, and perhaps while it ran",
		"error job 103: declared output is missing: o; its staging folder " + b.folder(ids[2]) + " is gone: was the file system cleaned up?",
		"104: FAILED; of its 3 staged files, 1 vanished and 0 were truncated (d/a): was the file system cleaned up?",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if !strings.Contains(b.log.String(), "job 101: of its 3 staged files, 1 vanished and 0 were truncated (d/a), after it ended") {
		t.Error(b.log)
	}
	lines, err = b.finish(FinishOptions{CommitFailed: true, JobID: ids[1]})
	if must(t, err); lines[0] != "ok Slurm job 102: Completed" || !strings.Contains(b.git("log", "-1", "--format=%B"), "Staged inputs were lost, perhaps while the job ran") {
		t.Error(lines)
	}
	m, err := runrec.Parse(b.git("log", "-1", "--format=%B"))
	must(t, err)
	if ch, _ := m.Record.Extra["stemma"].(map[string]any)["inputs_changed"].(map[string]any); ch["d/b"] == nil {
		t.Error(m.Record.Extra)
	}
}

func TestIsolatedLinksAndConversion(t *testing.T) {
	b := newBench(t)
	b.write("real/x.txt", "x\n")
	b.write("real/.gitattributes", "*.crlf text eol=crlf\n")
	b.write("real/a.crlf", "1\n2\n")
	b.write("e.sh", "#!/bin/sh\n")
	must(t, os.Chmod(filepath.Join(b.dir, "e.sh"), 0o755))
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.WriteFile(outside, []byte("out"), 0o644))
	out, err := filepath.Rel(b.dir, outside)
	must(t, err)
	for name, target := range map[string]string{"to dir": "real", "to file": "to dir/x.txt", "in": filepath.Join(b.dir, "real/x.txt"), "leaves": out, "dangling": "nowhere"} {
		must(t, os.Symlink(target, filepath.Join(b.dir, name)))
	}
	b.save()
	must(t, os.RemoveAll(filepath.Join(b.dir, "real")))
	id := b.submit(ScheduleOptions{Outputs: []string{"o", "e.sh"}, Isolated: area(t),
		Inputs: []string{"to file", "to dir/*.crlf", "in", "leaves", "dangling", "e.sh", outside}})
	f := b.folder(id)
	for name, want := range map[string]string{"to file": "x\n", "to dir/a.crlf": "1\r\n2\r\n", "in": "x\n", "leaves": "out", "real/a.crlf": "1\r\n2\r\n"} {
		if got := read(t, filepath.Join(f, name)); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if target, err := os.Readlink(filepath.Join(f, "in")); err != nil || filepath.IsAbs(target) {
		t.Errorf("in leads to %s", target)
	}
	for name, want := range map[string]os.FileMode{"e.sh": 0o755, "real/x.txt": 0o444, "real/a.crlf": 0o444} {
		if fi, err := os.Stat(filepath.Join(f, name)); err != nil || fi.Mode().Perm() != want {
			t.Errorf("%s: %v %v", name, fi.Mode(), err)
		}
	}
	if _, err := os.Lstat(filepath.Join(f, "real/.gitattributes")); err == nil {
		t.Error("more than the inputs is there")
	}
	var ids []string
	for p := range b.jobs()[0].InputIDs {
		ids = append(ids, p)
	}
	if len(ids) != 7 {
		t.Errorf("%q", ids)
	}
}

// A schedule that is killed leaves a folder, which the same command removes.
func TestIsolatedScheduleKilled(t *testing.T) {
	for _, step := range []string{"claimed", "staging", "staged"} {
		b := newBench(t)
		root := area(t)
		spec := childSpec{Cmd: "sbatch job.sh", Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Isolated: root, Kill: step}
		if out, err := b.run(spec); err == nil {
			t.Fatal(step, out)
		}
		spec.Kill = ""
		out, err := b.run(spec)
		if err != nil {
			t.Fatal(step, out, err)
		}
		names, _ := os.ReadDir(root)
		notes, _ := os.ReadDir(stagesDir(b.d))
		if len(names) != 1 || len(notes) != 1 || filepath.Join(root, names[0].Name()) != b.folder("101") || b.s.count(t) != 1 {
			t.Errorf("%s: %v %v %s", step, names, notes, b.states())
		}
	}
	b := newBench(t)
	root := area(t)
	spec := childSpec{Cmd: "sbatch job.sh", Outputs: []string{"o"}, Isolated: root, Kill: "submitted"}
	_, _ = b.run(spec)
	spec.Kill = ""
	if out, err := b.run(spec); err != nil || b.s.count(t) != 1 || !strings.Contains(out, "adopted") {
		t.Error(out, err)
	}
	if b.s.read("101", "dir") != b.folder("101") {
		t.Error("adopted with another folder")
	}
}

func TestStages(t *testing.T) {
	b := newBench(t)
	root, alt := area(t), area(t)
	opt := ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Isolated: root}
	one, two := b.submit(opt), b.submit(opt)
	b.submit(ScheduleOptions{Outputs: []string{"p"}, Inputs: []string{"in.txt"}, AltDir: alt})
	b.wrote(one, "o", "1st\n")
	b.over(t, one)
	_, err := b.finish(FinishOptions{})
	must(t, err)
	show := func() (s string) {
		t.Helper()
		list, _, err := Stages(t.Context(), b.d)
		must(t, err)
		for _, x := range list {
			s += x.JobID + " " + x.Kind + " " + x.State
			if x.Missing {
				s += " missing"
			}
			if x.Files == 0 || x.Inodes == 0 {
				s += " empty"
			}
			s += ";"
		}
		return s
	}
	if s := show(); s != "101 isolated committed;102 isolated open;103 alt-dir open;" {
		t.Error(s)
	}
	p, err := PruneStages(t.Context(), b.d, true)
	if must(t, err); len(p.Stages) != 1 || p.Kept != 1 || show() != "101 isolated committed;102 isolated open;103 alt-dir open;" {
		t.Errorf("%+v", p)
	}
	p, err = PruneStages(t.Context(), b.d, false)
	if must(t, err); len(p.Stages) != 1 || show() != "102 isolated open;103 alt-dir open;" {
		t.Errorf("%+v", p)
	}
	if _, err := os.Stat(b.folder(two)); err != nil {
		t.Error(err)
	}
	// Without the ledger's memory, a folder that no open job has can go.
	must(t, Release(t.Context(), b.d, ReleaseOptions{JobID: two}, result.Discard))
	_, err = Prune(t.Context(), b.d, b.d.Now().Add(1e12))
	must(t, err)
	if s := show(); s != " isolated forgotten;103 alt-dir open;" {
		t.Error(s)
	}
	// A note that leads elsewhere is not followed.
	n := stageNote{Root: filepath.Dir(b.dir), Folder: b.dir}
	text, _ := json.Marshal(n)
	must(t, os.WriteFile(filepath.Join(stagesDir(b.d), "ds.json"), text, 0o644))
	_, err = PruneStages(t.Context(), b.d, false)
	if must(t, err); show() != "103 alt-dir open;" || !strings.Contains(b.log.String(), "names no folder of a job") {
		t.Error(show())
	}
	if _, err := os.Stat(filepath.Join(b.dir, "in.txt")); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(root); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

func TestIsolatedSweep(t *testing.T) {
	b := newBench(t)
	b.write("t.csv", "x\n1\n2\n2\n")
	b.save()
	root := area(t)
	sweep := func() (s string) {
		t.Helper()
		got := &result.Collector{}
		must(t, Sweep(t.Context(), b.d, b.s, SweepOptions{Table: "t.csv", ScheduleOptions: ScheduleOptions{
			Cmd: "sbatch job.sh {x}", Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Isolated: root, Jobs: 1}}, got))
		for _, r := range got.Records {
			s += string(r.Status) + " "
		}
		return s
	}
	if s := sweep(); s != "ok ok ok " {
		t.Error(s)
	}
	if s := sweep(); s != "notneeded notneeded notneeded " || b.s.count(t) != 3 {
		t.Error(s)
	}
	for _, id := range []string{"101", "102", "103"} {
		b.wrote(id, "o", id+" made it\n")
		b.over(t, id)
	}
	lines, err := b.finish(FinishOptions{})
	if must(t, err); len(lines) != 3 || b.git("show", "HEAD~2:o")+b.git("show", "HEAD~:o")+b.git("show", "HEAD:o") != "101 made it102 made it103 made it" {
		t.Error(lines)
	}
}
