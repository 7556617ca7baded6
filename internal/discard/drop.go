// Package discard takes things away safely: content, all content of a dataset,
// datasets themselves, and files of a dataset together with their history's
// newest state. It decides whether they may go; the transfer package proves and
// carries out what is decided for content.
package discard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/result"
)

// What is dropped.
const (
	FileContent = "filecontent" // content of the files of the present commit
	AllKeys     = "allkeys"     // all content in the annex
	Datasets    = "datasets"    // whole datasets
	All         = "all"         // datasets, or content where a path is none
)

// Checks that can be left out.
const (
	Modification = "modification" // unsaved changes
	Availability = "availability" // other copies, of content and of commits
	Undead       = "undead"       // siblings still count on the annex
	Kill         = "kill"         // all of them
)

// Options says what is taken away.
type Options struct {
	Paths    []string // as typed; none: the whole dataset
	What     string   // "" is FileContent
	Reckless string   // the check to leave out, "" for none
	Levels   int      // of subdatasets
	Jobs     int
}

func (o *Options) wholes() bool { return o.What == Datasets || o.What == All }

// Drop deletes content or datasets. Nothing is deleted before all that is to go
// has passed the checks.
func Drop(ctx context.Context, d *dataset.Dataset, opt Options, sink result.Sink) error {
	if opt.What == "" {
		opt.What = FileContent
	}
	if opt.wholes() && opt.Reckless == Kill && opt.Levels == 0 {
		return errs.WithHint(errors.New("a reckless kill takes the subdatasets along"), "say so with --recursive")
	}
	r := &dropping{opt: opt, top: d}
	r.sink = result.SinkFunc(func(rec result.Record) error { return sink.Emit(rec.Ref(d.Path())) })
	targets, err := r.targets(ctx)
	defer r.close()
	if err != nil {
		return err
	}
	if opt.wholes() {
		for _, t := range targets {
			if t.holds(d.Env.Cwd) {
				return errs.WithHint(errors.New("refuse to perform actions that would remove the current working directory"), "leave it first: cd ..")
			}
		}
		if ok, err := r.check(ctx, targets); err != nil || !ok {
			return err
		}
	}
	for _, t := range targets {
		if err := r.drop(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// dropping is one run of Drop.
type dropping struct {
	opt    Options
	top    *dataset.Dataset
	sink   result.Sink
	opened []*dataset.Dataset
}

func (r *dropping) close() {
	for _, d := range r.opened {
		d.Repo.Close()
	}
}

// target is what goes in one dataset.
type target struct {
	d     *dataset.Dataset
	paths []string // absolute; nil: the dataset as a whole
}

func (t *target) whole() bool {
	return t.paths == nil || slices.Contains(t.paths, t.d.Path())
}

// within lists the paths relative to the dataset; nil: all of it.
func (t *target) within() ([]string, error) {
	if t.whole() {
		return nil, nil
	}
	rels := make([]string, len(t.paths))
	for i, p := range t.paths {
		var err error
		if rels[i], err = t.d.Rel(p); err != nil {
			return nil, err
		}
	}
	return rels, nil
}

// holds reports whether the folder would vanish with the target.
func (t *target) holds(dir string) bool {
	list := t.paths
	if list == nil {
		list = []string{t.d.Path()}
	}
	for _, p := range list {
		if rel, err := filepath.Rel(p, dir); err == nil && (rel == "." || filepath.IsLocal(rel)) {
			return true
		}
	}
	return false
}

// targets lists what goes, dataset by dataset, those that lie deeper first.
func (r *dropping) targets(ctx context.Context) ([]*target, error) {
	byPath := map[string]*target{}
	if len(r.opt.Paths) == 0 {
		byPath[r.top.Path()] = &target{d: r.top}
	}
	for _, typed := range r.opt.Paths {
		if err := r.place(ctx, typed, byPath); err != nil {
			return nil, err
		}
	}
	if err := r.descend(ctx, byPath); err != nil {
		return nil, err
	}
	order := slices.Sorted(maps.Keys(byPath))
	slices.Reverse(order)
	list := make([]*target, len(order))
	for i, p := range order {
		list[i] = byPath[p]
	}
	return list, nil
}

// place finds the dataset that a typed path is about. The top of a subdataset
// that is here means all of it.
func (r *dropping) place(ctx context.Context, typed string, byPath map[string]*target) error {
	path := typed
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.top.Env.Cwd, path)
	}
	path = filepath.Clean(path)
	rel, err := r.top.Rel(path)
	if err != nil {
		rec := result.New("drop", result.Error, path, "")
		return r.sink.Emit(rec.With("message", result.Tuple{"path not underneath the reference dataset %s", "Dataset(" + r.top.Path() + ")"}))
	}
	d := r.top
	for rel != "." {
		e, ok, err := d.GitlinkAbove(rel)
		if err != nil {
			return err
		}
		if !ok || !d.IsHere(e.Path) {
			break
		}
		if d, err = r.sub(ctx, d.Repo.Path(filepath.FromSlash(e.Path))); err != nil {
			return err
		}
		if rel, err = filepath.Rel(e.Path, rel); err != nil {
			return err
		}
	}
	t := byPath[d.Path()]
	if t == nil {
		t = &target{d: d}
		byPath[d.Path()] = t
	}
	t.paths = append(t.paths, d.Repo.Path(filepath.FromSlash(rel)))
	return nil
}

// sub opens a subdataset that is here, once.
func (r *dropping) sub(ctx context.Context, path string) (*dataset.Dataset, error) {
	for _, d := range r.opened {
		if d.Path() == path {
			return d, nil
		}
	}
	repo, err := r.top.Repo.OpenBelow(ctx, path)
	if err != nil {
		return nil, err
	}
	d, err := dataset.From(repo, r.top.Env)
	if err == nil {
		d.Settle(ctx)
		r.opened = append(r.opened, d)
	}
	return d, err
}

// descend adds the subdatasets below the targets.
func (r *dropping) descend(ctx context.Context, byPath map[string]*target) error {
	if r.opt.Levels == 0 || r.opt.wholes() && r.opt.Reckless == Kill {
		return nil
	}
	var found []string
	for _, t := range byPath {
		opt := dataset.SubdatasetsOptions{State: "present", Levels: r.opt.Levels, Paths: t.paths}
		if t.whole() {
			opt.Paths = nil
		}
		err := t.d.Subdatasets(ctx, opt, func(s *dataset.Subdataset) error {
			found = append(found, s.Abs)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, path := range found {
		d, err := r.sub(ctx, path)
		if err != nil {
			return err
		}
		byPath[path] = &target{d: d}
	}
	return nil
}

// drop takes one target away.
func (r *dropping) drop(ctx context.Context, t *target) error {
	what := r.opt.What
	switch {
	case what == All && !t.whole():
		what = FileContent
	case what == Datasets && !t.whole():
		return nil
	case what == AllKeys && !t.whole():
		rec := result.New("drop", result.Impossible, t.d.Path(), result.Dataset)
		list := "[PosixPath('" + strings.Join(t.paths, "'), PosixPath('") + "')]"
		return r.sink.Emit(rec.With("message", result.Tuple{"cannot drop %s, with path constraints given: %s", what, list}))
	}
	if what == FileContent {
		return dropContent(ctx, t, r.opt, r.sink)
	}
	if r.opt.Reckless != Kill {
		if what == AllKeys {
			if ok, err := r.unchanged(ctx, t, nil); err != nil || !ok {
				return err
			}
		}
		all, err := dropKeys(ctx, t.d, r.opt.Reckless == Availability, r.opt.Jobs, r.sink)
		if err != nil || !all {
			return err
		}
	}
	if what == AllKeys {
		return nil
	}
	if err := wipe(ctx, t.d); err != nil {
		return fmt.Errorf("drop %s: %w", t.d.Path(), err)
	}
	return r.sink.Emit(result.New("uninstall", result.OK, t.d.Path(), result.Dataset))
}
