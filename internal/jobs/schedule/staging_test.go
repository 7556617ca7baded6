package schedule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/runrec"
)

func TestIsolatedHostileCommit(t *testing.T) {
	b := jobstest.New(t)
	blob := b.Git("rev-parse", "HEAD:in.txt")
	commit := func(entries string) {
		t.Helper()
		out, err := b.D.Repo.OutputWith(t.Context(), []byte(entries), "mktree", "--missing")
		jobstest.Must(t, err)
		tree := strings.TrimSpace(string(out))
		out, err = b.D.Repo.OutputWith(t.Context(), []byte("040000 tree "+tree+"\td\n100755 blob "+b.Git("rev-parse", "HEAD:job.sh")+"\tjob.sh\n"), "mktree")
		jobstest.Must(t, err)
		b.Git("update-ref", "HEAD", b.Git("commit-tree", "-m", "x", "-p", "HEAD", strings.TrimSpace(string(out))))
	}
	root := jobstest.Area(t)
	opt := schedule.Options{Outputs: []string{"o"}, Inputs: []string{"d"}, Isolated: root}
	for entries, want := range map[string]string{
		"100644 blob " + blob + "\t.GIT\n":                        "git's own folder cannot be an input",
		"100644 blob " + blob + "\tgit~1\n":                       "git's own folder cannot be an input",
		"160000 commit " + b.Git("rev-parse", "HEAD") + "\tsub\n": "d/sub is a subdataset",
	} {
		commit(entries)
		_, err := b.Schedule(opt)
		jobstest.WantErr(t, err, want)
	}
	loop := b.D.Repo.Format.HashObject("blob", []byte("loop"))
	if got, err := b.D.Repo.OutputWith(t.Context(), []byte("loop"), "hash-object", "-w", "--stdin"); err != nil || strings.TrimSpace(string(got)) != string(loop) {
		t.Fatal(err)
	}
	commit("120000 blob " + string(loop) + "\tloop\n")
	opt.Inputs = []string{"d/loop/x", "d"}
	_, err := b.Schedule(opt)
	jobstest.WantErr(t, err, "d/loop/x")
	if names, _ := os.ReadDir(root); len(names) != 0 {
		t.Error(names)
	}
}

