package jobs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/iospec"
)

// work is what schedule and reschedule have in common: a command with its
// inputs and outputs, relative to a folder of the dataset.
type work struct {
	top     string // the dataset without symlinks
	dir     string // folder of the command, absolute, without symlinks
	pwd     string // the same relative to the dataset, "." for its top
	cmd     string // as typed
	inputs  []string
	extra   []string
	outputs []string // relative to dir
	chain   []string
	message string

	expanded string // cmd with placeholders filled in
	in, xin  *iospec.Globbed
	out      *iospec.Globbed
}

// errOutside says that the user's folder is not in the dataset.
func errOutside(d *dataset.Dataset) error {
	err := fmt.Errorf("the current folder %s is not in the dataset %s", d.Env.Cwd, d.Path())
	return errs.WithHint(err, "change to a folder of the dataset; the job runs where the command is given")
}

// newWork finds the folder of the command.
func newWork(d *dataset.Dataset, dir string) (*work, error) {
	top, err := workTree(d)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(top, real)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return nil, errOutside(d)
	}
	return &work{top: top, dir: real, pwd: filepath.ToSlash(rel)}, nil
}

const substitutionPrefix = "datalad.run.substitutions."

// substitutions are the configured placeholders.
func substitutions(d *dataset.Dataset) map[string]string {
	m := map[string]string{}
	for _, key := range d.ConfigKeys(substitutionPrefix) {
		m[strings.TrimPrefix(key, substitutionPrefix)] = d.Config(key)
	}
	return m
}

// fillIn expands placeholders in the specifications, prepares the globs, and
// expands the command.
func (w *work) fillIn(d *dataset.Dataset) error {
	v := iospec.SpecValues{Inputs: w.inputs, ExtraInputs: w.extra, Outputs: w.outputs, Substitutions: substitutions(d)}
	for _, list := range []*[]string{&w.inputs, &w.extra, &w.outputs} {
		expanded, err := iospec.ExpandSpecs(*list, v)
		if err != nil {
			return err
		}
		*list = expanded
	}
	w.in, w.xin, w.out = iospec.New(w.inputs, w.dir), iospec.New(w.extra, w.dir), iospec.New(w.outputs, w.dir)
	return w.fillCommand(d, v.Substitutions)
}

func (w *work) fillCommand(d *dataset.Dataset, subst map[string]string) error {
	v := iospec.Values{Pwd: w.dir, DSPath: d.Path(), Substitutions: subst, TmpDir: func() (string, error) {
		return os.MkdirTemp("", "datalad-run-")
	}}
	if strings.Contains(w.cmd, "{inputs") {
		v.Inputs = w.in.Expand()
	}
	if strings.Contains(w.cmd, "{outputs") {
		v.Outputs = w.out.Expand()
	}
	var err error
	w.expanded, err = iospec.ExpandCommand(w.cmd, v)
	return errors.Join(err, w.in.Err(), w.out.Err())
}

// checkInputs returns an error that names the inputs of which nothing exists.
func (w *work) checkInputs() error {
	misses := append(w.in.Misses(), w.xin.Misses()...)
	if err := errors.Join(w.in.Err(), w.xin.Err()); err != nil {
		return err
	}
	if len(misses) == 0 {
		return nil
	}
	return fmt.Errorf("Input did not match existing file: %s", strings.Join(misses, ", ")) //nolint:staticcheck // DataLad's text
}

// inputPaths lists the existing inputs, canonical and relative to the top;
// those outside the dataset are absolute.
func (w *work) inputPaths() ([]string, error) {
	var list []string
	for _, g := range []*iospec.Globbed{w.in, w.xin} {
		for _, p := range g.ExpandStrict() {
			spec, err := canonicalPath(w.top, w.dir, p)
			if err != nil {
				return nil, fmt.Errorf("input %w", err)
			}
			list = append(list, spec.Fixed)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}
