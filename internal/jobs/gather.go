package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// gather brings outputs back, checks that they are complete, and looks at the
// inputs again. Jobs that are not complete are reported and left out.
func (f *finishing) gather(ctx context.Context, list []*over) (complete []*over, err error) {
	index, err := readIndex(f.d)
	if err != nil {
		return nil, err
	}
	id := &identifier{top: f.top, format: f.d.Repo.Format, index: func() *gitindex.File { return index }, once: map[string]identified{}}
	for _, o := range list {
		err := f.gatherOne(ctx, o, id)
		if err == nil {
			complete = append(complete, o)
			continue
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if err := f.fail(&o.job, err); err != nil {
			return nil, err
		}
	}
	return complete, nil
}

// readIndex returns nil for an index that must be left to git.
func readIndex(d *dataset.Dataset) (*gitindex.File, error) {
	index, err := d.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		return nil, nil
	}
	return index, err
}

func (f *finishing) gatherOne(ctx context.Context, o *over, id *identifier) error {
	if o.prov.Undescribed && o.task == "" {
		describe(ctx, f.d, f.s, &o.job, &o.prov)
	}
	o.nameLogs()
	if err := f.locate(o); err != nil {
		return err
	}
	if o.job.AltDir != "" {
		if err := f.bringBack(ctx, o); err != nil {
			return err
		}
	}
	changed, err := f.changedInputs(ctx, o, id)
	if err != nil {
		return err
	}
	o.changed = changed
	for p := range changed {
		f.d.Env.Log.Warn(fmt.Sprintf("job %s: its input %s changed after it was scheduled", label(&o.job), p))
	}
	return nil
}

// MissingOutputError names declared outputs that a completed job did not
// produce.
type MissingOutputError struct{ Paths []string }

func (e *MissingOutputError) Error() string {
	return "declared output is missing: " + strings.Join(e.Paths, ", ")
}

// locate finds the outputs and log files where the job left them.
func (f *finishing) locate(o *over) error {
	root := jobRoot(&o.job)
	var missing []string
	for _, text := range o.job.Outputs {
		found, err := outputsAt(root, text)
		if err != nil {
			return err
		}
		there := existing(root, found)
		if len(there) == 0 && !slices.Contains(o.job.SlurmOutputs, text) {
			missing = append(missing, strings.TrimPrefix(text, "./"))
		}
		o.outputs = append(o.outputs, there...)
	}
	o.outputs = union(o.outputs)
	o.logs = existing(root, o.job.SlurmOutputs)
	if len(missing) == 0 || o.sentence != "" {
		return nil
	}
	return errs.WithHint(&MissingOutputError{missing}, "the job stays open; put the file in place and repeat, or give the job up with `stemma jobs release %s`", o.job.JobID)
}

func existing(root string, paths []string) (there []string) {
	for _, p := range paths {
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(p))); err == nil {
			there = append(there, p)
		}
	}
	return there
}

// bringBack copies what the job wrote in the alternative folder.
func (f *finishing) bringBack(ctx context.Context, o *over) error {
	t := &transfer{from: o.job.AltDir, to: f.top, sync: true}
	for _, p := range union(o.outputs, o.logs) {
		if err := t.add(p); err != nil {
			return fmt.Errorf("bring back %s: %w", p, err)
		}
	}
	return t.run(ctx)
}

// changedInputs compares the inputs with what they were. An output that is an
// input as well was meant to change.
func (f *finishing) changedInputs(ctx context.Context, o *over, id *identifier) (map[string]string, error) {
	var paths []string
	for p := range o.job.InputIDs {
		if !slices.ContainsFunc(o.job.Claims, func(c string) bool { return within(p, c) || within(c, p) }) {
			paths = append(paths, p)
		}
	}
	now, err := id.identify(ctx, paths)
	if err != nil {
		return nil, err
	}
	changed := map[string]string{}
	for p, v := range now {
		if v != o.job.InputIDs[p] {
			changed[p] = v
		}
	}
	return changed, nil
}
