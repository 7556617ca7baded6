package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// Claim is one path that an open job will write.
type Claim struct {
	WorkTree, Path string
	Job            int64
}

// ConflictError says that a path is, contains or lies in what another open job
// of the same work tree will write.
type ConflictError struct {
	Path      string // the path asked for
	OtherPath string // the path claimed
	Other     Job
}

func (e *ConflictError) Error() string {
	id := e.Other.JobID
	if id == "" {
		id = fmt.Sprintf("#%d, being submitted", e.Other.ID)
	}
	if e.Path == e.OtherPath {
		return fmt.Sprintf("output %s is already claimed by job %s", e.Path, id)
	}
	return fmt.Sprintf("output %s conflicts with %s, claimed by job %s", e.Path, e.OtherPath, id)
}

// Claim stores a new job with its claims and returns its row id, which it also
// sets in job, like CreatedAt if that is zero. Unless force is set, the error
// is a *ConflictError if a claim of a job that is not closed, in the same work
// tree, is equal to, above or below one of the new claims; then nothing is
// stored. The cost depends on the depth of the paths, not on the open jobs.
func (l *Ledger) Claim(ctx context.Context, job *Job, force bool) (int64, error) {
	err := l.Update(ctx, func(tx *Tx) error { return tx.Claim(job, force) })
	return job.ID, err
}

// Claim is Ledger.Claim inside a transaction.
func (tx *Tx) Claim(job *Job, force bool) error {
	if job.CreatedAt.IsZero() {
		job.CreatedAt = time.Now().UTC()
	}
	if err := job.check(); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	if !force && job.State != StateClosed {
		for _, p := range job.Claims {
			if err := tx.conflict(job.WorkTree, p); err != nil {
				return err
			}
		}
	}
	if err := tx.insert(job); err != nil {
		return err
	}
	return tx.addClaims(job)
}

// conflict returns a *ConflictError if p overlaps with a claim.
func (tx *Tx) conflict(worktree, p string) error {
	c, err := tx.firstOverlap(worktree, p)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	other, err := tx.Get(c.Job)
	if err != nil {
		return err
	}
	return &ConflictError{Path: p, OtherPath: c.Path, Other: other}
}

const (
	claimEqual = `SELECT path, job FROM claims WHERE worktree = ? AND path = ? LIMIT 1`
	// '0' follows '/' in ASCII, so this is all that lies below a folder.
	claimBelow = `SELECT path, job FROM claims WHERE worktree = ?1 AND path >= ?2 || '/' AND path < ?2 || '0' LIMIT 1`
	claimAny   = `SELECT path, job FROM claims WHERE worktree = ? LIMIT 1`
)

// firstOverlap finds one claim that is equal to, above or below p.
func (tx *Tx) firstOverlap(worktree, p string) (Claim, error) {
	c := Claim{WorkTree: worktree}
	dest := []any{&c.Path, &c.Job}
	if p == "." {
		return c, tx.one(dest, claimAny, worktree)
	}
	for _, up := range upward(p) {
		if err := tx.one(dest, claimEqual, worktree, up); !errors.Is(err, ErrNotFound) {
			return c, err
		}
	}
	return c, tx.one(dest, claimBelow, worktree, p)
}

// upward lists p, its parents, and ".".
func upward(p string) []string {
	list := []string{p}
	for {
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return append(list, ".")
		}
		p = p[:i]
		list = append(list, p)
	}
}

func (tx *Tx) addClaims(job *Job) error {
	if job.State == StateClosed {
		return nil
	}
	for _, p := range job.Claims {
		if err := tx.exec("INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", job.WorkTree, p, job.ID); err != nil {
			return err
		}
	}
	return nil
}

// Overlapping returns every claim in the work tree that is equal to, above or
// below the path: the jobs that will produce an input, or touch a file.
func (l *Ledger) Overlapping(ctx context.Context, worktree, path string) (list []Claim, err error) {
	err = l.view(ctx, func(tx *Tx) error {
		list, err = tx.Overlapping(worktree, path)
		return err
	})
	return list, err
}

// Overlapping is Ledger.Overlapping inside a transaction.
func (tx *Tx) Overlapping(worktree, path string) ([]Claim, error) {
	if err := checkClaim(path); err != nil {
		return nil, err
	}
	var list []Claim
	collect := func(rows *sql.Rows) error {
		c := Claim{WorkTree: worktree}
		list = append(list, c)
		return rows.Scan(&list[len(list)-1].Path, &list[len(list)-1].Job)
	}
	all := func(query string) string { return strings.TrimSuffix(query, " LIMIT 1") }
	if path == "." {
		return list, tx.each(collect, all(claimAny), worktree)
	}
	for _, up := range upward(path) {
		if err := tx.each(collect, all(claimEqual), worktree, up); err != nil {
			return nil, err
		}
	}
	err := tx.each(collect, all(claimBelow), worktree, path)
	return list, err
}

// Claimed yields all claims of jobs that are not closed, sorted by path; of
// one work tree, or of all if worktree is "". Other methods may be called
// meanwhile. An error ends the sequence.
func (l *Ledger) Claimed(ctx context.Context, worktree string) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		last := Claim{WorkTree: worktree, Job: -1}
		for {
			page, err := l.claimPage(ctx, last, worktree != "")
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
			if err != nil {
				yield(Claim{}, err)
				return
			}
			if len(page) < pageSize {
				return
			}
			last = page[len(page)-1]
		}
	}
}

func (l *Ledger) claimPage(ctx context.Context, after Claim, oneTree bool) (page []Claim, err error) {
	query := `SELECT worktree, path, job FROM claims WHERE (worktree, path, job) > (?, ?, ?)
		ORDER BY worktree, path, job LIMIT ?`
	if oneTree {
		query = strings.Replace(query, "ORDER", "AND worktree = ?1 ORDER", 1)
	}
	err = l.view(ctx, func(tx *Tx) error {
		return tx.each(func(rows *sql.Rows) error {
			var c Claim
			err := rows.Scan(&c.WorkTree, &c.Path, &c.Job)
			page = append(page, c)
			return err
		}, query, after.WorkTree, after.Path, after.Job, pageSize)
	})
	return page, err
}