func TestIsolatedPurge(t *testing.T) {
	b := jobstest.New(t)
	b.Write("d/a", "aaaa\n")
	b.Write("d/b", "bbbb\n")
	b.Save()
	opt := schedule.Options{Outputs: []string{"o"}, Inputs: []string{"d"}, Isolated: jobstest.Area(t)}
	var ids []string
	for range 4 {
		ids = append(ids, b.Submit(opt))
	}
	b.Over(t, ids[:3]...)
	// The first lost an input, and the fake scheduler's jobs ended in 1970.
	b.Wrote(ids[0], "o", "0")
	jobstest.Must(t, os.Remove(filepath.Join(b.Folder(ids[0]), "d/a")))
	// The second lost one as long ago as its folder is old.
	b.Wrote(ids[1], "o", "1")
	cut := filepath.Join(b.Folder(ids[1]), "d/b")
	fi, err := os.Stat(cut)
	jobstest.Must(t, err)
	jobstest.Must(t, os.Chmod(cut, 0o644))
	jobstest.Must(t, os.Truncate(cut, 1))
	jobstest.Must(t, os.Chtimes(cut, fi.ModTime(), time.Unix(500, 0)))
	// Of the third, all is gone; the fourth failed.
	jobstest.Must(t, os.RemoveAll(b.Folder(ids[2])))
	jobstest.Must(t, os.Remove(filepath.Join(b.Folder(ids[3]), "d/a")))
	b.S.Set(t, ids[3], "FAILED")
	lines, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	got := strings.Join(lines, "\n")
	for _, want := range []string{
		"ok Slurm job 101: Completed",
		"error job 102: of its 3 staged files, 0 vanished and 1 were truncated (d/b): was the file system cleaned up?, and perhaps while it ran",
		"error job 103: declared output is missing: o; its staging folder " + b.Folder(ids[2]) + " is gone: was the file system cleaned up?",
		"104: FAILED; of its 3 staged files, 1 vanished and 0 were truncated (d/a): was the file system cleaned up?",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if !strings.Contains(b.Log.String(), "job 101: of its 3 staged files, 1 vanished and 0 were truncated (d/a), after it ended") {
		t.Error(b.Log)
	}
	lines, err = b.Finish(finish.Options{CommitFailed: true, JobID: ids[1]})
	if jobstest.Must(t, err); lines[0] != "ok Slurm job 102: Completed" || !strings.Contains(b.Git("log", "-1", "--format=%B"), "Staged inputs were lost, perhaps while the job ran") {
		t.Error(lines)
	}
	m, err := runrec.Parse(b.Git("log", "-1", "--format=%B"))
	jobstest.Must(t, err)
	if ch, _ := m.Record.Extra["stemma"].(map[string]any)["inputs_changed"].(map[string]any); ch["d/b"] == nil {
		t.Error(m.Record.Extra)
	}
}

func TestIsolatedLinksAndConversion(t *testing.T) {
	b := jobstest.New(t)
	b.Write("real/x.txt", "x\n")
	b.Write("real/.gitattributes", "*.crlf text eol=crlf\n")
	b.Write("real/a.crlf", "1\n2\n")
	b.Write("e.sh", "#!/bin/sh\n")
	jobstest.Must(t, os.Chmod(filepath.Join(b.Dir, "e.sh"), 0o755))
	outside := filepath.Join(t.TempDir(), "outside")
	jobstest.Must(t, os.WriteFile(outside, []byte("out"), 0o644))
	out, err := filepath.Rel(b.Dir, outside)
	jobstest.Must(t, err)
	for name, target := range map[string]string{"to dir": "real", "to file": "to dir/x.txt", "in": filepath.Join(b.Dir, "real/x.txt"), "leaves": out, "dangling": "nowhere"} {
		jobstest.Must(t, os.Symlink(target, filepath.Join(b.Dir, name)))
	}
	b.Save()
	jobstest.Must(t, os.RemoveAll(filepath.Join(b.Dir, "real")))
	detour := filepath.Join(t.TempDir(), "detour")
	jobstest.Must(t, os.Symlink(b.Dir, detour))
	id := b.Submit(schedule.Options{Outputs: []string{"o", "e.sh"}, Isolated: jobstest.Area(t),
		Inputs: []string{"to file", "to dir/*.crlf", "in", "leaves", "dangling", "e.sh", outside, filepath.Join(detour, "in.txt")}})
	f := b.Folder(id)
	for name, want := range map[string]string{"to file": "x\n", "to dir/a.crlf": "1\r\n2\r\n", "in": "x\n", "leaves": "out", "in.txt": "input\n", "real/a.crlf": "1\r\n2\r\n"} {
		if got := jobstest.Read(t, filepath.Join(f, name)); got != want {
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
	for p := range b.Jobs()[0].InputIDs {
		ids = append(ids, p)
	}
	if len(ids) != 8 {
		t.Errorf("%q", ids)
	}
}

func TestIsolatedScheduleKilled(t *testing.T) {
	for _, step := range []string{"claimed", "staging", "staged"} {
		b := jobstest.New(t)
		root := jobstest.Area(t)
		spec := jobstest.Command{Cmd: "sbatch job.sh", Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Isolated: root, Kill: step}
		if out, err := b.Run(spec); err == nil {
			t.Fatal(step, out)
		}
		spec.Kill = ""
		out, err := b.Run(spec)
		if err != nil {
			t.Fatal(step, out, err)
		}
		names, _ := os.ReadDir(root)
		notes, _ := os.ReadDir(filepath.Join(commit.StateDir(b.D.Repo), "stages"))
		if len(names) != 1 || len(notes) != 1 || filepath.Join(root, names[0].Name()) != b.Folder("101") || b.S.Count(t) != 1 {
			t.Errorf("%s: %v %v %s", step, names, notes, b.States())
		}
	}
	b := jobstest.New(t)
	root := jobstest.Area(t)
	spec := jobstest.Command{Cmd: "sbatch job.sh", Outputs: []string{"o"}, Isolated: root, Kill: "submitted"}
	_, _ = b.Run(spec)
	spec.Kill = ""
	if out, err := b.Run(spec); err != nil || b.S.Count(t) != 1 || !strings.Contains(out, "adopted") {
		t.Error(out, err)
	}
	if b.S.Read("101", "dir") != b.Folder("101") {
		t.Error("adopted with another folder")
	}
}
