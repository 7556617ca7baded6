package run

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
)

// action is what is to be done with a commit, in DataLad's terms.
type action string

const (
	actCheckout   action = "checkout"
	actRun        action = "run"
	actMerge      action = "merge"
	actSkipOrPick action = "skip-or-pick"
	actSkip       action = "skip"
	actPick       action = "pick"
)

// step is one commit of the plan.
type step struct {
	*past
	action action
	why    string        // of skip-or-pick
	status result.Status // impossible: recorded in another dataset
	branch string        // of checkout: to be made, "" for none
	// inner means that the command of a later step made this commit itself.
	inner   bool
	changes []change // of run, once they are read
}

// plan turns history into steps. There are none if a result has said why.
func (r *rerun) plan(ctx context.Context) ([]*step, error) {
	list, err := r.history(ctx)
	if err != nil {
		return nil, err
	}
	list = r.executable(list)
	first := firstRecord(list)
	if first < 0 {
		return nil, r.refuse(result.Impossible, result.Tuple{"No run commits found in range %s", r.label})
	}
	if r.opt.Since == nil || blank(*r.opt.Since) {
		list = list[first:]
		first = 0
	}
	start, err := r.start(ctx, list[first])
	if start == "" || err != nil {
		return nil, err
	}
	var steps []*step
	if r.newBranch() != "" || r.opt.Onto != nil {
		steps = append(steps, &step{past: &past{id: start}, action: actCheckout, branch: r.newBranch(), status: result.OK})
	}
	for _, c := range list {
		steps = append(steps, r.step(c))
	}
	markInner(steps)
	return steps, nil
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// executable leaves out commits with a record that no command can have made on
// one parent, or two (a command that committed itself).
func (r *rerun) executable(list []*past) []*past {
	kept := list[:0:0]
	for _, c := range list {
		if n := len(c.parents); c.record != nil && (n == 0 || n > 2) {
			kind := "root"
			if n > 2 {
				kind = "octopus merge"
			}
			r.d.Env.Log.Warn(fmt.Sprintf("%s has run information but is a %s commit; it will not be re-executed", c.id, kind))
			continue
		}
		kept = append(kept, c)
	}
	return kept
}

func firstRecord(list []*past) int {
	for i, c := range list {
		if c.record != nil {
			return i
		}
	}
	return -1
}

func (r *rerun) step(c *past) *step {
	s := &step{past: c, action: actSkipOrPick, status: result.OK}
	switch {
	case c.record != nil && c.record.DSID != "" && c.record.DSID != r.d.ID:
		s.why, s.status = "was ran from a different dataset", result.Impossible
	case c.record != nil:
		s.action = actRun
	case len(c.parents) > 1:
		s.action = actMerge
	default:
		s.why = "does not have a command"
	}
	return s
}

// markInner finds the commits that a self-committing command made: they lie
// between the parents of its merge. Executing it makes them anew.
func markInner(steps []*step) {
	byID := make(map[gitobj.OID]*step, len(steps))
	for _, s := range steps {
		byID[s.id] = s
	}
	for _, s := range steps {
		if s.action == actRun && len(s.parents) == 2 {
			markBetween(byID, s.parents[0], s.parents[1])
		}
	}
}

// markBetween marks the commits from tip down to base, exclusive, that descend
// from base.
func markBetween(byID map[gitobj.OID]*step, base, tip gitobj.OID) {
	descends := map[gitobj.OID]bool{base: true}
	var visit func(id gitobj.OID) bool
	visit = func(id gitobj.OID) bool {
		if known, ok := descends[id]; ok {
			return known
		}
		descends[id] = false
		s := byID[id]
		if s == nil || s.action == actCheckout {
			return false
		}
		for _, p := range s.parents {
			if visit(p) {
				descends[id] = true
			}
		}
		s.inner = s.inner || descends[id]
		return descends[id]
	}
	visit(tip)
}

// result is the record that stands for the step itself.
func (s *step) result(r *rerun) result.Record {
	rec := r.record().As(s.status).With("commit", string(s.id)).With("rerun_action", string(s.action))
	if s.action == actCheckout {
		var branch any
		if s.branch != "" {
			branch = s.branch
		}
		return rec.With("branch", branch)
	}
	parents := make([]string, len(s.parents))
	for i, p := range s.parents {
		parents[i] = string(p)
	}
	rec = rec.With("parents", parents)
	if s.why != "" {
		rec = rec.With("message", s.tuple("skipping or cherry picking"))
	}
	if s.record != nil {
		rec = rec.With("run_info", s.record.Fields()).With("run_message", s.title)
	}
	return rec
}

func (s *step) tuple(what string) result.Tuple {
	return result.Tuple{"%s %s; %s", s.short, s.why, what}
}

// logLine says what is about to happen.
func (s *step) logLine() string {
	line := fmt.Sprintf("%s commit %s;", s.action, s.id.Short())
	if s.title != "" {
		title := s.title
		if pyfmt.Len(title) > 20 {
			title, _ = pyfmt.Cut(title, 17)
			title += "..."
		}
		line += " (" + title + ")"
	}
	if s.why != "" {
		line += fmt.Sprintf(" %s %s; skipping or cherry picking", s.short, s.why)
	}
	return line
}
