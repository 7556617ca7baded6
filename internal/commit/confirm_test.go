package commit

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// TestConfirm drops one of three commits, refuses a batch, and drops all.
func TestConfirm(t *testing.T) {
	for _, shape := range []Shape{Chain, Branches, Octopus} {
		p := newPublisher(t)
		base := p.publish(t, Request{Commits: []Commit{{Message: "base\n", Files: []File{p.textFile(t, "base", "x")}}}})
		closed := map[int64]gitobj.OID{}
		p.Closer = func(_ context.Context, done map[int64]gitobj.OID) error {
			maps.Copy(closed, done)
			return nil
		}
		request := func(confirm func(context.Context) error) Request {
			req := Request{Shape: shape, MergeMessage: "all\n", Reason: "test", BranchOf: func(i int) string { return "refs/heads/b" + string(rune('0'+i)) }, Confirm: confirm}
			for i, name := range []string{"a", "b", "c"} {
				req.Commits = append(req.Commits, Commit{Message: name + "\n", Files: []File{p.textFile(t, name, name)}, AllowEmpty: true, Tag: int64(i + 1)})
			}
			return req
		}
		lost := errors.New("the ledger cannot be read")
		if _, err := p.Publish(t.Context(), request(func(context.Context) error { return lost })); !errors.Is(err, lost) {
			t.Fatalf("%v", err)
		}
		drop := func(context.Context) error { return &DropError{[]int{0, 1, 2}} }
		if res := p.publish(t, request(drop)); res.Tip != base.Tip || res.Commits[1] != "" || len(closed) > 0 {
			t.Errorf("all dropped: %+v, closed %v", res, closed)
		}
		asked := 0
		res := p.publish(t, request(func(context.Context) error {
			asked++
			return &DropError{[]int{1}}
		}))
		if res.Commits[0] == "" || res.Commits[1] != "" || res.Commits[2] == "" || asked != 1 {
			t.Errorf("shape %d: %+v, asked %d times", shape, res, asked)
		}
		if closed[1] != res.Commits[0] || closed[3] != res.Commits[2] || len(closed) != 2 {
			t.Errorf("shape %d: closed %v", shape, closed)
		}
		if got := p.gitOut(t, "log", "--all", "--format=%s", "--", "b"); got != "" {
			t.Errorf("shape %d: the dropped file is in %q", shape, got)
		}
		p.gitOut(t, "fsck", "--strict")
	}
}
