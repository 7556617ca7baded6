// Package crash ends the real program in the middle of its work, runs many of
// it at once, and takes the disk away from under it, and then checks with git
// and git-annex that nothing was lost and nothing recorded twice.
//
// STEMMA_SOAK=N makes N rounds instead of a few; STEMMA_SEED repeats a run.
package crash

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// program is the binary under test; TestMain builds it.
var program string

func TestMain(m *testing.M) { os.Exit(rig.RunTests(m, &program)) }

// rounds is how often a test kills: few, or STEMMA_SOAK.
func rounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("STEMMA_SOAK")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("STEMMA_SOAK=%s: %v", text, err)
	}
	return n
}

// random returns a source that a failed run can be repeated with.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("STEMMA_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("STEMMA_SEED=%s: %v", text, err)
		}
	}
	t.Logf("STEMMA_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
