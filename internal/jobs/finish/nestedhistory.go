package finish

import (
	"context"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/nested"
	"github.com/stemma-data/stemma/internal/runrec"
)

// propagated puts commits that are on an adjusted branch only in the form that
// the dataset above can record. That is rare: as a rule they are made so.
func propagated(ctx context.Context, l *nested.Level, made []gitobj.OID) error {
	if !adjusted.Is(l.Head.Branch()) {
		return nil
	}
	if err := l.Dataset.Propagate(ctx); err != nil {
		return err
	}
	tip, err := l.Dataset.RecordedHead(ctx)
	for i := range made {
		if made[i] == "" || err != nil {
			continue
		}
		var in bool
		if in, err = l.Dataset.Repo.IsAncestor(ctx, made[i], tip); err == nil && !in {
			made[i] = tip
		}
	}
	return err
}

// madeIn returns for each job the commit of a subdataset that holds its outputs:
// the one just made, or that of an earlier call, or what was checked out. They
// never go back.
func (f *finishing) madeIn(ctx context.Context, l *nested.Level, jobs []*over, made []gitobj.OID) ([]gitobj.OID, error) {
	if !slices.Contains(made, "") {
		return made, nil
	}
	history, err := historyOf(ctx, l)
	if err != nil {
		return nil, err
	}
	out := make([]gitobj.OID, len(made))
	at, place := l.Recorded, -1
	for i, o := range jobs {
		k := slices.IndexFunc(history, func(c logged) bool { return c.id == made[i] || made[i] == "" && c.records(o) })
		if k < 0 { // its outputs were there already
			k = slices.IndexFunc(history, func(c logged) bool { return c.id == l.Tip })
		}
		if k > place {
			at, place = history[k].id, k
		}
		out[i] = at
	}
	return out, nil
}

// logged is a commit with its message.
type logged struct {
	id      gitobj.OID
	message string
}

// historyOf lists what a subdataset has beyond the recorded commit, oldest first.
func historyOf(ctx context.Context, l *nested.Level) (list []logged, err error) {
	tip := "HEAD"
	if adjusted.Is(l.Head.Branch()) {
		id, err := l.Dataset.RecordedHead(ctx)
		if err != nil {
			return nil, err
		}
		tip = string(id)
	}
	out, err := l.Dataset.Repo.Output(ctx, "log", "-z", "--reverse", "--topo-order", "--format=%H%n%B", string(l.Recorded)+".."+tip, "--")
	if err != nil {
		return nil, err
	}
	for text := range strings.SplitSeq(string(out), "\x00") {
		if id, message, ok := strings.Cut(text, "\n"); ok {
			list = append(list, logged{gitobj.OID(id), message})
		}
	}
	return list, nil
}

// records reports whether a commit holds the record of a job.
func (c logged) records(o *over) bool {
	if !strings.HasPrefix(c.message, "["+string(runrec.SlurmKind)+"] Slurm job "+o.name()+":") {
		return false
	}
	m, err := runrec.Parse(c.message)
	if err != nil || m.Record == nil || m.Record.SlurmJobID != o.job.JobID || m.Record.Cmd != o.job.Cmd {
		return false
	}
	extra, _ := m.Record.Extra[jobrec.RecordKey].(map[string]any)
	return extra["base"] == string(o.job.BaseCommit)
}
