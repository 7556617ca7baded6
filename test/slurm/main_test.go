// Package slurm drives the real program against a real Slurm: what jobs leave
// behind is judged by git, git-annex, DataLad, Python and Slurm's own programs.
// It knows nothing of the program's inside.
//
// Run it with `scripts/with-slurm go test ./test/slurm`.
package slurm

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// program is the binary under test; shared is the cluster that most tests use.
var (
	program string
	shared  *cluster
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if err := haveCluster(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if os.Getenv("CI") != "" {
			return 1
		}
		fmt.Fprintln(os.Stderr, "no test is run")
		return 0
	}
	// The tests wait for Slurm most of the time; -parallel overrides it.
	if err := flag.Set("test.parallel", "10"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared = &cluster{conf: os.Getenv("SLURM_CONF"), accounting: true}
	return rig.RunTests(m, &program)
}

// haveCluster says why there is no cluster to test on.
func haveCluster() error {
	switch {
	case os.Getenv("STEMMA_ORACLES") == "none":
		return errors.New("the tests against the real programs are switched off")
	case os.Getenv("STEMMA_TEST_SLURM") != "1":
		return errors.New("STEMMA_TEST_SLURM is not 1: run with scripts/with-slurm, on a cluster that tests may use")
	}
	return nil
}
