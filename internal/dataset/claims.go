package dataset

import (
	"context"
	"fmt"
	"log/slog"
	"sort"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/ledger"
)

// Claim is a path that an open job will write.
type Claim struct {
	Path string
	Job  string // the scheduler's id, or "#ROW" while it is being submitted
}

// Claims are all claims of open jobs in this work tree.
type Claims []Claim

// Claims reads them from the ledger, and from those of the datasets that this
// one lies in.
func (d *Dataset) Claims(ctx context.Context) (Claims, error) {
	claims, err := d.ownClaims(ctx)
	if err != nil {
		return nil, err
	}
	err = d.Above(ctx, func(super *Dataset, rel string) error {
		list, err := super.ownClaims(ctx)
		for _, c := range list {
			// A job that writes a folder above a subdataset writes beside it.
			if underAny(c.Path, []string{rel}) {
				claims = append(claims, Claim{relTo(rel, c.Path), c.Job})
			}
		}
		return err
	})
	return claims, err
}

func (d *Dataset) ownClaims(ctx context.Context) (Claims, error) {
	dir := commit.StateDir(d.Repo)
	if !ledger.HasOpen(dir) {
		return nil, nil
	}
	lease, err := d.Publisher().Lock(ctx, "read claims")
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	l, err := ledger.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	var claims Claims
	top, err := d.RealPath() // as the ledger names it
	if err != nil {
		return nil, err
	}
	for c, err := range l.Claimed(ctx, top) {
		if err != nil {
			return nil, err
		}
		name, err := jobName(ctx, l, c.Job)
		if err != nil {
			return nil, err
		}
		claims = append(claims, Claim{c.Path, name})
	}
	return claims, nil
}

func jobName(ctx context.Context, l *ledger.Ledger, row int64) (string, error) {
	job, err := l.Get(ctx, row)
	if err != nil || job.JobID != "" {
		return job.JobID, err
	}
	return fmt.Sprintf("#%d", row), nil
}

// refuse returns an error if a job will write the path itself or a folder
// that holds it.
func (cs Claims) refuse(rel string) error {
	for _, c := range cs {
		if underAny(rel, []string{c.Path}) {
			return errs.WithHint(fmt.Errorf("%s is an output of the open job %s", rel, c.Job), "finish that job first: stemma finish %s", c.Job)
		}
	}
	return nil
}

// passOver lists the claimed paths, and says that they are left alone.
func (cs Claims) passOver(log *slog.Logger) []string {
	if len(cs) == 0 {
		return nil
	}
	paths := make([]string, len(cs))
	jobs := map[string]bool{}
	for i, c := range cs {
		paths[i] = c.Path
		jobs[c.Job] = true
	}
	sort.Strings(paths)
	log.Info(fmt.Sprintf("passing over %d path(s) that %d open job(s) will write (see `stemma jobs`)", len(paths), len(jobs)))
	return paths
}
