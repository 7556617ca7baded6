package slurm

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/stemma-data/stemma/internal/sched"
	"github.com/stemma-data/stemma/internal/sched/schedtest"
)

// TestConformance needs a running cluster (scripts/slurm-cluster start),
// which STEMMA_TEST_SLURM=1 promises.
func TestConformance(t *testing.T) {
	if os.Getenv("STEMMA_TEST_SLURM") != "1" {
		if os.Getenv("CI") != "" {
			t.Fatal("STEMMA_TEST_SLURM is not 1: the suite must run on a real Slurm")
		}
		t.Skip("needs a Slurm cluster: scripts/slurm-cluster start; STEMMA_TEST_SLURM=1")
	}
	env := os.Environ()
	if os.Getenv("USER") == "" {
		env = append(env, "USER=root")
	}
	schedtest.Run(t, func(t *testing.T) (sched.Scheduler, schedtest.Submit) {
		return New(Exec(env)), func(line, dir string) []byte {
			t.Helper()
			cmd := exec.Command("/bin/sh", "-c", line)
			var stderr bytes.Buffer
			cmd.Dir, cmd.Env, cmd.Stderr = dir, env, &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v\n%s", line, err, stderr.Bytes())
			}
			return out
		}
	})
}
