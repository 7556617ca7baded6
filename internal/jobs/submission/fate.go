package submission

import (
	"errors"
	"os"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// Fate is what is known of a submission whose process may be gone.
type Fate int

const (
	Runs     Fate = iota // or its process does, or nobody can tell
	Told                 // its output is there
	NeverRan             // there is no output file, and there will be none
	Unclear              // it ran, and what it wrote has no job id
)

// FateOf looks at the owner and at what the line left.
func FateOf(job *ledger.Job, s sched.Scheduler) Fate {
	if job.State == ledger.StateSubmitting && job.Owner.Fate() != fsx.Dead {
		return Runs
	}
	a, err := readAnswer(job.SubmitFile)
	switch {
	case errors.Is(err, os.ErrNotExist) && job.State == ledger.StateSubmitting:
		return NeverRan
	case err != nil:
		return Unclear
	}
	if _, _, ok := s.ParseSubmission(a.Stdout); ok && strings.HasSuffix(string(a.Stdout), "\n") {
		return Told
	}
	if submitting(job.SubmitFile) {
		return Runs
	}
	return Unclear
}

// submitting reports whether the line that writes to file still runs, as far
// as locks tell (on this node).
func submitting(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
