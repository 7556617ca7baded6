package jobs

import (
	"errors"
	"os"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// lineFate is what is known of a submission whose process may be gone.
type lineFate int

const (
	lineRuns     lineFate = iota // or its process does, or nobody can tell
	lineTold                     // its output is there
	lineNeverRan                 // there is no output file, and there will be none
	lineUnclear                  // it ran, and what it wrote has no job id
)

// fateOf looks at the owner and at what the line left.
func fateOf(job *ledger.Job, s sched.Scheduler) lineFate {
	if job.State == ledger.StateSubmitting && job.Owner.Fate() != fsx.Dead {
		return lineRuns
	}
	a, err := readAnswer(job.SubmitFile)
	switch {
	case errors.Is(err, os.ErrNotExist) && job.State == ledger.StateSubmitting:
		return lineNeverRan
	case err != nil:
		return lineUnclear
	}
	if _, _, ok := s.ParseSubmission(a.stdout); ok && strings.HasSuffix(string(a.stdout), "\n") {
		return lineTold
	}
	if submitting(job.SubmitFile) {
		return lineRuns
	}
	return lineUnclear
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
