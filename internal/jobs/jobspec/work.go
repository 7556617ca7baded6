// Package jobspec is what somebody asks to be done by a job: a line with inputs and
// outputs in a folder of the dataset. It fills in placeholders, finds the inputs
// and works out what the job claims; it changes nothing.
package jobspec

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
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
)

// Work is what schedule and reschedule have in common: a command with its
// inputs and outputs, relative to a folder of the dataset.
type Work struct {
	Top     string // the dataset without symlinks
	Dir     string // folder of the command, absolute, without symlinks
	Pwd     string // the same relative to the dataset, "." for its top
	Cmd     string // as typed
	Inputs  []string
	Extra   []string
	Outputs []string // relative to dir
	Chain   []string
	Message string

	Tasks       []int             // of the array, where outputs name them and they are known
	Container   *jobrec.Container // in which the command runs, if any
	Redo        *jobrec.Redo      // tasks of an array, if not all
	Ahead       []jobrec.Producer // open jobs that make inputs, which need not exist yet
	Links       map[string]string // see jobpath.NewLocator
	Files       iospec.Files      // among which inputs are looked for; nil: on disk
	Place       string            // folder that takes the place of the dataset; "": none
	Expanded    string            // cmd with placeholders filled in
	In, ExtraIn *iospec.Globbed
	Out         *iospec.Globbed
}

// errOutside says that the user's folder is not in the dataset.
func errOutside(d *dataset.Dataset) error {
	err := fmt.Errorf("the current folder %s is not in the dataset %s", d.Env.Cwd, d.Path())
	return errs.WithHint(err, "change to a folder of the dataset; the job runs where the command is given")
}

// New finds the folder of the command.
func New(d *dataset.Dataset, dir string) (*Work, error) {
	top, err := d.RealPath()
	if err != nil {
		return nil, err
	}
	real := top
	if filepath.Clean(dir) != filepath.Clean(d.Path()) {
		if real, err = filepath.EvalSymlinks(dir); err != nil {
			return nil, err
		}
	}
	rel, err := filepath.Rel(top, real)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return nil, errOutside(d)
	}
	return &Work{Top: top, Dir: real, Pwd: filepath.ToSlash(rel)}, nil
}

const substitutionPrefix = "datalad.run.substitutions."

// Substitutions are the configured placeholders.
func Substitutions(d *dataset.Dataset) map[string]string {
	m := map[string]string{}
	for _, key := range d.ConfigKeys(substitutionPrefix) {
		m[strings.TrimPrefix(key, substitutionPrefix)] = d.Config(key)
	}
	return m
}

// FillIn expands placeholders in the specifications, prepares the globs, and
// expands the command.
func (w *Work) FillIn(d *dataset.Dataset) error {
	subst := Substitutions(d)
	if err := w.FillSpecs(subst); err != nil {
		return err
	}
	glob := iospec.New
	if w.Files != nil {
		glob = func(list []string, dir string) *iospec.Globbed { return iospec.NewIn(w.Files, list, dir) }
	}
	w.In, w.ExtraIn, w.Out = glob(w.Inputs, w.Dir), glob(w.Extra, w.Dir), glob(w.Outputs, w.Dir)
	return w.fillCommand(d, subst)
}

// FillSpecs expands placeholders in the specifications.
func (w *Work) FillSpecs(subst map[string]string) error {
	hidden, reveal := jobpath.ProtectTasks(w.Outputs, subst)
	w.Outputs = hidden
	v := iospec.SpecValues{Inputs: w.Inputs, ExtraInputs: w.Extra, Outputs: hidden, Substitutions: subst}
	for _, list := range []*[]string{&w.Inputs, &w.Extra, &w.Outputs} {
		expanded, err := iospec.ExpandSpecs(*list, v)
		if err != nil {
			return err
		}
		*list = expanded
	}
	for _, list := range [][]string{w.Inputs, w.Extra, w.Outputs} {
		reveal(list)
	}
	return nil
}

func (w *Work) fillCommand(d *dataset.Dataset, subst map[string]string) error {
	v := iospec.Values{Pwd: w.Dir, DSPath: d.Path(), Substitutions: subst, TmpDir: func() (string, error) {
		return os.MkdirTemp("", "datalad-run-")
	}}
	if w.Place != "" {
		v.Pwd, v.DSPath = filepath.Join(w.Place, filepath.FromSlash(w.Pwd)), w.Place
	}
	if strings.Contains(w.Cmd, "{inputs") {
		v.Inputs = w.In.Expand()
	}
	if strings.Contains(w.Cmd, "{outputs") {
		v.Outputs = w.Out.Expand()
	}
	var err error
	w.Expanded, err = iospec.ExpandCommand(w.Cmd, v)
	return errors.Join(err, w.In.Err(), w.Out.Err())
}

// InputGlobs are the globs that have anything to look for.
func (w *Work) InputGlobs() (list []*iospec.Globbed) {
	for _, g := range []*iospec.Globbed{w.In, w.ExtraIn} {
		if len(g.Paths()) > 0 {
			list = append(list, g)
		}
	}
	return list
}

// Canonical and CanonicalPath look at each name on disk once per command.
func (w *Work) Canonical(text string) (jobpath.Spec, error) {
	return jobpath.NewLocator(w.Top, w.Memo()).Canonical(w.Dir, text)
}

func (w *Work) canonicalPath(text string) (jobpath.Spec, error) {
	return jobpath.NewLocator(w.Top, w.Memo()).CanonicalPath(w.Dir, text)
}

// Memo is what was looked at already; see jobpath.NewLocator.
func (w *Work) Memo() map[string]string {
	if w.Links == nil {
		w.Links = map[string]string{}
	}
	return w.Links
}

// CheckInputs returns an error that names the inputs of which nothing exists.
func (w *Work) CheckInputs() error {
	var misses []string
	for _, g := range w.InputGlobs() {
		for _, miss := range g.Misses() {
			if spec, err := w.Canonical(miss); err != nil || !w.comes(spec) {
				misses = append(misses, miss)
			}
		}
		if err := g.Err(); err != nil {
			return err
		}
	}
	if len(misses) == 0 {
		return nil
	}
	return fmt.Errorf("Input did not match existing file: %s", strings.Join(misses, ", ")) //nolint:staticcheck // DataLad's text
}

// InputPaths lists the existing inputs, canonical and relative to the top;
// those outside the dataset are absolute.
func (w *Work) InputPaths() ([]string, error) {
	var list []string
	for _, g := range w.InputGlobs() {
		for _, p := range g.ExpandStrict() {
			spec, err := w.canonicalPath(p)
			if err != nil {
				return nil, fmt.Errorf("input %w", err)
			}
			if !jobrec.ClaimedBy(w.Ahead, spec.Fixed) {
				list = append(list, spec.Fixed)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// comes reports whether an input is made by a job that is waited for.
func (w *Work) comes(spec jobpath.Spec) bool {
	for _, p := range w.Ahead {
		if slices.Contains(p.Inputs, spec.Pattern) {
			return true
		}
	}
	return false
}
