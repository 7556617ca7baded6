package run

import (
	"context"
	"fmt"
	"os"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// replay is the execution of a plan.
type replay struct {
	*rerun
	head   gitobj.OID                // where HEAD is now
	start  gitobj.OID                // where it was when the replay began
	bases  map[gitobj.OID]gitobj.OID // what stands for an old commit
	family *ancestry
	branch string     // to be on in the end; "" to stay detached
	was    gitobj.OID // where that branch was
}

func (r *rerun) replay(ctx context.Context, steps []*step) error {
	if err := r.readChanges(ctx, steps); err != nil {
		return err
	}
	x := &replay{rerun: r, head: r.at.OID, start: r.at.OID, bases: map[gitobj.OID]gitobj.OID{}, branch: r.at.Branch(), was: r.at.OID}
	if steps[0].action == actCheckout {
		x.start = steps[0].id
	}
	x.family = newAncestry(r, x.start, steps)
	for _, s := range steps {
		r.d.Env.Log.Info(s.logLine())
		if goOn, err := x.step(ctx, s); err != nil || !goOn {
			return x.explain(ctx, err)
		}
	}
	return x.restoreBranch(ctx)
}

// explain tells where an early end leaves HEAD.
func (x *replay) explain(ctx context.Context, err error) error {
	head, herr := x.d.Repo.Head(context.WithoutCancel(ctx))
	if herr == nil && head.Ref == "" && x.at.Ref != "" {
		x.d.Env.Log.Warn(fmt.Sprintf("HEAD is detached at %s; to return: git checkout %s", head.OID.Short(), x.at.Branch()))
	}
	return err
}

// step does one step; it is the end if goOn is false.
func (x *replay) step(ctx context.Context, s *step) (goOn bool, err error) {
	switch {
	case s.action == actCheckout:
		return true, x.checkOutStart(ctx, s)
	case s.inner:
		s.why = "was made by the command of a later commit"
		return true, x.tell(s, actSkip)
	case len(s.parents) == 0:
		return true, x.tell(s, actSkip)
	case s.action == actMerge:
		if err := x.merge(ctx, s); err != nil {
			return false, err
		}
		return true, x.sink.Emit(s.result(x.rerun))
	}
	return x.onBase(ctx, s)
}

// tell says what became of a commit that is not executed.
func (x *replay) tell(s *step, what action) error {
	s.action = what
	words := map[action]string{actSkip: "skipping", actPick: "cherry picking"}
	return x.sink.Emit(s.result(x.rerun).With("message", s.tuple(words[what])))
}

func (x *replay) checkOutStart(ctx context.Context, s *step) error {
	args := []string{"checkout", "-q", "--detach", string(s.id)}
	x.branch, x.was = "", ""
	if s.branch != "" {
		args = []string{"checkout", "-q", "--no-track", "-b", s.branch, string(s.id)}
		x.branch, x.was = s.branch, s.id
	}
	x.head = s.id
	return x.git(ctx, args...)
}

// checkOut moves to another base.
func (x *replay) checkOut(ctx context.Context, id gitobj.OID) error {
	if id == x.head {
		return nil
	}
	x.head = id
	return x.git(ctx, "checkout", "-q", "--detach", string(id))
}

// merge repeats a merge if one of its parents was replaced.
func (x *replay) merge(ctx context.Context, s *step) error {
	parents, replaced := make([]gitobj.OID, len(s.parents)), false
	for i, p := range s.parents {
		parents[i] = p
		if n, ok := x.bases[p]; ok {
			parents[i] = n
			replaced = replaced || n != p
		}
	}
	if !replaced {
		in, err := x.family.contains(ctx, x.head, s.id)
		if err != nil || in {
			return err
		}
		return x.checkOut(ctx, s.id)
	}
	parents, err := x.newParents(ctx, s, parents)
	if err != nil || len(parents) == 0 || s.id == x.head {
		return err
	}
	if err := x.checkOut(ctx, parents[0]); err != nil {
		return err
	}
	if len(parents) > 1 {
		if err := x.mergeWith(ctx, s, parents[1:]); err != nil {
			return err
		}
	}
	x.bases[s.id] = x.head
	return nil
}

// newParents leaves out what the start has, if it has the merge itself.
func (x *replay) newParents(ctx context.Context, s *step, parents []gitobj.OID) ([]gitobj.OID, error) {
	in, err := x.family.inStart(ctx, s.id)
	if err != nil || !in {
		return parents, err
	}
	var kept []gitobj.OID
	for _, p := range parents {
		_, isNew := x.family.origins[p]
		if !isNew {
			if in, err := x.family.inStart(ctx, p); err != nil {
				return nil, err
			} else if in {
				continue
			}
		}
		kept = append(kept, p)
	}
	return kept, nil
}

func (x *replay) mergeWith(ctx context.Context, s *step, others []gitobj.OID) error {
	args := []string{"merge", "-q", "-m", s.message, "--no-ff", "--allow-unrelated-histories"}
	for _, p := range others {
		args = append(args, string(p))
	}
	if err := x.gitOrAbort(ctx, args...); err != nil {
		return fmt.Errorf("rerun: repeat the merge %s: %w", s.short, err)
	}
	return x.moved(ctx, append([]gitobj.OID{x.head}, others...)...)
}

// moved notes where HEAD is after something was built on the commits given.
func (x *replay) moved(ctx context.Context, on ...gitobj.OID) error {
	now, err := x.d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if now.OID != x.head {
		if _, old := x.family.parents[now.OID]; !old {
			x.family.grew(now.OID, on...)
		}
		x.head = now.OID
	}
	return nil
}

// onBase finds the commit that a step belongs on, and does it there.
func (x *replay) onBase(ctx context.Context, s *step) (goOn bool, err error) {
	parent, before := s.parents[0], x.head
	if base, ok := x.bases[parent]; ok {
		if err := x.checkOut(ctx, base); err != nil {
			return false, err
		}
	} else if parent != x.head {
		above, err := x.family.aboveStart(ctx, parent)
		switch {
		case err != nil:
			return false, err
		case !above:
			x.bases[parent] = x.head
		case s.action != actRun:
			return true, x.tell(s, actSkip)
		default:
			if err := x.checkOut(ctx, parent); err != nil {
				return false, err
			}
		}
	}
	base := x.head
	if s.action == actRun {
		goOn, err = x.run(ctx, s)
	} else {
		goOn, err = true, x.skipOrPick(ctx, s, before)
	}
	if err != nil {
		return false, err
	}
	if x.head != base && x.head != s.id && s.action != actSkip {
		x.bases[s.id] = x.head
	}
	return goOn, nil
}

// skipOrPick takes a commit without a command over, unless it is there
// already; then HEAD returns to where it was before.
func (x *replay) skipOrPick(ctx context.Context, s *step, before gitobj.OID) error {
	in, err := x.family.contains(ctx, x.head, s.id)
	if err != nil {
		return err
	}
	if in {
		if err := x.checkOut(ctx, before); err != nil {
			return err
		}
		return x.tell(s, actSkip)
	}
	// A change that the new base has already stays a commit, so that the new
	// history has the shape of the old one.
	if err := x.gitOrAbort(ctx, "cherry-pick", "--keep-redundant-commits", string(s.id)); err != nil {
		return fmt.Errorf("rerun: pick %s: %w", s.short, err)
	}
	if err := x.moved(ctx, x.head); err != nil {
		return err
	}
	return x.tell(s, actPick)
}

// run executes a recorded command again.
func (x *replay) run(ctx context.Context, s *step) (goOn bool, err error) {
	rec := s.record
	if err := x.makeFolder(rec.Pwd); err != nil {
		return false, err
	}
	expected := 0
	if rec.Exit != nil {
		expected = *rec.Exit
	}
	message := x.opt.Message
	if message == "" {
		message = s.title
	}
	watch := &failureSink{Sink: x.sink}
	err = Run(ctx, x.d, Options{
		Command: []string{rec.Cmd}, Inputs: rec.Inputs, ExtraInputs: rec.ExtraInputs, Outputs: rec.Outputs,
		AssumeReady: x.opt.AssumeReady, Explicit: x.opt.Explicit, Message: message, Jobs: x.opt.Jobs, KeepGoing: x.opt.KeepGoing,
		Stdin: x.opt.Stdin, Stdout: x.opt.Stdout, Stderr: x.opt.Stderr, Terminal: x.opt.Terminal,
		again: true, pwd: rec.Pwd, chain: append(append([]string{}, rec.Chain...), string(s.id)),
		expectedExit: &expected, extraOutputs: s.autoOutputs(recordDir(x.d)), extra: rec.Extra,
	}, watch)
	if err != nil {
		return false, err
	}
	return x.opt.KeepGoing || !watch.failed, x.moved(ctx, x.head)
}

// makeFolder makes the folder of execution if it is missing: git does not keep
// empty folders, so that another clone may lack it.
func (x *replay) makeFolder(pwd string) error {
	if err := fsx.Beneath(x.d.Path(), pwd); err != nil {
		return fmt.Errorf("rerun: the recorded folder: %w", err)
	}
	return os.MkdirAll(x.d.Repo.Path(pwd), 0o777)
}

// restoreBranch moves the branch to where a replay of merged history has
// ended, and checks it out.
func (x *replay) restoreBranch(ctx context.Context) error {
	head, err := x.d.Repo.Head(ctx)
	if err != nil || x.branch == "" || head.Branch() == x.branch {
		return err
	}
	ref := "refs/heads/" + x.branch
	now, err := x.d.Repo.Ref(ctx, ref)
	if err != nil {
		return err
	}
	if now != x.was && now != head.OID {
		in, err := x.d.Repo.IsAncestor(ctx, now, head.OID)
		if err == nil && !in {
			err = fmt.Errorf("rerun: branch %s has moved meanwhile to %s and stays there", x.branch, now.Short())
		}
		if err != nil {
			return x.explain(ctx, err)
		}
	}
	if err := x.moveBranch(ctx, ref, now, head.OID); err != nil {
		return err
	}
	return x.git(ctx, "checkout", "-q", x.branch)
}
