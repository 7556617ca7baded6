package reschedule_test

import (
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/reschedule"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
)

// Other programs record absolute paths: the refusal names the path and the way
// out.
func TestRecordWithAbsoluteOutput(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"o"}, Message: "sep"})
	b.Write("o", "x")
	b.S.Set(t, "101", "COMPLETED")
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	msg := strings.Replace(b.Git("log", "-1", "--format=%B"), `"./o"`, `"/data/o"`, 1)
	b.Git("commit", "-q", "--amend", "-m", msg)
	err = reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{}, result.Discard)
	jobstest.WantErr(t, err, "the record has the output /data/o, an absolute path")
	if !strings.Contains(errs.Hint(err), "schedule the command anew") {
		t.Errorf("hint %q", errs.Hint(err))
	}
}
