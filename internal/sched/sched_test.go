package sched

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStates(t *testing.T) {
	final := []string{"COMPLETED", "FAILED", "CANCELLED by 1000", "CANCELLED+", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE"}
	open := []string{"PENDING", "RUNNING", "CONFIGURING", "SUSPENDED", "COMPLETING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT", "REVOKED", "", "NEW_STATE"}
	for _, raw := range final {
		if s := ParseState(raw); !s.Final() || s.Success() != (raw == "COMPLETED") {
			t.Errorf("%q is %s", raw, s)
		}
	}
	for _, raw := range open {
		if s := ParseState(raw); s.Final() || s.Success() {
			t.Errorf("%q is %s", raw, s)
		}
	}
}

func TestSummarize(t *testing.T) {
	cases := []struct {
		raws  string
		state State
		text  string
	}{
		{"", Unknown, "UNKNOWN"},
		{"COMPLETED", Completed, "COMPLETED"},
		{"COMPLETED COMPLETED", Completed, "COMPLETED"},
		{"COMPLETED FAILED", Failed, SomeComplete},
		{"FAILED TIMEOUT", Failed, MultipleCauses},
		{"TIMEOUT TIMEOUT", Timeout, "TIMEOUT"},
		{"COMPLETED PENDING RUNNING", Running, "RUNNING"},
		{"COMPLETED NEW_STATE", Unknown, "UNKNOWN"},
		{"CONFIGURING", Pending, "CONFIGURING"},
	}
	for _, c := range cases {
		var tasks []Task
		for _, raw := range strings.Fields(c.raws) {
			tasks = append(tasks, Task{Raw: raw, State: ParseState(raw)})
		}
		if s, text := Summarize(tasks); s != c.state || text != c.text {
			t.Errorf("%q: got %s %q", c.raws, s, text)
		}
	}
}

// TestSummarizeNeverInventsSuccess: a job succeeds only if every task did.
func TestSummarizeNeverInventsSuccess(t *testing.T) {
	raws := []string{"COMPLETED", "FAILED", "PENDING", "RUNNING", "NODE_FAIL", "WHATEVER", "REQUEUED"}
	rapid.Check(t, func(t *rapid.T) {
		all, any := true, false
		var tasks []Task
		for _, raw := range rapid.SliceOfN(rapid.SampledFrom(raws), 0, 6).Draw(t, "raws") {
			tasks = append(tasks, Task{Raw: raw, State: ParseState(raw)})
			all, any = all && raw == "COMPLETED", true
		}
		if s, _ := Summarize(tasks); s.Success() != (all && any) {
			t.Fatalf("%v is %s", tasks, s)
		}
	})
}

func TestParseSubmission(t *testing.T) {
	cases := []struct{ out, id, cluster string }{
		{"Submitted batch job 12\n", "12", ""},
		{"12\n", "12", ""},
		{"12;lab\r\n", "12", "lab"},
		{"Submitted batch job 12 on cluster lab-2\n", "12", "lab-2"},
		{"quota: 3 h\n[wrapper] Submitted batch job 12.\ndone\n", "12", ""},
		{"Submitted batch job 12\n99\n", "12", ""},
		{"Submitted batch job 12\nSubmitted batch job 12\n", "12", ""},
		{"Submitted batch job 12\nSubmitted batch job 13\n", "", ""},
		{"12\n13\n", "", ""},
		{"job 12\n", "", ""},
		{"", "", ""},
		{"Submitted batch job 99999999999999999999999\n", "", ""},
	}
	for _, c := range cases {
		id, cluster, ok := ParseSubmission([]byte(c.out))
		if id != c.id || cluster != c.cluster || ok != (c.id != "") {
			t.Errorf("%q: got %q %q %v", c.out, id, cluster, ok)
		}
	}
}

func FuzzParseSubmission(f *testing.F) {
	f.Add([]byte("Submitted batch job 12 on cluster x"))
	f.Add([]byte("1;a\n2"))
	f.Fuzz(func(t *testing.T, out []byte) {
		if id, _, ok := ParseSubmission(out); ok {
			if _, err := strconv.ParseUint(id, 10, 64); err != nil {
				t.Fatal(id)
			}
		}
	})
}

func TestParseTaskList(t *testing.T) {
	cases := []struct {
		text  string
		ids   []int
		limit int
		cut   bool
	}{
		{"0-3", []int{0, 1, 2, 3}, 0, false},
		{"1,3,5-9:2%4", []int{1, 3, 5, 7, 9}, 4, false},
		{"0-15:4,4,20%2", []int{0, 4, 8, 12, 20}, 2, false},
		{"7", []int{7}, 0, false},
		{"1,4,...", []int{1, 4}, 0, true},
	}
	for _, c := range cases {
		l, err := ParseTaskList(c.text)
		if err != nil || !slices.Equal(l.IDs, c.ids) || l.Limit != c.limit || l.Truncated != c.cut {
			t.Errorf("%q: %+v, %v", c.text, l, err)
		}
	}
	for _, bad := range []string{"", "a", "3-1", "1-", "-1", "1:2", "1-5:0", "1,,2", "0-99999999999", "1%x", "4294967294"} {
		if l, err := ParseTaskList(bad); err == nil {
			t.Errorf("%q: %+v", bad, l)
		}
	}
}

func FuzzParseTaskList(f *testing.F) {
	for _, seed := range []string{"0-15:4,20%2", "1,4,...", "5-6%2", "1-4000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 40 {
			return
		}
		l, err := ParseTaskList(text)
		if err == nil && len(l.IDs) > MaxTasks {
			t.Fatal(len(l.IDs))
		}
	})
}

func TestExpand(t *testing.T) {
	n := Names{Job: "42", Array: "40", Task: "7", Name: "a/b c", User: "alice", Node: "n1", WorkDir: "/w"}
	for pattern, want := range map[string]string{
		"slurm-%A_%a.out": "/w/slurm-40_7.out", "o/%j.%x": "/w/o/42.a_b c", "/abs/%u-%N": "/abs/alice-n1", "%4a-%%": "/w/0007-%", `\%j`: "/w/%j",
		"%z": "/w/%z", "100%": "/w/100%", "%5": "/w/%5", "%b": "/w/7",
	} {
		if got := n.Expand(pattern); got != want {
			t.Errorf("%q: got %q, want %q", pattern, got, want)
		}
	}
	if got := (Names{Job: "1", WorkDir: "/w"}).Expand("%a"); got != "/w/4294967294" {
		t.Error(got)
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("%4a%%%")
	f.Fuzz(func(t *testing.T, pattern string) { Names{Job: "1", Task: "2", WorkDir: "/w"}.Expand(pattern) })
}
