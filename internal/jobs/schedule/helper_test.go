package schedule

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// Names never reach a shell unquoted.
func TestAutoFinishQuotes(t *testing.T) {
	j := &ledger.Job{JobID: "7", WorkTree: "/data/it's $(here) 100%"}
	got := helperScript("local", j, "/opt/a;b", "/data/it's/o.out")
	want := "cd '/data/it'\"'\"'s $(here) 100%' || exit\n'/opt/a;b' finish --watch --scheduler local 7 || exit\nrm -f '/data/it'\"'\"'s/o.out'\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s", got)
	}
	args := strings.Join(helperArgs(t.Context(), silent{}, j, "/x 100%/o"), "\n")
	if !strings.Contains(args, "--output=/x 100%%/o") {
		t.Errorf("got\n%s", args)
	}
}

// silent is a scheduler that describes no job.
type silent struct{ sched.Scheduler }

func (silent) Name() string { return "slurm" }
func (silent) Describe(context.Context, string) (sched.Description, error) {
	return sched.Description{}, errors.New("no such job")
}
