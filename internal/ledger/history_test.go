package ledger

import (
	"fmt"
	"testing"
	"time"
)

func TestClosed(t *testing.T) {
	l := openTest(t)
	start := time.Unix(1000, 0).UTC()
	for i := range 9 {
		j := newJob(fmt.Sprintf("out/%d", i))
		if i != 7 {
			j.JobID = fmt.Sprint(100 + i)
		}
		mustClaim(t, l, j)
		if i == 8 {
			continue
		}
		err := l.Transition(t.Context(), j.ID, j.State, func(j *Job) {
			j.State, j.Outcome, j.ClosedAt = StateClosed, Released, start.Add(time.Duration(i)*time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ids := func(worktree string, since time.Time, limit int) (s string) {
		list, err := l.Closed(t.Context(), worktree, since, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range list {
			s += j.JobID + " "
		}
		return s
	}
	tree := newJob("x").WorkTree
	for _, c := range []struct{ got, want string }{
		{ids(tree, time.Time{}, 0), "100 101 102 103 104 105 106  "},
		{ids("", start.Add(5*time.Minute), 0), "105 106  "},
		{ids(tree, time.Time{}, 2), "105 106 "},
		{ids("/elsewhere", time.Time{}, 0), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
