package slurm

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stemma-data/stemma/internal/sched"
)

// recording is one situation of testdata/recorded (its README has the format).
type recording struct {
	exits    map[string]int
	sections map[string][]byte
	calls    []string
	suffix   string            // ".later" and the like
	use      map[string]string // program to section, where it is not the standard one
}

func loadRecording(t *testing.T, file string) *recording {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "recorded", file))
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{exits: map[string]int{}, sections: map[string][]byte{}}
	for _, f := range archive.Files {
		r.sections[f.Name] = f.Data
	}
	for line := range strings.Lines(string(r.sections["commands"])) {
		f := strings.SplitN(line, "\t", 4)
		r.exits[f[0]], _ = strconv.Atoi(f[1])
	}
	return r
}

// standard names the sections that answer a program's question, best first.
var standard = map[string][]string{
	"squeue": {"squeue-r", "squeue"}, "sacct": {"sacct", "sacct-X"}, "scontrol": {"scontrol", "scontrol-o"}, "scancel": {"scancel"},
}

func (r *recording) run(_ context.Context, name string, args, _ []string) (stdout, stderr []byte, exit int, err error) {
	r.calls = append(r.calls, name)
	names := standard[name]
	if section, ok := r.use[name]; ok {
		names = []string{section}
	}
	for _, section := range names {
		section += r.suffix
		if _, ok := r.exits[section]; ok {
			return r.sections[section], r.sections[section+".stderr"], r.exits[section], nil
		}
	}
	return nil, []byte("Slurm accounting storage is disabled: not recorded " + name + strings.Join(args, " ")), 1, nil
}

func (r *recording) query(q sched.Query, now time.Time) sched.Status {
	s := New(r.run)
	s.now = func() time.Time { return now }
	m, _ := s.Query(context.Background(), []sched.Query{q})
	return m[q.ID]
}

// reading is what is to be understood from one recording.
type reading struct {
	file, suffix string
	id           string
	tasks        int
	state        sched.State
	text         string // if not the state's word
	never        bool
	use          map[string]string
}

