package slurm

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers and width of the pipeline: each job reads two outputs of the layer
// above. In full it has 50 jobs.
var layers, width = pipelineSize()

func pipelineSize() (layers, width int) {
	if os.Getenv("STEMMA_SOAK") != "" {
		return 5, 10
	}
	return 3, 5
}

// stepScript fails if an input is missing or empty, so that the order matters.
const stepScript = "#!/bin/sh\nset -e\nout=$1; shift\nfor f; do test -s \"$f\"; done\nmkdir -p \"$(dirname \"$out\")\"\ncat in.txt \"$@\" | sort -u > \"$out\"; echo \"$out\" >> \"$out\"\n"

func made(layer, i int) string { return fmt.Sprintf("p/%d/%d.txt", layer, (i+width)%width) }

// submitPipeline schedules all jobs at once, by inputs and outputs alone; the
// one named in failing will fail. The first layer starts when all are there.
func submitPipeline(l *lab, failing string) (ids map[string]string, base string) {
	l.T.Helper()
	l.script("step.sh", stepScript)
	l.Save("-m", "step")
	base = l.Git("rev-parse", "HEAD")
	ids = map[string]string{}
	for layer := range layers {
		for i := range width {
			out := made(layer, i)
			args := []string{"-i", "in.txt", "-o", out}
			line := []string{"sbatch", "step.sh", out}
			if layer == 0 {
				line = []string{"sbatch", "--hold", "step.sh", out}
			} else {
				for _, in := range []string{made(layer-1, i), made(layer-1, i+1)} {
					args, line = append(args, "-i", in), append(line, in)
				}
			}
			if out == failing {
				line = append(line, "no such file")
			}
			ids[out] = l.submit("", append(args, line...)...)
		}
	}
	for i := range width {
		cmd := exec.Command("scontrol", "release", ids[made(0, i)])
		cmd.Env = l.c.env()
		if out, err := cmd.CombinedOutput(); err != nil {
			l.T.Fatalf("%v: %s", err, out)
		}
	}
	return ids, base
}

// checkOrder fails the test if a commit comes before one that it builds on, and
// returns the outputs in the order of their commits.
func checkOrder(l *lab, base string) (outputs []string) {
	l.T.Helper()
	at := map[string]int{}
	for n, rev := range strings.Fields(l.Git("rev-list", "--reverse", "--first-parent", base+"..HEAD")) {
		r := l.recordOf(rev)
		if strings.Contains(r.Cmd, "dependency") {
			l.T.Errorf("the record has another line than the user's: %s", r.Cmd)
		}
		for _, in := range r.Inputs {
			if _, known := at[in]; !known && in != "in.txt" {
				l.T.Errorf("%s is committed before its input %s", r.Outputs[0], in)
			}
			if r.Stemma.Inputs[in] == "" {
				l.T.Errorf("%s: no identity of its input %s", r.Outputs[0], in)
			}
		}
		if len(r.Stemma.Changed) > 0 {
			l.T.Errorf("%s: inputs changed: %v", r.Outputs[0], r.Stemma.Changed)
		}
		out := strings.TrimPrefix(r.Outputs[0], "./")
		at[out] = n
		outputs = append(outputs, out)
	}
	return outputs
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	ids, base := submitPipeline(l, "")
	for _, id := range ids {
		l.await(id)
	}
	l.in("", "finish").want(t, 0)
	if got := checkOrder(l, base); len(got) != layers*width {
		t.Errorf("%d commits", len(got))
	}
	if got := l.read(made(layers-1, 0)); !strings.HasSuffix(got, made(layers-1, 0)+"\n") || !strings.Contains(got, "p/0/") {
		t.Errorf("the last layer has %q", got)
	}
	l.Check()
}

func TestPipelineWithFailure(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	ids, base := submitPipeline(l, made(1, 3))
	// What the failed job's output goes into, layer by layer.
	var below []string
	for layer, from := 2, 3; layer < layers; layer++ {
		from--
		for i := from; i <= 3; i++ {
			below = append(below, made(layer, i))
		}
	}
	for out, id := range ids {
		if !slices.Contains(below, out) {
			l.await(id)
		}
	}
	o := l.in("", "finish").want(t, 1)
	var waiting []string
	for _, out := range below {
		waiting = append(waiting, ids[out])
	}
	_, told, _ := strings.Cut(o.stdout, "(waiting for it: ")
	told, _, _ = strings.Cut(told, ")")
	sameSet(t, "named as waiting", strings.Split(told, ", "), waiting)
	var open []string
	for _, r := range l.jobs() {
		if r.Open {
			open = append(open, r.ID)
		}
	}
	sameSet(t, "open", open, append(waiting, ids[made(1, 3)]))
	if got := checkOrder(l, base); len(got) != layers*width-len(below)-1 {
		t.Errorf("%d commits", len(got))
	}
	l.Git("fsck", "--strict") // the files of open jobs are not tracked
}

