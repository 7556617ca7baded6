package ledger

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// A claim costs the same number of statements with 10,000 open jobs as with
// none, and each statement is an index search, which touches one path of a tree.
func TestClaimCostIsConstant(t *testing.T) {
	l := openTest(t)
	claims := func(i int) *Job {
		p := fmt.Sprintf("study/%d/", i)
		return newJob(p+"a", p+"b/c", p+"d.txt", fmt.Sprintf("logs/%d.out", i))
	}
	steps := func(i int) int {
		before := l.steps
		mustClaim(t, l, claims(i))
		return l.steps - before
	}
	steps(0) // stores the open flag
	first := steps(1)
	err := l.Update(t.Context(), func(tx *Tx) error {
		for i := 2; i < 10_000; i++ {
			if err := tx.Claim(claims(i), false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if last := steps(10_000); last != first {
		t.Errorf("the first claim took %d statements, the last %d", first, last)
	}
	t.Logf("%d statements per claim of four paths", first)
}

func TestEveryStatementUsesAnIndex(t *testing.T) {
	l := openTest(t)
	overlap, _ := overlapQuery("w", "a/b/c")
	queries := []string{
		claimAny, overlap, overlap + " LIMIT 1",
		"DELETE FROM claims WHERE job = 1",
		"SELECT id FROM jobs WHERE job_id = 'x' AND job_id <> '' ORDER BY state = 'closed', id DESC LIMIT 1",
		"SELECT record FROM jobs WHERE state <> 'closed' AND id > 1 ORDER BY id LIMIT 9",
		"DELETE FROM jobs WHERE state = 'closed' AND closed < 9",
		"SELECT worktree, path, job FROM claims WHERE (worktree, path, job) > ('a', 'b', 1) ORDER BY worktree, path, job LIMIT 9",
		"SELECT job FROM claims WHERE worktree = 'w' AND path = 'p' ORDER BY job",
		"DELETE FROM claims WHERE job = 1 AND worktree = 'w'",
	}
	for _, q := range queries {
		err := l.view(t.Context(), func(tx *Tx) error {
			return tx.each(func(rows *sql.Rows) error {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				if strings.HasPrefix(detail, "SCAN") {
					t.Errorf("%s\n\t%s", q, detail)
				}
				return nil
			}, "EXPLAIN QUERY PLAN "+strings.NewReplacer("?1", "'x'", "?", "'x'").Replace(q))
		})
		if err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
}