var readings = []reading{
	{file: "right-after-submission", id: "138", state: sched.Pending, use: map[string]string{"sacct": "sacct-X"}},
	{file: "running", id: "130", state: sched.Running},
	{file: "held", id: "131", state: sched.Held, text: "PENDING"},
	{file: "pending-begin", id: "129", state: sched.Pending},
	{file: "dependency-pending", id: "134", state: sched.Pending},
	{file: "dependency-satisfied", id: "136", state: sched.Completed},
	{file: "dependency-never-satisfied", id: "135", state: sched.Pending, never: true},
	{file: "dependency-kill-invalid", id: "137", state: sched.Cancelled},
	{file: "suspended", id: "132", state: sched.Suspended},
	{file: "suspended", suffix: ".resumed", id: "132", state: sched.Running},
	{file: "completing", id: "143", state: sched.Completing},
	{file: "completing", id: "144", state: sched.Completing},
	{file: "completed", id: "117", state: sched.Completed},
	{file: "completed-step-failed", id: "123", state: sched.Completed},
	{file: "completed-maxrss", id: "128", state: sched.Completed},
	{file: "failed-exit3", id: "120", state: sched.Failed},
	{file: "failed-exit127", id: "124", state: sched.Failed},
	{file: "failed-signal9", id: "121", state: sched.Failed},
	{file: "failed-signal11", id: "122", state: sched.Failed},
	{file: "failed-output-dir-missing", id: "125", state: sched.Failed},
	{file: "chdir-missing", id: "1281", state: sched.Failed},
	{file: "chdir-missing", id: "1282", state: sched.Completed, use: map[string]string{"sacct": "sacct-X-out-elsewhere"}},
	{file: "over-memory-kill", id: "127", state: sched.Failed},
	{file: "timeout", id: "115", state: sched.Timeout},
	{file: "cancel-immediately", id: "130", state: sched.Cancelled},
	{file: "cancelled-running", id: "130", state: sched.Cancelled},
	{file: "cancelled-pending", id: "129", state: sched.Cancelled},
	{file: "requeued", id: "145", state: sched.Completing},
	{file: "requeued", suffix: ".8s", id: "145", state: sched.Pending},
	{file: "requeue-hold", id: "1227", state: sched.Held, text: "PENDING"},
	{file: "special-exit", id: "1223", state: sched.Held, text: "SPECIAL_EXIT"},
	{file: "node-fail", id: "147", state: sched.NodeFail},
	{file: "node-fail-requeued", id: "148", state: sched.Pending},
	{file: "node-fail-requeued", suffix: ".7s", id: "148", state: sched.Pending},
	{file: "preempted-cancel", id: "149", state: sched.Preempted},
	{file: "preempted-requeue", id: "150", state: sched.Pending},
	{file: "preempted-requeue", suffix: ".7s", id: "150", state: sched.Pending},
	{file: "hetero", id: "1225", tasks: 2, state: sched.Completed},
	{file: "hetero", id: "1225", state: sched.Completed},
	{file: "array-just-submitted", id: "1228", tasks: 4, state: sched.Running},
	{file: "array-just-submitted", id: "1228", tasks: 4, state: sched.Running, use: map[string]string{"sacct": "sacct-X-6s"}},
	{file: "array-mixed", id: "133", tasks: 6, state: sched.Running},
	{file: "array-remainder-cancelled", id: "133", tasks: 6, state: sched.Running},
	{file: "array-remainder-cancelled", suffix: ".later", id: "133", tasks: 6, state: sched.Running},
	{file: "array-final-mixed", id: "133", tasks: 6, state: sched.Failed, text: sched.SomeComplete},
	{file: "array-final-mixed", id: "133", state: sched.Failed, text: sched.SomeComplete},
	{file: "array-pending-cancelled", id: "146", tasks: 4, state: sched.Cancelled},
	{file: "array-task-cancelled-pending", id: "1194", tasks: 3, state: sched.Cancelled},
	{file: "array-truncated-list", id: "1279", tasks: 20, state: sched.Pending},
	{file: "purged-with-accounting", id: "1197", state: sched.Failed},
	{file: "no-accounting", id: "1206", state: sched.Completed},
	{file: "no-accounting", id: "1207", state: sched.Failed},
	{file: "no-accounting", id: "1208", tasks: 6, state: sched.Running},
	{file: "no-accounting", id: "1209", state: sched.Pending, never: true},
	{file: "no-accounting", id: "1210", state: sched.Running},
	{file: "no-accounting", id: "1211", state: sched.Held, text: "PENDING"},
	{file: "no-accounting", id: "1216", state: sched.Cancelled},
	{file: "no-accounting-purged", id: "1206", state: sched.Unknown},
	{file: "no-accounting-purged", id: "1207", state: sched.Unknown, use: map[string]string{"squeue": "squeue-failed"}},
	{file: "no-accounting-purged", id: "1208", tasks: 6, state: sched.Running},
	{file: "slurmctld-down", id: "1204", state: sched.Unknown},
	{file: "slurmctld-hangs", id: "1204", state: sched.Unknown},
	{file: "slurmdbd-down", id: "1202", state: sched.Running},
	{file: "unknown-ids", id: "9999999", state: sched.Unknown, use: map[string]string{"squeue": "squeue-single", "sacct": "sacct-single"}},
	{file: "unknown-ids", id: "9999999", state: sched.Unknown, use: map[string]string{"squeue": "squeue-mixed", "sacct": "sacct-mixed"}},
	{file: "unknown-ids", id: "117", state: sched.Completed, use: map[string]string{"squeue": "squeue-mixed", "sacct": "sacct-mixed"}},
	{file: "unknown-ids", id: "117", state: sched.Unknown, use: map[string]string{"squeue": "squeue-garbage", "sacct": "sacct-garbage"}},
	{file: "sbatch-accepted-anyway", id: "1305", state: sched.Pending},
	{file: "sbatch-accepted-anyway", id: "1310", state: sched.Failed},
}

