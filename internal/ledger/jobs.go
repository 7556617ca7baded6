package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// pageSize is how many rows an iterator reads at once.
const pageSize = 256

const jobColumns = "id, state, record"

// StateError says that a job is in another state than the caller expected:
// somebody else was quicker.
type StateError struct {
	ID         int64
	Want, Have State
}

func (e *StateError) Error() string {
	return fmt.Sprintf("job #%d is %s, not %s", e.ID, e.Have, e.Want)
}

func (tx *Tx) insert(job *Job) error {
	record, err := job.encode()
	if err != nil {
		return err
	}
	return tx.one([]any{&job.ID}, `INSERT INTO jobs (state, job_id, worktree, closed, record)
		VALUES (?, ?, ?, ?, ?) RETURNING id`, string(job.State), job.JobID, job.WorkTree, closedColumn(job), record)
}

func closedColumn(job *Job) any {
	if job.State != StateClosed {
		return nil
	}
	return job.ClosedAt.UnixNano()
}

// Get returns the job with the row id; the error is ErrNotFound if there is none.
func (l *Ledger) Get(ctx context.Context, id int64) (job Job, err error) {
	err = l.view(ctx, func(tx *Tx) error {
		job, err = tx.Get(id)
		return err
	})
	return job, err
}

// Get is Ledger.Get inside a transaction.
func (tx *Tx) Get(id int64) (Job, error) {
	job, err := tx.oneJob("WHERE id = ?", id)
	if err != nil {
		return job, fmt.Errorf("job #%d: %w", id, err)
	}
	return job, nil
}

// ByJobID returns the job with the scheduler's id. Schedulers reuse their ids:
// a job that is not closed goes before closed ones, a younger one before older.
func (l *Ledger) ByJobID(ctx context.Context, jobID string) (job Job, err error) {
	err = l.view(ctx, func(tx *Tx) error {
		job, err = tx.oneJob("WHERE job_id = ? AND job_id <> '' ORDER BY state = 'closed', id DESC LIMIT 1", jobID)
		return err
	})
	if err != nil {
		return job, fmt.Errorf("job %s: %w", jobID, err)
	}
	return job, nil
}

// WithJobID returns all jobs that are not closed with the scheduler's id, oldest
// first: two schedulers may give out the same.
func (l *Ledger) WithJobID(ctx context.Context, jobID string) (list []Job, err error) {
	err = l.view(ctx, func(tx *Tx) error {
		return tx.each(func(rows *sql.Rows) error {
			var id int64
			var state, record string
			if err := rows.Scan(&id, &state, &record); err != nil {
				return err
			}
			job, err := tx.makeJob(id, state, record)
			list = append(list, job)
			return err
		}, "SELECT "+jobColumns+" FROM jobs WHERE job_id = ? AND job_id <> '' AND state <> 'closed' ORDER BY id", jobID)
	})
	return list, err
}

func (tx *Tx) oneJob(where string, args ...any) (Job, error) {
	var id int64
	var state, record string
	if err := tx.one([]any{&id, &state, &record}, "SELECT "+jobColumns+" FROM jobs "+where, args...); err != nil {
		return Job{}, err
	}
	return tx.makeJob(id, state, record)
}

func (tx *Tx) makeJob(id int64, state, record string) (Job, error) {
	var job Job
	if err := job.decode(record); err != nil {
		return Job{}, &DamagedError{tx.l.path, fmt.Errorf("record of job #%d: %w", id, err)}
	}
	job.ID, job.State = id, State(state)
	return job, nil
}

// Filter chooses jobs. The zero value chooses those that are not closed.
type Filter struct {
	Closed, All bool   // only closed ones; all of them
	WorkTree    string // "" for any
}

func (f Filter) where() (string, []any) {
	where := "state <> 'closed'"
	switch {
	case f.All:
		where = "1"
	case f.Closed:
		where = "state = 'closed'"
	}
	if f.WorkTree == "" {
		return where, nil
	}
	return where + " AND worktree = ?", []any{f.WorkTree}
}

