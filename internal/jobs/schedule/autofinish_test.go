package schedule_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
)

func TestAutoFinishSubmitsHelper(t *testing.T) {
	b := jobstest.New(t)
	said := b.RecordSbatch()
	id := b.Submit(schedule.Options{Outputs: []string{"o"}, AutoFinish: "/opt/my tools/stemma"})
	got := said()
	out := filepath.Join(b.D.Repo.CommonDir, "stemma/autofinish/finish-"+id+".out")
	for _, want := range []string{
		"[--dependency=afterany:" + id + "]", "[--job-name=stemma-finish-" + id + "]", "[--output=" + out + "]", "[--chdir=" + b.Dir + "]",
		"[--account=acc]", "SBATCH_ACCOUNT=mine", "\ncd " + b.Dir + " || exit\n'/opt/my tools/stemma' finish --watch --scheduler slurm " + id + " || exit\nrm -f " + out + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "SBATCH_GPUS") {
		t.Errorf("the helper asks for what the job needs:\n%s", got)
	}
}

func TestAutoFinishRefused(t *testing.T) {
	b := jobstest.New(t)
	b.RecordSbatch()
	b.D.Env.Vars = append(b.D.Env.Vars, "FAKE_REFUSE=1")
	id := b.Submit(schedule.Options{Outputs: []string{"o"}, AutoFinish: "stemma"})
	if got := b.Log.String(); !strings.Contains(got, "job "+id+" will not be finished automatically") || !strings.Contains(got, "no account") {
		t.Errorf("log: %s", got)
	}
	if got := b.States(); got != "open:" {
		t.Errorf("the job is not scheduled: %s", got)
	}
}