func TestRecordedStates(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.Local)
	for _, c := range readings {
		t.Run(c.file+c.suffix+"/"+c.id, func(t *testing.T) {
			r := loadRecording(t, c.file+".txtar")
			r.suffix, r.use = c.suffix, c.use
			got := r.query(sched.Query{ID: c.id, Tasks: c.tasks}, now)
			text := c.text
			if text == "" {
				text = string(c.state)
			}
			if got.State != c.state || got.Text != text || got.NeverStarts != c.never {
				t.Errorf("got %+v, want state %s, text %q, never starts %v", got, c.state, text, c.never)
			}
			if c.state == sched.Unknown && got.Note == "" {
				t.Error("an unknown state without a note")
			}
			if c.tasks > 1 && c.state.Final() && len(got.Tasks) == 0 {
				t.Error("no tasks")
			}
			countCalls(t, r.calls)
		})
	}
}

// countCalls checks that one round takes one squeue and at most one sacct.
func countCalls(t *testing.T, calls []string) {
	t.Helper()
	count := map[string]int{}
	for _, name := range calls {
		count[name]++
	}
	if count["squeue"] != 1 || count["sacct"] > 1 || count["scontrol"] > 4 {
		t.Errorf("programs started: %v", calls)
	}
}

// TestRecordedComplete fails if a recording has no test of its reading.
func TestRecordedComplete(t *testing.T) {
	seen := map[string]bool{"README.md": true, "array-poll.txt": true, "id-lists.txt": true,
		"sbatch-ok.txtar": true, "sbatch-errors.txtar": true, "sbatch-warnings.txtar": true}
	for _, c := range readings {
		seen[c.file+".txtar"] = true
	}
	entries, err := os.ReadDir("testdata/recorded")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !seen[e.Name()] {
			t.Errorf("%s has no test", e.Name())
		}
	}
}

func TestRecordedDetails(t *testing.T) {
	start := time.Date(2026, 11, 22, 12, 11, 36, 0, time.Local)
	cases := []struct {
		file string
		id   string
		want sched.Task
	}{
		{"completed-maxrss", "128", sched.Task{ID: "128", OwnID: "128", State: sched.Completed, Raw: "COMPLETED", Start: start, End: start.Add(6 * time.Second), NodeList: "node1", MaxRSS: 302620 << 10, Reason: "None"}},
		{"failed-signal9", "121", sched.Task{ID: "121", OwnID: "121", State: sched.Failed, Raw: "FAILED", Signal: 9, Start: start.Add(-44 * time.Second), End: start.Add(-44 * time.Second), NodeList: "node1", Reason: "JobLaunchFailure"}},
		{"cancelled-running", "130", sched.Task{ID: "130", OwnID: "130", State: sched.Cancelled, Raw: "CANCELLED by 1000", Start: start, End: start.Add(30 * time.Second), NodeList: "node1", MaxRSS: 3284 << 10, Reason: "None"}},
		{"no-accounting", "1207", sched.Task{ID: "1207", OwnID: "1207", State: sched.Failed, Raw: "FAILED", ExitCode: 3, Start: start.Add(585 * time.Second), End: start.Add(585 * time.Second), NodeList: "node1", Reason: "NonZeroExitCode"}},
	}
	for _, c := range cases {
		r := loadRecording(t, c.file+".txtar")
		if c.file == "no-accounting" {
			r.use = map[string]string{"scontrol": "scontrol-o-failed"}
		}
		got := r.query(sched.Query{ID: c.id}, start.Add(time.Hour))
		if len(got.Tasks) != 1 {
			t.Fatalf("%s: %+v", c.file, got)
		}
		if diff := cmp.Diff(c.want, got.Tasks[0]); diff != "" {
			t.Errorf("%s: %s", c.file, diff)
		}
	}
}

// TestRecordedPoll reads each answer of sacct alone, as if squeue knew
// nothing: an array of which tasks are missing is never over.
func TestRecordedPoll(t *testing.T) {
	text, err := os.ReadFile("testdata/recorded/array-poll.txt")
	if err != nil {
		t.Fatal(err)
	}
	polls := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		polls++
		id, tasks := "1234", 6
		if words := strings.Fields(line); words[0] == "poll" {
			id, tasks = words[3], 3
		}
		var out strings.Builder
		for _, word := range strings.Fields(line) {
			if name, state, ok := strings.Cut(word, "|"); ok {
				out.WriteString(name + "|1|" + state + "|0:0|0:0|2026-11-22T12:30:00|2026-11-22T12:30:01|00:00:01|node1|\n")
			}
		}
		r := &recording{exits: map[string]int{"squeue": 1, "sacct": 0}, sections: map[string][]byte{
			"squeue.stderr": []byte("slurm_load_jobs error: Invalid job id specified"), "sacct": []byte(out.String())}}
		got := r.query(sched.Query{ID: id, Tasks: tasks}, time.Date(2026, 11, 22, 12, 30, 2, 0, time.Local))
		if got.State.Final() {
			t.Errorf("%q is read as %+v", line, got)
		}
	}
	if polls < 15 {
		t.Errorf("only %d polls", polls)
	}
}

