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

	tasks    []int             // of the array, where outputs name them and they are known
	redo     *redo             // tasks of an array, if not all
	ahead    []producer        // open jobs that make inputs, which need not exist yet
	links    map[string]string // see locator
	files    iospec.Files      // among which inputs are looked for; nil: on disk
	place    string            // folder that takes the place of the dataset; "": none
	expanded string            // cmd with placeholders filled in
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
	subst := substitutions(d)
	if err := w.fillSpecs(subst); err != nil {
		return err
	}
	glob := iospec.New
	if w.files != nil {
		glob = func(list []string, dir string) *iospec.Globbed { return iospec.NewIn(w.files, list, dir) }
	}
	w.in, w.xin, w.out = glob(w.inputs, w.dir), glob(w.extra, w.dir), glob(w.outputs, w.dir)
	return w.fillCommand(d, subst)
}

// fillSpecs expands placeholders in the specifications.
func (w *work) fillSpecs(subst map[string]string) error {
	hidden, reveal := protectTasks(w.outputs, subst)
	w.outputs = hidden
	v := iospec.SpecValues{Inputs: w.inputs, ExtraInputs: w.extra, Outputs: hidden, Substitutions: subst}
	for _, list := range []*[]string{&w.inputs, &w.extra, &w.outputs} {
		expanded, err := iospec.ExpandSpecs(*list, v)
		if err != nil {
			return err
		}
		*list = expanded
	}
	for _, list := range [][]string{w.inputs, w.extra, w.outputs} {
		reveal(list)
	}
	return nil
}

func (w *work) fillCommand(d *dataset.Dataset, subst map[string]string) error {
	v := iospec.Values{Pwd: w.dir, DSPath: d.Path(), Substitutions: subst, TmpDir: func() (string, error) {
		return os.MkdirTemp("", "datalad-run-")
	}}
	if w.place != "" {
		v.Pwd, v.DSPath = filepath.Join(w.place, filepath.FromSlash(w.pwd)), w.place
	}
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

// inputGlobs are the globs that have anything to look for.
func (w *work) inputGlobs() (list []*iospec.Globbed) {
	for _, g := range []*iospec.Globbed{w.in, w.xin} {
		if len(g.Paths()) > 0 {
			list = append(list, g)
		}
	}
	return list
}

// canonical and canonicalPath look at each name on disk once per command.
func (w *work) canonical(text string) (pathSpec, error) {
	return (&locator{w.top, w.memo()}).canonical(w.dir, text)
}

func (w *work) canonicalPath(text string) (pathSpec, error) {
	return (&locator{w.top, w.memo()}).canonicalPath(w.dir, text)
}

func (w *work) memo() map[string]string {
	if w.links == nil {
		w.links = map[string]string{}
	}
	return w.links
}

// checkInputs returns an error that names the inputs of which nothing exists.
func (w *work) checkInputs() error {
	var misses []string
	for _, g := range w.inputGlobs() {
		for _, miss := range g.Misses() {
			if spec, err := w.canonical(miss); err != nil || !w.comes(spec) {
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

// inputPaths lists the existing inputs, canonical and relative to the top;
// those outside the dataset are absolute.
func (w *work) inputPaths() ([]string, error) {
	var list []string
	for _, g := range w.inputGlobs() {
		for _, p := range g.ExpandStrict() {
			spec, err := w.canonicalPath(p)
			if err != nil {
				return nil, fmt.Errorf("input %w", err)
			}
			if !claimedBy(w.ahead, spec.Fixed) {
				list = append(list, spec.Fixed)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// comes reports whether an input is made by a job that is waited for.
func (w *work) comes(spec pathSpec) bool {
	for _, p := range w.ahead {
		if slices.Contains(p.Inputs, spec.Pattern) {
			return true
		}
	}
	return false
}
