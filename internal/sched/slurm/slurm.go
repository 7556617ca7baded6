// Package slurm asks Slurm about jobs through its own programs (squeue,
// sacct, scontrol, scancel) in their line formats, which are the same in all
// versions in use. It follows three rules, learned from recorded answers of a
// real cluster (testdata/recorded): squeue is right at once and accounting
// late; a final state of accounting counts only if squeue does not contradict
// it; an array is final only when the expected number of its tasks is. It
// knows nothing of datasets, and starts programs only through its Runner.
package slurm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// Runner starts a program and waits for it. env is added to the caller's
// environment as KEY=VALUE. exit is the program's exit code; err is for a
// program that could not be started or was ended by ctx.
type Runner func(ctx context.Context, name string, args, env []string) (stdout, stderr []byte, exit int, err error)

// Slurm is the sched.Scheduler for clusters. It holds no state.
type Slurm struct {
	run      Runner
	now      func() time.Time
	patience time.Duration // with one program
}

// patience bounds how long one of Slurm's programs may take. They give up by
// themselves, after 20 s by default, unless something below them hangs.
const patience = 2 * time.Minute

// New returns a Scheduler that starts Slurm's programs with run.
func New(run Runner) *Slurm { return &Slurm{run: run, now: time.Now, patience: patience} }

// Name is "slurm".
func (*Slurm) Name() string { return "slurm" }

// Environ is empty: Slurm's programs find what they need.
func (*Slurm) Environ() []string { return nil }

// ParseSubmission reads the output of sbatch, plain or --parsable.
func (*Slurm) ParseSubmission(output []byte) (id, cluster string, ok bool) {
	return sched.ParseSubmission(output)
}

// Cancel runs scancel, which is silent about jobs that have ended.
func (s *Slurm) Cancel(ctx context.Context, ids []string) error {
	for cluster, plain := range byCluster(ids) {
		for _, batch := range batches(plain) {
			if _, err := s.output(ctx, "scancel", append(onCluster(cluster), batch...), nil); err != nil && !isUnknownJob(err) {
				return fmt.Errorf("cancel jobs: %w", err)
			}
		}
	}
	return nil
}

// programError is the failure of a program of Slurm.
type programError struct {
	name   string
	stderr string
	exit   int
}

func (e *programError) Error() string {
	if e.stderr == "" {
		return fmt.Sprintf("%s: exit code %d", e.name, e.exit)
	}
	return fmt.Sprintf("%s: %s", e.name, e.stderr)
}

// output runs a program and returns what it wrote to standard output.
// SLURM_BITSTR_LEN=0 keeps lists of array tasks whole.
func (s *Slurm) output(ctx context.Context, name string, args, env []string) ([]byte, error) {
	bounded, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	stdout, stderr, exit, err := s.run(bounded, name, args, append([]string{"SLURM_BITSTR_LEN=0"}, env...))
	if bounded.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%s gave no answer within %v", name, s.patience)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if exit != 0 {
		return stdout, &programError{name, firstLine(stderr), exit}
	}
	return stdout, nil
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line[:min(len(line), 500)]
}

func failedWith(err error, text string) bool {
	var p *programError
	return errors.As(err, &p) && strings.Contains(p.stderr, text)
}

// isUnknownJob holds for squeue and scontrol asked about exactly one job
// that the controller does not know (any more).
func isUnknownJob(err error) bool { return failedWith(err, "Invalid job id specified") }

// isAccountingOff holds for a cluster without accounting database.
func isAccountingOff(err error) bool {
	return failedWith(err, "accounting storage is disabled") || errors.Is(err, exec.ErrNotFound)
}

// maxArgument keeps a list of ids well below the 128 KiB that Linux takes in
// one argument.
const maxArgument = 100 << 10

// batches splits ids into groups whose comma-joined length fits an argument.
func batches(ids []string) (groups [][]string) {
	size, start := 0, 0
	for i, id := range ids {
		if size+len(id)+1 > maxArgument {
			groups = append(groups, ids[start:i])
			size, start = 0, i
		}
		size += len(id) + 1
	}
	if start < len(ids) {
		groups = append(groups, ids[start:])
	}
	return groups
}

// byCluster sorts ids of the form "12" and "12;cluster" by cluster.
func byCluster(ids []string) map[string][]string {
	groups := map[string][]string{}
	for _, id := range ids {
		plain, cluster, _ := strings.Cut(id, ";")
		groups[cluster] = append(groups[cluster], plain)
	}
	return groups
}

func onCluster(cluster string) []string {
	if cluster == "" {
		return nil
	}
	return []string{"-M", cluster}
}
