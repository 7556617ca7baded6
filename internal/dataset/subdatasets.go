package dataset

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// SubdatasetsOptions say which subdatasets are reported, and what is changed
// about them.
type SubdatasetsOptions struct {
	// Paths, absolute, limit the report to subdatasets at or below them; nil
	// for all.
	Paths []string
	// State is "present", "absent", or "" for both.
	State    string
	Levels   int      // of subdatasets; AllLevels for all, 1 for direct ones
	Contains []string // absolute: only subdatasets that hold one of these paths
	BottomUp bool     // report each subdataset after those in it
	// Set and Delete change properties in .gitmodules, which is saved.
	Set    [][2]string
	Delete []string
}

// Subdataset is one registered subdataset.
type Subdataset struct {
	Module
	Abs      string // absolute path
	Parent   string // the dataset that it is registered in, absolute
	Commit   gitobj.OID
	Present  bool
	Contains []string // of the paths asked about, those in it
}

// Record is the subdataset as DataLad reports it.
func (s *Subdataset) Record(action, refds string) result.Record {
	state := "absent"
	if s.Present {
		state = "present"
	}
	r := result.New(action, result.OK, s.Abs, result.Dataset)
	r.Fields = make(map[string]any, 8)
	r.Fields["parentds"], r.Fields["refds"], r.Fields["state"] = s.Parent, refds, state
	r.Fields["gitshasum"], r.Fields["gitmodule_name"] = string(s.Commit), s.Name
	for _, p := range s.Properties {
		if p[0] != "path" {
			r.Fields["gitmodule_"+p[0]] = p[1]
		}
	}
	if len(s.Contains) > 0 {
		r.Fields["contains"] = s.Contains
	}
	return r
}

// Subdatasets calls report for registered subdatasets, in index order, each
// before or after those in it. It starts no process, whatever their number.
func (d *Dataset) Subdatasets(ctx context.Context, opt SubdatasetsOptions, report func(*Subdataset) error) error {
	if opt.Levels == 0 {
		return nil
	}
	w := &subWalk{opt: opt, report: report}
	return w.in(ctx, d, opt.Levels)
}

// subWalk is one walk through a hierarchy of datasets.
type subWalk struct {
	opt    SubdatasetsOptions
	report func(*Subdataset) error
	// change, if not nil, is called for those that are reported of a dataset.
	change func(context.Context, *Dataset, []*Subdataset) error
}

func (w *subWalk) in(ctx context.Context, d *Dataset, levels int) error {
	list, err := w.list(d)
	if err != nil {
		return err
	}
	if w.change != nil {
		var chosen []*Subdataset
		for _, s := range list {
			if w.chosen(s) {
				chosen = append(chosen, s)
			}
		}
		if err := w.change(ctx, d, chosen); err != nil {
			return err
		}
	}
	for _, s := range list {
		if err := w.one(ctx, d, s, levels); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (w *subWalk) one(ctx context.Context, d *Dataset, s *Subdataset, levels int) error {
	wanted := w.chosen(s) && (w.opt.State == "" || s.Present == (w.opt.State == "present"))
	if wanted && !w.opt.BottomUp {
		if err := w.report(s); err != nil {
			return err
		}
	}
	if levels != 1 && s.Present {
		if err := w.below(ctx, d, s, levels-1); err != nil {
			return err
		}
	}
	if wanted && w.opt.BottomUp {
		return w.report(s)
	}
	return nil
}

func (w *subWalk) below(ctx context.Context, d *Dataset, s *Subdataset, levels int) error {
	sub, err := d.Sub(ctx, s.Path)
	if errors.Is(err, git.ErrNoRepository) {
		return nil
	}
	if err != nil {
		return err
	}
	defer sub.Repo.Close()
	return w.in(ctx, sub, max(levels, AllLevels))
}

// list reads what is registered in one dataset. While .gitmodules is read, the
// work tree is looked at.
func (w *subWalk) list(d *Dataset) ([]*Subdataset, error) {
	text, err := d.readModules()
	if err != nil || text == "" {
		return nil, err
	}
	links, err := d.gitlinks(Scope{})
	if err != nil {
		return nil, err
	}
	var list []*Subdataset
	for _, e := range links {
		s := &Subdataset{Module: Module{Path: e.Path}, Abs: d.Repo.Path(filepath.FromSlash(e.Path)), Parent: d.Path(), Commit: e.OID}
		if w.onTheWay(s) {
			list = append(list, s)
		}
	}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		d.markPresent(list)
	}()
	modules, err := parseModules(text)
	<-looked
	if err != nil {
		return nil, err
	}
	byPath := make(map[string]*Module, len(modules))
	for i := range modules {
		byPath[modules[i].Path] = &modules[i]
	}
	return slices.DeleteFunc(list, func(s *Subdataset) bool {
		m, registered := byPath[s.Path]
		if registered {
			s.Module = *m
		}
		return !registered
	}), nil
}

// onTheWay reports whether s, or anything in it, may be asked for.
func (w *subWalk) onTheWay(s *Subdataset) bool {
	for _, p := range w.opt.Contains {
		if atOrBelow(p, s.Abs) {
			s.Contains = append(s.Contains, p)
		}
	}
	if len(w.opt.Contains) > 0 && len(s.Contains) == 0 {
		return false
	}
	if w.opt.Paths == nil {
		return true
	}
	for _, p := range w.opt.Paths {
		if atOrBelow(p, s.Abs) || atOrBelow(s.Abs, p) {
			return true
		}
	}
	return false
}

// chosen reports whether s itself is asked for.
func (w *subWalk) chosen(s *Subdataset) bool {
	if w.opt.Paths == nil {
		return true
	}
	for _, p := range w.opt.Paths {
		if atOrBelow(s.Abs, p) {
			return true
		}
	}
	return false
}

// atOrBelow reports whether path is top or lies below it; both are absolute.
func atOrBelow(path, top string) bool {
	_, ok := below(top, path)
	return ok
}

// ReportSubdatasets emits a record for each subdataset that is asked for, and
// changes properties where opt says so: .gitmodules is saved once for each
// dataset in which it changed.
func (d *Dataset) ReportSubdatasets(ctx context.Context, opt SubdatasetsOptions, sink result.Sink) error {
	for _, p := range opt.Set {
		if !validProperty(p[0]) {
			err := fmt.Errorf("key '%s' is invalid (alphanumeric plus '-' only, must start with a letter)", p[0])
			return errs.WithHint(err, "name the property otherwise")
		}
	}
	found := map[string]bool{}
	w := &subWalk{opt: opt}
	w.report = func(s *Subdataset) error {
		for _, p := range s.Contains {
			found[p] = true
		}
		return sink.Emit(s.Record("subdataset", d.Path()))
	}
	if len(opt.Set)+len(opt.Delete) > 0 {
		w.change = func(ctx context.Context, in *Dataset, list []*Subdataset) error {
			return in.changeProperties(ctx, d.Path(), list, opt, sink)
		}
	}
	if opt.Levels != 0 {
		if err := w.in(ctx, d, opt.Levels); err != nil {
			return err
		}
	}
	for _, p := range opt.Contains {
		if found[p] {
			continue
		}
		found[p] = true
		r := result.New("subdataset", result.Impossible, p, "").Msg("path not contained in any matching subdataset")
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}