// TestDependencies merges with what the user and the script ask for, and waits
// for one task of an array.
func TestDependencies(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.script("slow.sh", "#!/bin/sh\nsleep 3\nmkdir -p t\necho $1 > \"${1:-t/$SLURM_ARRAY_TASK_ID}\"\n")
	l.Save("-m", "slow")
	first := l.submit("", "-o", "first", "sbatch", "slow.sh", "first")
	second := l.submit("", "-o", "second", "sbatch", "slow.sh", "second")
	array := l.submit("", "-o", "t/{task}", "sbatch", "--array=1-2", "slow.sh")
	l.script("dep.sh", "#!/bin/sh\n#SBATCH --dependency=afterany:"+second+"\ncat first t/2 > third\n")
	l.Save("-m", "dep", "dep.sh")
	third := l.in("", "-f", "json", "schedule", "-i", "first", "-i", "t/2", "-o", "third", "sbatch", "dep.sh")
	id := l.submitted(third)[0]
	third.want(t, 0)
	l.await(first, second, array, id)
	l.in("", "finish").want(t, 0, "Slurm job "+id+": Completed")
	// On a busy machine the tasks were complete, and finished, before the last
	// job was scheduled.
	titles := l.Git("log", "--format=%s")
	for _, task := range []string{"_1", "_2"} {
		if strings.Count(titles, "Slurm job "+array+task+": Completed") != 1 {
			t.Errorf("task %s in\n%s", task, titles)
		}
	}
	l.Check()
}

// TestArrayTaskByTask commits what is complete while a task fails, and does that
// one again.
func TestArrayTaskByTask(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.script("task.sh", "#!/bin/sh\nmkdir -p t\necho $SLURM_ARRAY_TASK_ID > t/$SLURM_ARRAY_TASK_ID\ntest $SLURM_ARRAY_TASK_ID != 2 || test -e fixed\n")
	l.Save("-m", "task")
	id := l.submit("", "-o", "t/{task}", "sbatch", "--array=0-3", "task.sh")
	l.await(id)
	l.in("", "finish").want(t, 1, "Slurm job "+id+"_0: Completed", "Slurm job "+id+"_3: Completed", id+"_2: FAILED")
	sameSet(t, "commit of task 3", l.changed("HEAD"), []string{"slurm-" + id + "_3.out", "t/3"})
	l.Write("fixed", "x")
	again := l.submitted(l.in("", "-f", "json", "reschedule", "--failed-tasks", id).want(t, 0))[0]
	l.await(again)
	l.in("", "finish").want(t, 0, "Slurm job "+again+"_2: Completed")
	if r := l.recordOf("HEAD"); r.Cmd != "sbatch --array=0-3 task.sh" || !strings.Contains(r.JSON, `"array": "2"`) {
		t.Errorf("record %s", r.JSON)
	}
	for _, r := range l.jobs() {
		if r.Open {
			t.Errorf("job %s is open", r.ID)
		}
	}
}

// TestArrayLogNames: Slurm gives tasks ids of their own as they start, which
// stand in the names of their log files; before, it tells other names.
func TestArrayLogNames(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	whole := l.submit("", "-o", "arr", "sbatch", "--array=0-2%1", "-o", "log-%j.txt", "arr.sh")
	tasks := l.submit("", "-o", "late/{task}", "sbatch", "--array=0-2%1", "-o", "late-%j.txt", "--begin=now+2", "--wrap", "mkdir -p late; echo x > late/$SLURM_ARRAY_TASK_ID")
	l.await(whole, tasks)
	l.in("", "finish", whole).want(t, 0)
	var logs []string
	for _, f := range l.changed("HEAD") {
		if strings.HasPrefix(f, "log-") {
			logs = append(logs, f)
		}
	}
	if len(logs) != 3 {
		t.Errorf("log files %q of %q", logs, l.changed("HEAD"))
	}
	l.in("", "finish", tasks).want(t, 0)
	for _, rev := range []string{"HEAD", "HEAD~1", "HEAD~2"} {
		files := l.changed(rev)
		if len(slices.DeleteFunc(files, func(f string) bool { return !strings.HasPrefix(f, "late-") })) != 1 {
			t.Errorf("%s has %q", rev, l.changed(rev))
		}
	}
}
