package jobs

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
)

// outputs are the declared outputs of a job.
type outputs struct {
	Recorded []string // as the record has them
	Claims   []string // clean paths, what nobody else may write
}

// claimOutputs turns outputs into claims.
func (w *work) claimOutputs(ctx context.Context, d *dataset.Dataset, view *git.TreeView) (outputs, error) {
	var out outputs
	seen := map[string]bool{}
	for _, text := range w.outputs {
		spec, err := w.canonical(text)
		if err != nil {
			return out, fmt.Errorf("output %w", err)
		}
		if spec.Outside {
			err := &dataset.OutsideError{Path: text, Dataset: d.Path()}
			return out, errs.WithHint(fmt.Errorf("output %s: %w", text, err), "outputs must lie inside the dataset")
		}
		if within(spec.Fixed, ".git") {
			return out, fmt.Errorf("output %s: git's own folder cannot be an output", text)
		}
		sub, err := view.Gitlink(ctx, spec.Fixed)
		if err != nil {
			return out, fmt.Errorf("output %s: %w", text, err)
		}
		if sub != "" {
			return out, errs.WithHint(fmt.Errorf("output %s lies in the subdataset %s, which is not supported yet", text, sub),
				"schedule the job from within that subdataset")
		}
		out.Recorded = append(out.Recorded, recordedForm(w.pwd, spec.Pattern))
		claims := []string{spec.Fixed}
		if hasTask(spec.Fixed) {
			claims = taskClaims(spec.Fixed, w.tasks)
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

// scriptOf finds and identifies the job script of a line.
func (w *work) scriptOf(ctx context.Context, id *identifier) (*scriptInfo, error) {
	name := findScript(w.dir, w.expanded)
	if name == "" {
		return nil, nil
	}
	spec, err := w.canonicalPath(name)
	if err != nil {
		return nil, err
	}
	v, state, err := id.one(ctx, spec.Fixed)
	if err != nil {
		return nil, err
	}
	return &scriptInfo{Path: spec.Fixed, ID: v, State: state}, nil
}