// Jobs yields the chosen jobs in the order in which they were scheduled. Other
// methods may be called meanwhile, also on the job just yielded. An error ends
// the sequence.
func (l *Ledger) Jobs(ctx context.Context, f Filter) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		for last := int64(0); ; {
			page, err := l.jobPage(ctx, f, last)
			for _, job := range page {
				if !yield(job, nil) {
					return
				}
				last = job.ID
			}
			if err != nil {
				yield(Job{}, err)
				return
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

func (l *Ledger) jobPage(ctx context.Context, f Filter, after int64) (page []Job, err error) {
	where, args := f.where()
	query := fmt.Sprintf("SELECT %s FROM jobs WHERE %s AND id > ? ORDER BY id LIMIT ?", jobColumns, where)
	err = l.view(ctx, func(tx *Tx) error {
		page, err = tx.jobList(query, append(args, after, pageSize)...)
		return err
	})
	return page, err
}

// jobList reads the jobs that a query of jobColumns finds.
func (tx *Tx) jobList(query string, args ...any) ([]Job, error) {
	type raw struct {
		id            int64
		state, record string
	}
	var found []raw
	err := tx.each(func(rows *sql.Rows) error {
		var r raw
		err := rows.Scan(&r.id, &r.state, &r.record)
		found = append(found, r)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	// Most of the time goes into JSON, of which ten thousand jobs have much.
	jobs := make([]Job, len(found))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for start := 0; start < len(found); start += decodeAtOnce {
		g.Go(func() error {
			for i := start; i < min(start+decodeAtOnce, len(found)); i++ {
				job, err := tx.makeJob(found[i].id, found[i].state, found[i].record)
				if err != nil {
					return err
				}
				jobs[i] = job
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return jobs, nil
}

// decodeAtOnce is how many records one goroutine decodes.
const decodeAtOnce = 64

// Transition changes a job that is in the state from, in one step: change gets
// the job and sets its new state and whatever else is new. The error is a
// *StateError if the job is in another state. A closed job stays closed. Claims
// that change adds are taken without looking for conflicts; those of a job that
// gets closed are given back. ClosedAt is set if change leaves it zero.
func (l *Ledger) Transition(ctx context.Context, id int64, from State, change func(*Job)) error {
	return l.Update(ctx, func(tx *Tx) error { return tx.Transition(id, from, change) })
}

// Transition is Ledger.Transition inside a transaction.
func (tx *Tx) Transition(id int64, from State, change func(*Job)) error {
	job, err := tx.Get(id)
	if err != nil {
		return err
	}
	if job.State != from {
		return &StateError{ID: id, Want: from, Have: job.State}
	}
	claims, worktree := job.Claims, job.WorkTree
	change(&job)
	job.ID = id
	if from == StateClosed && job.State != StateClosed {
		return fmt.Errorf("change job #%d: a closed job is not opened again", id)
	}
	if job.State == StateClosed && job.ClosedAt.IsZero() {
		job.ClosedAt = time.Now().UTC()
	}
	if err := job.check(); err != nil {
		return fmt.Errorf("change job #%d: %w", id, err)
	}
	if err := tx.store(&job); err != nil || from == StateClosed {
		return err
	}
	if job.State != StateClosed && job.WorkTree == worktree && slices.Equal(claims, job.Claims) {
		return nil
	}
	if err := tx.exec("DELETE FROM claims WHERE job = ?", id); err != nil {
		return err
	}
	return tx.addClaims(&job)
}

func (tx *Tx) store(job *Job) error {
	record, err := job.encode()
	if err != nil {
		return err
	}
	return tx.exec("UPDATE jobs SET state = ?, job_id = ?, worktree = ?, closed = ?, record = ? WHERE id = ?",
		string(job.State), job.JobID, job.WorkTree, closedColumn(job), record, job.ID)
}
