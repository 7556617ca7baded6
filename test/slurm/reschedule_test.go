package slurm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// repeat reschedules, waits and finishes.
func (l *lab) repeat(sub string, args ...string) (id string, r record) {
	l.T.Helper()
	o := l.in(sub, append([]string{"-f", "json", "reschedule"}, args...)...).want(l.T, 0)
	id = l.submitted(o)[0]
	l.await(id)
	l.in("", "finish").want(l.T, 0, "Slurm job "+id+": Completed")
	r = l.recordOf("HEAD")
	if fmt.Sprint(r.ID) != id {
		l.T.Fatalf("job %d was committed, want %s", r.ID, id)
	}
	return id, r
}

func TestReschedule(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.script("sub/sep.sh", "#!/bin/sh\n#SBATCH --output=logs/o_%j.txt\nmkdir -p fold; date +%N > o; cat ../in.txt >> o; cp o fold/\n")
	if err := os.MkdirAll(filepath.Join(l.Dir, "sub", "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	l.Save("-m", "script")
	first := l.submit("sub", "-m", "sep", "-i", "../in.txt", "-o", "o", "-o", "fold", "sbatch", "sep.sh")
	l.await(first)
	l.in("", "finish").want(t, 0)
	one := l.recordOf("HEAD")
	content := l.read("sub/o")

	// While it is open it cannot be done twice.
	id, twice := "", outcome{}
	o := l.in("sub", "-f", "json", "reschedule").want(t, 0)
	id = l.submitted(o)[0]
	twice = l.in("", "reschedule").want(t, 1, "claimed by job "+id)
	if strings.Contains(twice.stdout, "(ok)") {
		t.Errorf("submitted twice:\n%s", twice.stdout)
	}
	l.await(id)
	l.in("", "finish").want(t, 0)
	two := l.recordOf("HEAD")
	want := "Slurm job " + id + ": Completed\n\nSlurm job " + first + ": Completed\n\nsep\n\nRe-submission of job " + first + "."
	if two.Title != want {
		t.Errorf("message %q, want %q", two.Title, want)
	}
	if !slices.Equal(two.Chain, []string{one.Commit}) || two.Pwd != "sub" || two.Cmd != one.Cmd {
		t.Errorf("record\n%s", two.JSON)
	}
	sameSet(t, "inputs", two.Inputs, one.Inputs)
	logs := []string{"sub/logs/o_" + id + ".txt", "sub/logs/slurm-job-" + id + ".env.json"}
	sameSet(t, "log files", two.Logs, logs)
	sameSet(t, "committed files", l.changed("HEAD"), append(logs, "sub/o", "sub/fold/o"))
	if l.read("sub/o") == content {
		t.Error("the job did not run again")
	}

	// The second generation names both, and its message does not grow.
	third, three := l.repeat("sub/fold")
	if !slices.Equal(three.Chain, []string{one.Commit, two.Commit}) {
		t.Errorf("chain %q", three.Chain)
	}
	want = "Slurm job " + third + ": Completed\n\nSlurm job " + id + ": Completed\n\nsep\n\nRe-submission of job " + id + "."
	if three.Title != want {
		t.Errorf("message %q, want %q", three.Title, want)
	}
	clean := func(list []string) (c []string) {
		for _, p := range list {
			if p = filepath.Clean(p); !strings.Contains(p, "logs/") {
				c = append(c, p)
			}
		}
		return c
	}
	sameSet(t, "outputs", clean(three.Outputs), clean(one.Outputs))
	_, four := l.repeat("", "-m", "for another reason", one.Commit)
	if !strings.HasSuffix(four.Title, "\n\nfor another reason\n\nRe-submission of job "+first+".") || !slices.Equal(four.Chain, []string{one.Commit}) {
		t.Errorf("message %q, chain %q", four.Title, four.Chain)
	}
	l.Check()
}

func TestRescheduleRanges(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	base := l.Git("rev-parse", "HEAD")
	l.in("", "reschedule").want(t, 1, "No schedule commits found in range main^..main")
	a := l.submit("", "-m", "one", "-o", "a.txt", "sbatch", "job.sh", "a.txt")
	bad := l.submit("", "-m", "failing", "-o", "bad.txt", "sbatch", "fail.sh", "bad.txt")
	b := l.submit("", "-m", "two", "-o", "b.txt", "sbatch", "job.sh", "b.txt")
	l.await(a, bad, b)
	l.in("", "finish", "--commit-failed-jobs").want(t, 0)
	tip := l.Git("rev-parse", "HEAD")

	type line struct {
		Action, Commit, Status string
		Parents                []string
		Failed                 bool `json:"job_failed"`
		Info                   struct {
			ID int `json:"slurm_job_id"`
		} `json:"slurm_run_info"`
	}
	report := func(args ...string) (ids []string) {
		out := l.in("", append([]string{"-f", "json", "reschedule", "--report"}, args...)...).want(t, 0).stdout
		for text := range strings.Lines(out) {
			var r line
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				t.Fatal(err)
			}
			if r.Action != "slurm-reschedule" || r.Status != "ok" || len(r.Commit) != 40 || r.Failed != (fmt.Sprint(r.Info.ID) == bad) {
				t.Errorf("report %s", text)
			}
			ids = append(ids, fmt.Sprint(r.Info.ID))
		}
		return ids
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{b}},
		{[]string{"--since="}, []string{a, b}},
		{[]string{"--since=" + base}, []string{a, b}},
		{[]string{"--since", base, "--with-failed-jobs"}, []string{a, bad, b}},
		{[]string{"--since=HEAD~1"}, []string{b}},
		{[]string{"HEAD~2"}, []string{a}},
	} {
		if got := report(c.args...); !slices.Equal(got, c.want) {
			t.Errorf("--report %q: jobs %q, want %q", c.args, got, c.want)
		}
	}
	l.in("", "reschedule", "HEAD~1").want(t, 1, "No schedule commits found in range")
	l.in("", "reschedule", "nosuch").want(t, 1, "nosuch")

	script := l.in("", "reschedule", "--script", "-", "--since=").want(t, 0).stdout
	if !strings.HasPrefix(script, "#!/bin/sh\n") || !strings.Contains(script, "\nsbatch job.sh a.txt\n") || !strings.Contains(script, "\nsbatch job.sh b.txt\n") || strings.Contains(script, "\nsbatch fail.sh") {
		t.Errorf("script:\n%s", script)
	}
	if now := l.Git("rev-parse", "HEAD"); now != tip || len(l.jobs()) != 3 {
		t.Error("a report or script submitted something")
	}
	ids := l.submitted(l.in("", "-f", "json", "reschedule", "--since=", "--with-failed-jobs").want(t, 0))
	if len(ids) != 3 {
		t.Fatalf("jobs %q", ids)
	}
	l.await(ids...)
	l.in("", "finish", "--close-failed-jobs").want(t, 0)
	for _, rev := range []string{"HEAD", "HEAD~1"} {
		if r := l.recordOf(rev); len(r.Chain) != 1 {
			t.Errorf("%s: chain %q", rev, r.Chain)
		}
	}
}
