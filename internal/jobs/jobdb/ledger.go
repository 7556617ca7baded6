// Package jobdb opens the ledger of a dataset as it must be opened, under the
// lease, finds jobs in it, closes those that were committed, and makes it again
// from what lies beside it when it is damaged. It never waits for anything while
// the lease is held.
package jobdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/ledger"
)

// Publisher returns the dataset's commit path, made to close jobs even where
// the dataset was opened by somebody who knows nothing of them.
func Publisher(d *dataset.Dataset) *commit.Publisher {
	p := d.Publisher()
	if p.Closer == nil {
		p.Closer = func(ctx context.Context, done map[int64]gitobj.OID) error { return CloseCommitted(ctx, d, done) }
	}
	return p
}

// CloseCommitted settles jobs and tasks whose commits were published. It is the
// dataset.Env's Closer: it runs under the lease, perhaps a second time for the
// same jobs.
func CloseCommitted(ctx context.Context, d *dataset.Dataset, done map[int64]gitobj.OID) error {
	l, err := Open(ctx, d)
	if err != nil {
		return fmt.Errorf("close jobs: %w", err)
	}
	defer l.Close()
	closings := make([]ledger.Closing, 0, len(done))
	files := make([]string, 0, len(done))
	tasks := map[int64]map[string]jobrec.TaskEnd{}
	for id, oid := range done {
		if row, task := jobrec.SplitTag(id); task != "" {
			if tasks[row] == nil {
				tasks[row] = map[string]jobrec.TaskEnd{}
			}
			tasks[row][task] = jobrec.TaskEnd{Outcome: ledger.Committed, Commit: oid}
			continue
		}
		job, err := l.Get(ctx, id)
		if errors.Is(err, ledger.ErrNotFound) {
			continue // the ledger was rebuilt meanwhile; the commit stands
		}
		if err != nil {
			return fmt.Errorf("close jobs: %w", err)
		}
		files = append(files, job.SubmitFile)
		if job.State != ledger.StateClosed {
			closings = append(closings, ledger.Closing{ID: id, Outcome: ledger.Committed, Commit: oid})
		}
	}
	if err := l.Finish(ctx, closings...); err != nil {
		return fmt.Errorf("close jobs: %w", err)
	}
	dropCopies(files)
	if err := EndTasks(ctx, l, tasks); err != nil {
		return fmt.Errorf("close jobs: %w", err)
	}
	return nil
}

// dropCopies is ledger.DropCopy for many, some at once: on a parallel file system
// each removal waits.
func dropCopies(submitFiles []string) {
	var g errgroup.Group
	g.SetLimit(32)
	for _, file := range submitFiles {
		g.Go(func() error { ledger.DropCopy(&ledger.Job{SubmitFile: file}); return nil })
	}
	_ = g.Wait()
}

// EndTasks settles tasks of arrays, perhaps a second time; by the ledger's rows.
func EndTasks(ctx context.Context, l *ledger.Ledger, tasks map[int64]map[string]jobrec.TaskEnd) error {
	if len(tasks) == 0 {
		return nil
	}
	return l.Update(ctx, func(tx *ledger.Tx) error {
		for row, ends := range tasks {
			job, err := tx.Get(row)
			if errors.Is(err, ledger.ErrNotFound) || err == nil && job.State != ledger.StateOpen {
				continue
			}
			if err != nil {
				return err
			}
			err = tx.Transition(row, ledger.StateOpen, func(j *ledger.Job) {
				jobrec.SettleTasks(j, ends)
				job = *j
			})
			if err != nil {
				return err
			}
			if job.State == ledger.StateClosed {
				ledger.DropCopy(&job)
			}
		}
		return nil
	})
}

// With runs fn with the ledger open, under the lease. fn must not wait
// for anything.
func With(ctx context.Context, d *dataset.Dataset, purpose string, fn func(*ledger.Ledger) error) (err error) {
	opening := ledger.Begin(commit.StateDir(d.Repo))
	lease, err := Publisher(d).Lock(ctx, purpose)
	if err != nil {
		opening.Drop()
		return err
	}
	defer func() {
		if rerr := lease.Release(); err == nil {
			err = rerr
		}
	}()
	l, err := open(ctx, d, opening)
	if err != nil {
		return err
	}
	l.Guard(lease.Check)
	return errors.Join(fn(l), l.Close())
}

// Open opens the ledger. A damaged one is put aside and made again from
// the copies that lie beside the submission files.
func Open(ctx context.Context, d *dataset.Dataset) (*ledger.Ledger, error) {
	return open(ctx, d, ledger.Begin(commit.StateDir(d.Repo)))
}

func open(ctx context.Context, d *dataset.Dataset, opening *ledger.Opening) (*ledger.Ledger, error) {
	dir := commit.StateDir(d.Repo)
	l, err := opening.Finish(ctx)
	var damaged *ledger.DamagedError
	if !errors.As(err, &damaged) {
		return l, err
	}
	l, aside, rerr := ledger.Rebuild(ctx, dir)
	if rerr != nil {
		return nil, errors.Join(err, rerr)
	}
	n, rerr := restore(ctx, d, l)
	if rerr != nil {
		return nil, errors.Join(err, rerr, l.Close())
	}
	d.Env.Log.Warn(fmt.Sprintf("the ledger was damaged (%v); it was moved to %s and rebuilt with %d open job(s); "+
		"jobs that are missing can be taken up with `stemma jobs adopt ID`", damaged.Err, aside, n))
	return l, nil
}

// Exists reports whether any job was ever scheduled here.
func Exists(d *dataset.Dataset) bool {
	_, err := os.Lstat(filepath.Join(commit.StateDir(d.Repo), ledger.FileName))
	return err == nil
}

// restore takes jobs into an empty ledger from their copies, in their order.
func restore(ctx context.Context, d *dataset.Dataset, l *ledger.Ledger) (int, error) {
	files, err := ledger.Copies(SubmitDir(d))
	if err != nil {
		return 0, err
	}
	var list []ledger.Job
	for _, file := range files {
		if job, ok := readCopy(file); ok {
			list = append(list, job)
		}
	}
	slices.SortStableFunc(list, func(a, b ledger.Job) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for n := range list {
		if _, err := l.Claim(ctx, &list[n], true); err != nil {
			return n, fmt.Errorf("restore job %s: %w", jobrec.Label(&list[n]), err)
		}
	}
	return len(list), nil
}

// readCopy reads the copy of a job that is not closed.
func readCopy(file string) (job ledger.Job, ok bool) {
	job, ok = ledger.ReadCopy(file)
	if ok && job.State == ledger.StateOpen {
		if job.Extra == nil {
			job.Extra = map[string]json.RawMessage{}
		}
		job.Extra[MarkKey] = json.RawMessage("{}") // perhaps it was committed since
	}
	return job, ok
}

// MarkKey is where the ledger keeps which process commits a job right now; any
// value says that the job may have been committed.
const MarkKey = "finishing"

// SubmitDir holds what submissions write. The files outlive this process, so
// that a job id is never lost.
func SubmitDir(d *dataset.Dataset) string { return filepath.Join(commit.StateDir(d.Repo), "submit") }
