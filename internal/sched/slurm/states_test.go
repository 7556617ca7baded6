package slurm

import (
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/sched"
)

// TestStatesByManual reads the states that the recordings do not show, as
// Slurm's manual describes them.
func TestStatesByManual(t *testing.T) {
	const nobody = "!slurm_load_jobs error: Invalid job id specified"
	acct := func(state string) string { return "12|12|" + state + "|0:125|0:0|1000|1001|00:00:01|n1||999\n" }
	live := func(state string) string { return "12|12|" + state + "|None|999\n" }
	for _, c := range []struct {
		squeue, sacct string
		want          sched.State
	}{
		{nobody, acct("OUT_OF_MEMORY"), sched.OutOfMemory},
		{live("OUT_OF_MEMORY"), acct("OUT_OF_MEMORY"), sched.OutOfMemory},
		{live("OUT_OF_MEMORY"), "", sched.OutOfMemory},
		{nobody, acct("BOOT_FAIL"), sched.BootFail},
		{live("BOOT_FAIL"), acct("BOOT_FAIL"), sched.BootFail},
		{live("PENDING"), acct("BOOT_FAIL"), sched.Pending}, // it is tried again
		{nobody, acct("DEADLINE"), sched.Deadline},
		{nobody, acct("CANCELLED by 0"), sched.Cancelled},
		{live("CANCELLED"), acct("CANCELLED by 0"), sched.Cancelled},
		{live("CONFIGURING"), acct("PENDING"), sched.Pending},
		{live("STAGE_OUT"), acct("COMPLETED"), sched.Completing},
		{live("RESIZING"), acct("RUNNING"), sched.Running},
		{live("SIGNALING"), acct("RUNNING"), sched.Running},
		{live("STOPPED"), acct("RUNNING"), sched.Suspended},
		{live("REQUEUE_FED"), acct("PENDING"), sched.Requeued},
		{live("REVOKED"), acct("REVOKED"), sched.Unknown},
		{live("SOMETHING_NEW"), acct("COMPLETED"), sched.Unknown},
		{nobody, acct("RUNNING"), sched.Unknown}, // accounting has missed the end
	} {
		var calls []string
		m, err := New(fake(map[string]string{"squeue": c.squeue, "sacct": c.sacct}, &calls)).Query(t.Context(), []sched.Query{{ID: "12"}})
		got := m["12"]
		if err != nil || got.State != c.want {
			t.Errorf("squeue %q, sacct %q: %+v", c.squeue, c.sacct, got)
		}
		if got.State == sched.Unknown && got.Note == "" {
			t.Errorf("squeue %q, sacct %q: nothing says why", c.squeue, c.sacct)
		}
		if got.State.Success() || len(calls) > 2 {
			t.Errorf("%s: %d calls", strings.TrimSpace(c.squeue), len(calls))
		}
	}
}
