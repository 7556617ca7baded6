package slurm

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// sep separates columns in which anything else may occur.
const sep = "\x1f"

// Candidates asks squeue, which knows held and fresh jobs, and sacct, which
// knows those that the controller has forgotten. Without accounting squeue's
// answer has to do.
func (s *Slurm) Candidates(ctx context.Context, since time.Time) ([]sched.Candidate, error) {
	user := strconv.Itoa(os.Getuid())
	out, err := s.output(ctx, "squeue", []string{"-h", "-a", "-t", "all", "-u", user, "-o", "%F" + sep + "%V" + sep + sep + "%Z" + sep + "%j"}, []string{"SLURM_TIME_FORMAT=%s"})
	if err != nil {
		return nil, fmt.Errorf("list own jobs: %w", err)
	}
	acct, err := s.output(ctx, "sacct", []string{"-X", "-P", "-n", "-S", since.Local().Format("2006-01-02T15:04:05"), "-u", user,
		"--delimiter=" + sep, "-o", "JobID,Submit,Cluster,WorkDir,JobName"}, []string{"SLURM_TIME_FORMAT=%s"})
	if err == nil {
		out = append(out, acct...)
	}
	return parseCandidates(string(out), since), ctx.Err()
}

// parseCandidates reads lines of id, time of submission, cluster, folder and
// name; the tasks of an array are one job.
func parseCandidates(text string, since time.Time) []sched.Candidate {
	found := map[string]sched.Candidate{}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), sep, 5)
		id, ok := parseID(f[0])
		if len(f) < 5 || !ok {
			continue
		}
		c := sched.Candidate{ID: id.base, Submitted: parseTime(f[1]), Cluster: f[2], WorkDir: f[3], Name: f[4]}
		if old, ok := found[c.ID]; ok {
			c.Cluster = cmp.Or(c.Cluster, old.Cluster)
			c.WorkDir = cmp.Or(c.WorkDir, old.WorkDir)
		}
		if !c.Submitted.Before(since.Truncate(time.Second)) {
			found[c.ID] = c
		}
	}
	list := make([]sched.Candidate, 0, len(found))
	for _, c := range found {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b sched.Candidate) int { return a.Submitted.Compare(b.Submitted) })
	return list
}
