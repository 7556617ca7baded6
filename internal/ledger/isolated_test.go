package ledger

import (
	"errors"
	"fmt"
	"testing"
)

func isolated(words string, claims ...string) *Job {
	j := newJob(claims...)
	j.State, j.JobID, j.Isolated, j.Words = StateOpen, "1"+words, "/scratch", words
	return j
}

func TestIsolatedJobs(t *testing.T) {
	l := openTest(t)
	ctx := t.Context()
	one := mustClaim(t, l, isolated("a", "out", "d/x"))
	two := mustClaim(t, l, isolated("a", "out"))
	three := mustClaim(t, l, isolated("b", "d"))
	inPlace := mustClaim(t, l, newJob("other"))
	conflict := func(err error) int64 {
		var c *ConflictError
		if !errors.As(err, &c) {
			return 0
		}
		return c.Other.ID
	}
	_, err := l.Claim(ctx, newJob("out/x"), false)
	if id := conflict(err); id != one && id != two {
		t.Error("a job in place may write what an isolated one will bring back:", err)
	}
	if _, err := l.Claim(ctx, isolated("c", "other/x"), false); conflict(err) != inPlace {
		t.Error("an isolated job may write what one in place writes:", err)
	}
	list, err := l.Worded(ctx, "/w", "a")
	if err != nil || len(list) != 2 || list[0].ID != one || list[1].ID != two {
		t.Error(list, err)
	}
	if list, err := l.Overlapping(ctx, "/w", "d/x/y"); err != nil || len(list) != 2 {
		t.Error(list, err)
	}
	claimed := func() (s string) {
		for _, tree := range []string{"/w", ""} {
			for c, err := range l.Claimed(ctx, tree) {
				if err != nil {
					t.Fatal(err)
				}
				s += fmt.Sprintf("%s %d;", c.Path, c.Job)
			}
		}
		return s
	}
	if s := claimed(); s != "other 4;other 4;" {
		t.Error(s)
	}
	enter := func(id int64) error { return l.Update(ctx, func(tx *Tx) error { return tx.Enter(id) }) }
	for range 2 {
		if err := enter(one); err != nil {
			t.Fatal(err)
		}
	}
	if s := claimed(); s != "d/x 1;other 4;out 1;d/x 1;other 4;out 1;" {
		t.Error(s)
	}
	if conflict(enter(two)) != one || conflict(enter(three)) != one {
		t.Error("two jobs bring back the same path at once")
	}
	if err := l.Update(ctx, func(tx *Tx) error { return tx.Leave(one) }); err != nil {
		t.Fatal(err)
	}
	if err := enter(two); err != nil {
		t.Error(err)
	}
	for _, id := range []int64{one, two, three} {
		if err := l.Finish(ctx, Closing{ID: id, Outcome: Committed, Commit: "c"}); err != nil {
			t.Fatal(err)
		}
	}
	if s := claimed(); s != "other 4;other 4;" || enter(one) == nil {
		t.Error(s)
	}
	mustClaim(t, l, newJob("out", "d"))
	if list, err := l.Worded(ctx, "/w", "a"); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
}
