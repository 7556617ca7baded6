package run

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/clone"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/result"
)

// tmpDir makes the folder for {tmpdir}.
func (t *task) tmpDir() func() (string, error) {
	if t.opt.DryRun != "" {
		return func() (string, error) { return filepath.Join(os.TempDir(), "datalad-run-XXXXXXXX"), nil }
	}
	return func() (string, error) { return os.MkdirTemp("", "datalad-run-") }
}

// prepare makes inputs present and outputs writable. ok is false where a
// result has said why the command cannot run.
func (t *task) prepare(ctx context.Context, sink result.Sink) (ok bool, err error) {
	globs := []*iospec.Globbed{t.extra}
	if !t.opt.AssumeReady.has(Inputs) {
		globs = append(globs, t.inputs)
	}
	for _, g := range globs {
		if ok, err := t.prepareInputs(ctx, g, sink); !ok || err != nil {
			return false, err
		}
	}
	if t.opt.AssumeReady.has(Outputs) {
		return true, nil
	}
	paths, err := t.relative(t.outputs.ExpandStrict())
	if err == nil {
		err = tooMany(t.outputs.Err())
	}
	if err != nil {
		return false, err
	}
	for _, p := range t.opt.extraOutputs {
		if !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	err = t.d.PrepareNested(ctx, paths, dataset.PrepareOptions{}, sink)
	return err == nil, err
}

// tooMany says what can be done about patterns that match too much.
func tooMany(err error) error {
	if err == nil {
		return nil
	}
	return errs.WithHint(err, "declare folders, or patterns that match less")
}

// prepareInputs reports patterns that match nothing and gets the content of
// the others.
func (t *task) prepareInputs(ctx context.Context, g *iospec.Globbed, sink result.Sink) (ok bool, err error) {
	if err := t.obtain(ctx, g, sink); err != nil {
		return false, err
	}
	missing := g.Misses()
	if err := g.Err(); err != nil {
		return false, tooMany(err)
	}
	for _, p := range missing {
		r := result.New("run", result.Error, t.d.Path(), result.Dataset).Msg("Input did not match existing file: " + p)
		if err := sink.Emit(r); err != nil {
			return false, err
		}
	}
	if len(missing) > 0 && !t.opt.KeepGoing {
		return false, nil
	}
	paths := g.ExpandStrict()
	if len(paths) == 0 {
		return true, g.Err()
	}
	watch := &failureSink{Sink: sink}
	abs := make([]string, len(paths))
	for i, p := range paths {
		abs[i] = t.abs(p)
	}
	err = clone.Get(ctx, t.d, clone.GetOptions{Paths: abs, Jobs: t.opt.Jobs}, watch)
	return err == nil && (!watch.failed || t.opt.KeepGoing), err
}

// obtain brings the subdatasets here in which patterns that match nothing may
// find something, and has g look again.
func (t *task) obtain(ctx context.Context, g *iospec.Globbed, sink result.Sink) error {
	var missing []string
	for _, p := range g.Misses() {
		missing = append(missing, t.abs(p))
	}
	some, err := clone.Obtain(ctx, t.d, missing, t.opt.Jobs, sink)
	if some {
		g.Refresh()
	}
	return err
}

func (t *task) abs(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(t.pwd, p)
}

// relative turns paths of the command into paths of the dataset.
func (t *task) relative(paths []string) ([]string, error) {
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		rel, err := t.d.Rel(t.abs(strings.TrimSuffix(p, "/")))
		if err != nil {
			return nil, err
		}
		out = append(out, rel)
	}
	return out, nil
}

// failureSink notices failures on their way.
type failureSink struct {
	result.Sink
	failed bool
}

func (s *failureSink) Emit(r result.Record) error {
	s.failed = s.failed || r.Status.Failed()
	return s.Sink.Emit(r)
}