func TestRecordedSubmissions(t *testing.T) {
	want := map[string]string{"plain": "153", "parsable": "154", "parsable-array": "155", "array": "156", "stdin": "157", "wrap": "158", "wrapper": "159",
		"wrapper-parsable": "160", "wait-fail": "163", "cluster": "168;lab", "cluster-plain": "169;lab", "hetero": "170"}
	warnings := map[string]string{"cpus": "191", "verbose": "192", "wrapper": "193"}
	for file, want := range map[string]map[string]string{"sbatch-ok.txtar": want, "sbatch-warnings.txtar": warnings, "sbatch-errors.txtar": {}} {
		r := loadRecording(t, file)
		for name := range r.exits {
			id, cluster, ok := New(r.run).ParseSubmission(r.sections[name])
			if cluster != "" {
				id += ";" + cluster
			}
			if id != want[name] || ok != (want[name] != "") {
				t.Errorf("%s %s: got %q %v, want %q", file, name, id, ok, want[name])
			}
		}
	}
}

// TestRecordedErrors checks that what scancel says of a dead controller
// arrives, and that unknown and ended jobs are no errors.
func TestRecordedErrors(t *testing.T) {
	for section, fails := range map[string]bool{"slurmctld-down.txtar:scancel": true, "unknown-ids.txtar:scancel-unknown": false, "unknown-ids.txtar:scancel-finished": false} {
		file, name, _ := strings.Cut(section, ":")
		r := loadRecording(t, file)
		r.use = map[string]string{"scancel": name}
		if err := New(r.run).Cancel(context.Background(), []string{"1204"}); (err != nil) != fails {
			t.Errorf("%s: %v", section, err)
		}
	}
}

func TestRecordedDescriptions(t *testing.T) {
	cases := []struct {
		file, section, id string
		tasks             int
		files             []string
	}{
		{"completed", "scontrol", "117", 1, []string{"/home/alice/ds/slurm-117.out"}},
		{"completed", "scontrol-o", "117", 1, []string{"/home/alice/ds/slurm-117.out"}},
		{"array-mixed", "scontrol", "133", 6, numbered("/home/alice/ds/slurm-133_%.out", "1", "2", "3", "4", "5", "6")},
		{"array-mixed", "scontrol-o", "133", 6, numbered("/home/alice/ds/slurm-133_%.out", "1", "2", "3", "4", "5", "6")},
		{"array-truncated-list", "scontrol-bitstr", "1279", 20, numbered("/home/alice/ds/slurm-1279_%.out", strings.Split("1,4,9,16,25,36,49,64,81,100,121,144,169,196,225,256,289,324,361,400", ",")...)},
		{"hetero", "scontrol", "1225", 2, []string{"/home/alice/ds/slurm-1225.out"}},
		{"failed-output-dir-missing", "scontrol", "125", 1, []string{"/home/alice/ds/nodir/x.out"}},
	}
	for _, c := range cases {
		r := loadRecording(t, c.file+".txtar")
		r.use = map[string]string{"scontrol": c.section}
		d, err := New(r.run).Describe(context.Background(), c.id)
		if err != nil || d.Tasks != c.tasks || len(d.TaskIDs) != c.tasks {
			t.Errorf("%s: %+v, %v", c.file, d, err)
		}
		if diff := cmp.Diff(c.files, d.Files); diff != "" {
			t.Errorf("%s: %s", c.file, diff)
		}
		if d.WorkDir == "" || d.Name == "" || d.Fields[0].Key != "JobId" {
			t.Errorf("%s: %+v", c.file, d)
		}
	}
}

func numbered(pattern string, numbers ...string) (paths []string) {
	for _, n := range numbers {
		paths = append(paths, strings.ReplaceAll(pattern, "%", n))
	}
	return paths
}
