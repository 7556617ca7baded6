package cli

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestStartUp: nothing is done before the command line asks for it, so that
// scripts can call the program thousands of times.
func TestStartUp(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	best := time.Hour
	for range 40 {
		cmd := exec.Command(self)
		cmd.Args = []string{"stemma", "version"}
		start := time.Now()
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	t.Logf("fastest start: %v", best)
	if best > 10*time.Millisecond {
		t.Errorf("the fastest of 40 starts took %v, more than 10 ms", best)
	}
}
