package jobs

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAutoFinishSubmitsHelper(t *testing.T) {
	b := newBench(t)
	said := b.recordSbatch()
	id := b.submit(ScheduleOptions{Outputs: []string{"o"}, AutoFinish: "/opt/my tools/stemma"})
	got := said()
	out := filepath.Join(b.d.Repo.CommonDir, "stemma/autofinish/finish-"+id+".out")
	for _, want := range []string{
		"[--dependency=afterany:" + id + "]", "[--job-name=stemma-finish-" + id + "]", "[--output=" + out + "]", "[--chdir=" + b.dir + "]",
		"[--account=acc]", "SBATCH_ACCOUNT=mine", "\ncd " + b.dir + " || exit\n'/opt/my tools/stemma' finish --watch --scheduler slurm " + id + " || exit\nrm -f " + out + "\n",
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
	b := newBench(t)
	b.recordSbatch()
	b.d.Env.Vars = append(b.d.Env.Vars, "FAKE_REFUSE=1")
	id := b.submit(ScheduleOptions{Outputs: []string{"o"}, AutoFinish: "stemma"})
	if got := b.log.String(); !strings.Contains(got, "job "+id+" will not be finished automatically") || !strings.Contains(got, "no account") {
		t.Errorf("log: %s", got)
	}
	if got := b.states(); got != "open:" {
		t.Errorf("the job is not scheduled: %s", got)
	}
}
