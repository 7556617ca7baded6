package slurm

import (
	"context"
	"strings"

	"github.com/stemma-data/stemma/internal/sched"
)

// maxDetails bounds how many ended jobs one round asks scontrol about, where
// no accounting tells their exit codes.
const maxDetails = 200

// answers is what Slurm's programs said in one round.
type answers struct {
	live    records
	acct    records
	acctErr error
}

// Query asks squeue, and then sacct, once each for all jobs of a cluster.
func (s *Slurm) Query(ctx context.Context, jobs []sched.Query) (map[string]sched.Status, error) {
	result := make(map[string]sched.Status, len(jobs))
	clusters := map[string][]sched.Query{}
	for _, q := range jobs {
		plain, cluster, _ := strings.Cut(q.ID, ";")
		if !isNumber(plain) {
			result[q.ID] = unknown(q.ID, "this is not a job id of Slurm")
			continue
		}
		clusters[cluster] = append(clusters[cluster], q)
	}
	for cluster, group := range clusters {
		s.round(ctx, cluster, group, result)
	}
	return result, ctx.Err()
}

// round settles all jobs of one cluster.
func (s *Slurm) round(ctx context.Context, cluster string, jobs []sched.Query, result map[string]sched.Status) {
	ids := make([]string, len(jobs))
	for i, q := range jobs {
		ids[i] = plainID(q.ID)
	}
	a := answers{}
	var err error
	if a.live, err = s.queue(ctx, cluster, ids); err != nil {
		for _, q := range jobs {
			result[q.ID] = unknown(q.ID, "Slurm does not answer, ask again later: "+err.Error())
		}
		return
	}
	a.acct, a.acctErr = s.accounting(ctx, cluster, ids)
	if isAccountingOff(a.acctErr) {
		s.addDetails(ctx, cluster, a.live)
	}
	others := s.findReused(ctx, cluster, jobs, a)
	now := s.now()
	for _, q := range jobs {
		if r := others[plainID(q.ID)]; r != nil {
			result[q.ID] = a.judgeReused(q, r, now)
		} else {
			result[q.ID] = a.judge(q, now)
		}
	}
}

func plainID(id string) string {
	plain, _, _ := strings.Cut(id, ";")
	return plain
}

func unknown(id, note string) sched.Status {
	return sched.Status{ID: id, State: sched.Unknown, Text: string(sched.Unknown), Note: note}
}

// queueFormat has what parseQueue reads: id, own id, state, reason, and when it
// was submitted.
const queueFormat = "%i|%A|%T|%r|%V"

// queue runs squeue, which fails for exactly one unknown id and is silent
// about unknown ones in a list.
func (s *Slurm) queue(ctx context.Context, cluster string, ids []string) (records, error) {
	all := records{}
	for _, batch := range batches(ids) {
		args := append(onCluster(cluster), "-h", "-a", "-t", "all", "-r", "-j", strings.Join(batch, ","), "-o", queueFormat)
		out, err := s.output(ctx, "squeue", args, []string{"SLURM_TIME_FORMAT=%s"})
		if err != nil && !isUnknownJob(err) {
			return nil, err
		}
		all.merge(parseQueue(out))
	}
	return all, nil
}

// accounting runs sacct with the steps, because only they have MaxRSS.
func (s *Slurm) accounting(ctx context.Context, cluster string, ids []string) (records, error) {
	all := records{}
	for _, batch := range batches(ids) {
		args := append(onCluster(cluster), "-P", "-n", "-j", strings.Join(batch, ","), "-o", sacctFields)
		out, err := s.output(ctx, "sacct", args, []string{"SLURM_TIME_FORMAT=%s"})
		if err != nil {
			return nil, err
		}
		all.merge(parseAccounting(out))
	}
	return all, nil
}

func (r records) merge(more records) {
	for base, tasks := range more {
		r[base] = tasks
	}
}

// addDetails completes ended jobs from the controller's memory.
func (s *Slurm) addDetails(ctx context.Context, cluster string, live records) {
	asked := 0
	for base, tasks := range live {
		if !anyEnded(tasks) || asked == maxDetails {
			continue
		}
		asked++
		shown, err := s.show(ctx, cluster, base)
		if err != nil {
			continue
		}
		for _, r := range shown {
			r.complete(tasks)
		}
	}
}

func anyEnded(tasks map[string]*record) bool {
	for _, t := range tasks {
		if t.State.Final() {
			return true
		}
	}
	return false
}
