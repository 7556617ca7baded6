package slurm

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// fake answers each program with a text.
func fake(answers map[string]string, calls *[]string) Runner {
	return func(_ context.Context, name string, args, _ []string) (stdout, stderr []byte, exit int, err error) {
		*calls = append(*calls, name+" "+strings.Join(args, " "))
		if text, failed := strings.CutPrefix(answers[name], "!"); failed {
			return nil, []byte(text), 1, nil
		}
		return []byte(answers[name]), nil, 0, nil
	}
}

// TestOldRecords: ids wrap round, so that accounting may know only an older
// job of the same id.
func TestOldRecords(t *testing.T) {
	var calls []string
	ended := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	line := fmt.Sprintf("12|12|COMPLETED|0:0|0:0|%d|%d|00:00:01|n1|\n", ended.Unix()-1, ended.Unix())
	s := New(fake(map[string]string{"squeue": "!slurm_load_jobs error: Invalid job id specified", "sacct": line}, &calls))
	for submitted, want := range map[time.Time]sched.State{ended.Add(time.Hour): sched.Unknown, ended.Add(time.Minute): sched.Completed, ended.Add(-time.Hour): sched.Completed} {
		m, err := s.Query(context.Background(), []sched.Query{{ID: "12", Submitted: submitted}})
		if err != nil || m["12"].State != want {
			t.Errorf("submitted %v: %+v, %v", submitted, m, err)
		}
	}
}

// TestBatches: no argument reaches the 128 KiB that Linux allows, and ids
// that are none never reach a command line.
func TestBatches(t *testing.T) {
	var calls []string
	s := New(fake(map[string]string{}, &calls))
	queries := []sched.Query{{ID: "1;lab"}, {ID: "-M all"}, {ID: "1,2"}, {ID: "12_3"}}
	for i := range 30000 {
		queries = append(queries, sched.Query{ID: fmt.Sprint(1000000 + i)})
	}
	m, err := s.Query(context.Background(), queries)
	if err != nil || len(m) != len(queries) {
		t.Fatal(len(m), err)
	}
	on := 0
	for _, call := range calls {
		for _, arg := range strings.Fields(call) {
			if len(arg) >= 128<<10 {
				t.Errorf("argument of %d bytes", len(arg))
			}
		}
		if strings.Contains(call, " -M lab ") {
			on++
		}
		if strings.Contains(call, "all,") || strings.Contains(call, "-M all") {
			t.Error(call[:80])
		}
	}
	if len(calls) != 2*3+2 || on != 2 {
		t.Errorf("%d programs, %d on the other cluster", len(calls), on)
	}
}

// TestLaterContradiction: what accounting says of the end counts only if
// squeue does not see the job alive.
func TestLaterContradiction(t *testing.T) {
	var calls []string
	for live, want := range map[string]sched.State{"PENDING": sched.Pending, "CONFIGURING": sched.Pending, "RUNNING": sched.Running, "COMPLETING": sched.Completing, "STAGE_OUT": sched.Completing, "COMPLETED": sched.Completed} {
		s := New(fake(map[string]string{"squeue": "12|12|" + live + "|None|(null)\n", "sacct": "12|12|COMPLETED|0:0|0:0|1|2|0|n1|\n"}, &calls))
		m, _ := s.Query(context.Background(), []sched.Query{{ID: "12"}})
		if m["12"].State != want {
			t.Errorf("squeue %s: %+v", live, m["12"])
		}
	}
}

func TestParseShowKeepsBlanks(t *testing.T) {
	long := "JobId=7 ArrayJobId=7 ArrayTaskId=0-2%1 JobName=a b=c Xy=1\n   UserId=al(1) Reason=None Dependency=(null)\n   Command=/a b/c.sh --x=1 K=2\n   WorkDir=/w d\n" +
		"   StdErr=/w d/%A_%3a.err\n   StdIn=/dev/null\n   StdOut=/w d/7_4294967294.out\n   Power=\n   \n"
	d := describe("7", parseShow(long))
	if d.Name != "a b=c Xy=1" || d.WorkDir != "/w d" || d.Tasks != 3 || d.Dependency != "" {
		t.Errorf("%+v", d)
	}
	want := []string{"/w d/7_0.out", "/w d/7_000.err", "/w d/7_1.out", "/w d/7_001.err", "/w d/7_2.out", "/w d/7_002.err"}
	if !slices.Equal(d.Files, want) {
		t.Errorf("files %q", d.Files)
	}
	fields := map[string]string{}
	for _, f := range d.Fields {
		fields[f.Key] = f.Value
	}
	if fields["Command"] != "/a b/c.sh --x=1 K=2" || fields["ArrayTaskId"] != "0" || fields["StdOut"] != "/w d/7_0.out" || len(fields) != 13 {
		t.Errorf("fields %q", fields)
	}
}

func FuzzParsers(f *testing.F) {
	for _, file := range []string{"array-mixed.txtar", "hetero.txtar", "array-truncated-list.txtar"} {
		if data, err := os.ReadFile("testdata/recorded/" + file); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parseQueue(data)
		parseAccounting(data)
		if jobs := parseShow(string(data)); len(jobs) > 0 {
			describe("1", jobs)
		}
		parseCandidates(string(data), time.Time{})
	})
}

// TestFreshTaskStandsForNoOther: for a moment accounting shows the task that
// has the array's own id without its number. Task 1 of the three was cancelled
// while it was pending, so that nothing shows it.
func TestFreshTaskStandsForNoOther(t *testing.T) {
	const queue = "362_2|362|COMPLETED|None|(null)\n362_0|363|COMPLETED|None|(null)\n"
	const fresh = "362|362|COMPLETED|0:0|0:0|1000|1001|00:00:01|n1|\n362.batch|362.batch|COMPLETED|0:0||1000|1001|00:00:01|n1|\n"
	const later = "362_2|362|COMPLETED|0:0|0:0|1000|1001|00:00:01|n1|\n362_0|363|COMPLETED|0:0|0:0|1000|1001|00:00:01|n1|\n"
	for _, c := range []struct {
		name, queue, acct string
		tasks             int
		age               time.Duration
		want              sched.State
	}{
		{"one task is missing", queue, fresh, 3, time.Second, sched.Unknown},
		{"one task is missing, all told", queue, later, 3, time.Second, sched.Unknown},
		{"one task never started", queue, later, 3, 2 * lag, sched.Failed},
		{"only accounting", "", fresh, 3, 2 * lag, sched.Unknown},
		{"array of one", "362_2|362|COMPLETED|None|(null)\n", fresh, 1, time.Second, sched.Completed},
		{"plain job", "362|362|COMPLETED|None|(null)\n", fresh, 1, time.Second, sched.Completed},
		{"both are there", queue, fresh, 2, time.Second, sched.Completed},
	} {
		a := answers{live: parseQueue([]byte(c.queue)), acct: parseAccounting([]byte(c.acct))}
		got := a.judge(sched.Query{ID: "362", Tasks: c.tasks}, time.Unix(1001, 0).Add(c.age))
		if got.State != c.want {
			t.Errorf("%s: %s (%s), want %s", c.name, got.State, got.Note, c.want)
		}
	}
}
