package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
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
// stored. Isolated jobs are in no conflict with each other. The cost depends on
// the depth of the paths, not on the open jobs.
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
			err := tx.conflict(job.WorkTree, p)
			if err == nil && job.Isolated == "" {
				err = tx.conflict(isolatedSpace+job.WorkTree, p)
			}
			if err != nil {
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

// claimAny finds all claims of a work tree.
const claimAny = "SELECT path, job FROM claims WHERE worktree = ?"

// overlapQuery finds what is equal to, above or below p: one look-up for p and
// each of its parents and one range for what lies below. '0' follows '/' in
// ASCII, so the range is all that starts with p and a slash.
func overlapQuery(worktree, p string) (string, []any) {
	if p == "." {
		return claimAny, []any{worktree}
	}
	// A plain ? takes the number after the greatest one so far.
	args := []any{worktree}
	for _, up := range upward(p) {
		args = append(args, up)
	}
	equal := claimAny + "1 AND path IN (?" + strings.Repeat(", ?", len(args)-2) + ")"
	return equal + " UNION ALL " + claimAny + "1 AND path > ? AND path < ?", append(args, p+"/", p+"0")
}

// firstOverlap finds one claim that is equal to, above or below p.
func (tx *Tx) firstOverlap(worktree, p string) (Claim, error) {
	c := Claim{WorkTree: worktree}
	query, args := overlapQuery(worktree, p)
	err := tx.one([]any{&c.Path, &c.Job}, query+" LIMIT 1", args...)
	return c, err
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
	space := job.WorkTree
	if job.Isolated != "" {
		space = isolatedSpace + job.WorkTree
		if err := tx.exec("INSERT OR IGNORE INTO claims VALUES (?, ?, ?)", wordsSpace+job.WorkTree, job.Words, job.ID); err != nil {
			return err
		}
	}
	return tx.addClaimsTo(space, job)
}

func (tx *Tx) addClaimsTo(space string, job *Job) error {
	for chunk := range slices.Chunk(job.Claims, 1000) {
		args := []any{space}
		for _, p := range chunk {
			args = append(args, p, job.ID)
		}
		rows := "(?1, ?, ?)" + strings.Repeat(", (?1, ?, ?)", len(chunk)-1)
		if err := tx.exec("INSERT OR IGNORE INTO claims VALUES "+rows, args...); err != nil {
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
	for _, space := range []string{"", isolatedSpace} {
		query, args := overlapQuery(space+worktree, path)
		err := tx.each(func(rows *sql.Rows) error {
			c := Claim{WorkTree: worktree}
			err := rows.Scan(&c.Path, &c.Job)
			list = append(list, c)
			return err
		}, query, args...)
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Claimed yields the paths that jobs that are not closed write in the work tree
// itself, sorted; of one work tree, or of all if worktree is "". Those of
// isolated jobs are among them only while these are brought back. Other methods
// may be called meanwhile. An error ends the sequence.
func (l *Ledger) Claimed(ctx context.Context, worktree string) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		last := Claim{WorkTree: worktree, Job: -1}
		if worktree == "" {
			last.WorkTree = "/" // see isolatedSpace
		}
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
	query := `SELECT worktree, path, job FROM claims WHERE (worktree, path, job) > (?, ?, ?) AND worktree < '0'
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
