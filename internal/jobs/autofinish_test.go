package jobs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/ledger"
)

// fakeSbatch makes sbatch write its arguments and its script down.
func (b *bench) recordSbatch() (said func() string) {
	b.t.Helper()
	bin := b.t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in *stemma-finish-*) { for a; do echo \"[$a]\"; done; env | grep ^SBATCH_; cat; } > \"$FAKE_SCHED/helper\"; test -z \"$FAKE_REFUSE\" || { echo 'sbatch: error: no account' >&2; exit 1; }; echo 900;; *) exec \"$FAKE_REAL\" \"$@\";; esac\n"
	must(b.t, os.WriteFile(filepath.Join(bin, "sbatch"), []byte(script), 0o755))
	real := ""
	for i, kv := range b.d.Env.Vars {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok && strings.Contains(kv, "/bin:") {
			real = filepath.Join(strings.SplitN(path, ":", 2)[0], "sbatch")
			b.d.Env.Vars[i] = "PATH=" + bin + ":" + path
		}
	}
	b.d.Env.Vars = append(b.d.Env.Vars, "FAKE_REAL="+real, "SBATCH_GPUS=8", "SBATCH_ACCOUNT=mine")
	return func() string {
		data, _ := os.ReadFile(filepath.Join(b.s.dir, "helper"))
		return string(data)
	}
}

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

// Names never reach a shell unquoted.
func TestAutoFinishQuotes(t *testing.T) {
	j := &ledger.Job{JobID: "7", WorkTree: "/data/it's $(here) 100%"}
	got := helperScript("local", j, "/opt/a;b", "/data/it's/o.out")
	want := "cd '/data/it'\"'\"'s $(here) 100%' || exit\n'/opt/a;b' finish --watch --scheduler local 7 || exit\nrm -f '/data/it'\"'\"'s/o.out'\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s", got)
	}
	args := strings.Join(helperArgs(t.Context(), &fakeSched{dir: t.TempDir()}, j, "/x 100%/o"), "\n")
	if !strings.Contains(args, "--output=/x 100%%/o") {
		t.Errorf("got\n%s", args)
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

func TestPrune(t *testing.T) {
	b := newBench(t)
	n, err := Prune(t.Context(), b.d, time.Now())
	if n != 0 || err != nil {
		t.Fatalf("%d %v before any job", n, err)
	}
	one := b.submit(ScheduleOptions{Outputs: []string{"one"}})
	b.submit(ScheduleOptions{Outputs: []string{"two"}})
	b.write("one", "1")
	b.s.set(t, one, "COMPLETED")
	_, err = b.finish(FinishOptions{})
	must(t, err)
	if n, err = Prune(t.Context(), b.d, time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d %v: too young", n, err)
	}
	if n, err = Prune(t.Context(), b.d, time.Now().Add(time.Second)); n != 1 || err != nil {
		t.Errorf("%d %v: one is closed", n, err)
	}
	if got := b.states(); got != "open:" {
		t.Errorf("states %s", got)
	}
}
