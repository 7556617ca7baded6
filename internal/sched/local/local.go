// Package local is an embedded batch scheduler for one machine: it takes the
// same sbatch lines as Slurm, so that everything can be learned and tested
// without a cluster. Jobs run detached, a few at a time; their state is in
// plain files. It is a stand-in for one machine and never pretends to be more:
// there are no partitions, no accounts and no resource limits but time. It
// knows nothing of datasets.
//
// State folder:
//
//	lock               held while jobs are submitted, started or cancelled
//	bin/               sbatch, squeue, scancel: links to the stemma binary
//	open/ID            a job that is not over
//	jobs/ID/           job.json env.json script: as submitted, never changed but by release
//	jobs/ID/task*.json what became of the job, or of a task of an array; none: pending
//	jobs/ID/alive*     locked (flock) by the supervisor as long as it lives
//	jobs/ID/cancel*    somebody asked to cancel
//
// Every file is replaced as a whole and durably.
package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/sched"
)

// Variables that tell the binary, called by the name of a shim, which
// scheduler it is.
const (
	EnvDir   = "STEMMA_LOCAL_DIR"
	EnvSlots = "STEMMA_LOCAL_SLOTS"
)

// SupervisorName is the argv[0] under which the binary must call Supervise
// with its two arguments.
const SupervisorName = "stemma-supervisor"

// Scheduler is the sched.Scheduler of one machine.
type Scheduler struct {
	dir   string
	self  string
	slots int
	path  string
	host  string
	boot  string
	now   func() time.Time
}

// New returns the scheduler that keeps its state in dir (created on demand)
// and runs at most slots tasks at a time (at least one). self is the absolute
// path of the binary that plays sbatch and the supervisors; path is the PATH
// that submission commands get behind the shims.
func New(dir, self string, slots int, path string) *Scheduler {
	return &Scheduler{dir: dir, self: self, slots: max(1, slots), path: path, host: hostName(), boot: bootID(), now: time.Now}
}

// Name is "local".
func (*Scheduler) Name() string { return "local" }

// Environ puts the shims first on PATH. The shims are made when they are
// missing; if that fails, the shell finds no sbatch and says so.
func (s *Scheduler) Environ() []string {
	_ = s.makeShims()
	return []string{"PATH=" + s.shimDir() + string(os.PathListSeparator) + s.path, EnvDir + "=" + s.dir, EnvSlots + "=" + strconv.Itoa(s.slots)}
}

// ParseSubmission reads the output of sbatch, plain or --parsable.
func (*Scheduler) ParseSubmission(output []byte) (id, cluster string, ok bool) {
	return sched.ParseSubmission(output)
}

// Call is how a program was called: what a main function has at hand.
type Call struct {
	Args           []string // without the program's name
	Env            []string
	Dir            string // working directory, absolute
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Shim plays the program of Slurm by which the binary was called and returns
// its exit code. ok is false if name is none of them.
func (s *Scheduler) Shim(ctx context.Context, name string, c Call) (exit int, ok bool) {
	switch name {
	case "sbatch":
		return s.Sbatch(ctx, c), true
	case "squeue":
		return s.Squeue(ctx, c), true
	case "scancel":
		return s.Scancel(ctx, c), true
	}
	return 0, false
}

func (s *Scheduler) shimDir() string { return filepath.Join(s.dir, "bin") }

// makeShims links the names of Slurm's programs to the binary.
func (s *Scheduler) makeShims() error {
	for _, sub := range []string{"bin", "jobs", "open"} {
		if err := os.MkdirAll(filepath.Join(s.dir, sub), 0o700); err != nil {
			return fmt.Errorf("prepare local scheduler: %w", err)
		}
	}
	if s.self == "" {
		return nil // a supervisor, which needs none
	}
	for _, name := range []string{"sbatch", "squeue", "scancel"} {
		link := filepath.Join(s.shimDir(), name)
		if target, err := os.Readlink(link); err == nil && target == s.self {
			continue
		}
		if err := fsx.ReplaceWithSymlink(link, s.self); err != nil {
			return fmt.Errorf("prepare local scheduler: %w", err)
		}
	}
	return nil
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	for i := range name {
		if name[i] == '.' {
			return name[:i]
		}
	}
	return name
}
