package jobspec

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/nested"
	"github.com/stemma-data/stemma/internal/sched/sbatchline"
)

// Outputs are the declared outputs of a job.
type Outputs struct {
	Recorded []string // as the record has them
	Claims   []string // clean paths, what nobody else may write
}

// ClaimOutputs turns outputs into claims.
func (w *Work) ClaimOutputs(ctx context.Context, d *dataset.Dataset, tree *nested.Tree) (Outputs, error) {
	var out Outputs
	seen := map[string]bool{}
	for _, text := range w.Outputs {
		spec, err := w.Canonical(text)
		if err != nil {
			return out, fmt.Errorf("output %w", err)
		}
		if spec.Outside {
			err := &dataset.OutsideError{Path: text, Dataset: d.Path()}
			return out, errs.WithHint(fmt.Errorf("output %s: %w", text, err), "outputs must lie inside the dataset")
		}
		if jobpath.Within(spec.Fixed, ".git") {
			return out, fmt.Errorf("output %s: git's own folder cannot be an output", text)
		}
		if err := checkNested(ctx, tree, spec); err != nil {
			return out, fmt.Errorf("output %s: %w", text, err)
		}
		out.Recorded = append(out.Recorded, jobpath.RecordedForm(w.Pwd, spec.Pattern))
		claims := []string{spec.Fixed}
		if jobpath.HasTask(spec.Fixed) {
			claims = jobpath.TaskClaims(spec.Fixed, w.Tasks)
		}
		for _, claim := range claims {
			if !seen[claim] {
				out.Claims = append(out.Claims, claim)
			}
			seen[claim] = true
		}
	}
	return out, nil
}

// checkNested refuses outputs in subdatasets that are not here, and those that
// may hold subdatasets: what is written there would have to be looked for.
func checkNested(ctx context.Context, tree *nested.Tree, spec jobpath.Spec) error {
	l, err := tree.Of(ctx, spec.Fixed)
	if err != nil {
		return err
	}
	if l.Above() != nil && jobpath.Within(l.Inside(spec.Fixed), ".git") {
		return errors.New("git's own folder cannot be an output")
	}
	subs, err := l.Below(spec.Fixed)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		if !spec.Wild() || jobpath.MayMatch(spec.Pattern, sub) {
			return errs.WithHint(fmt.Errorf("it may hold the subdataset %s", sub), "name what the job writes, in the subdataset and beside it, as outputs of their own")
		}
	}
	return nil
}

// ScriptOf finds and identifies the job script of a line.
func (w *Work) ScriptOf(ctx context.Context, id *fileid.Identifier) (*jobrec.Script, error) {
	name := sbatchline.FindScript(w.Dir, w.Expanded)
	if name == "" {
		return nil, nil
	}
	spec, err := w.canonicalPath(name)
	if err != nil {
		return nil, err
	}
	v, state, err := id.One(ctx, spec.Fixed)
	if err != nil {
		return nil, err
	}
	return &jobrec.Script{Path: spec.Fixed, ID: v, State: state}, nil
}
