package clone

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// level is the subdatasets of one dataset that are looked at.
type level struct {
	p    *parent
	subs []gitindex.Entry
}

// underneath obtains the subdatasets at and below a path, level by level, those
// of a level side by side.
func (g *getting) underneath(ctx context.Context, d *dataset.Dataset, start string) error {
	if !g.opt.Existing {
		note := "Ensuring presence of Dataset(" + d.Path() + ")"
		if start != d.Path() {
			note += " to get " + start
		}
		g.top.Env.Log.Info(note)
	}
	front := []*dataset.Dataset{d}
	for depth := 0; len(front) > 0 && (g.opt.Levels == dataset.AllLevels || depth < g.opt.Levels); depth++ {
		var next []*dataset.Dataset
		for _, d := range front {
			below, err := g.below(ctx, d, start)
			if err != nil {
				return err
			}
			next = append(next, below...)
		}
		front, start = next, ""
	}
	return nil
}

// manyClones is how many subdatasets are obtained before their superdataset
// notes where they are from. Until then each holds a lock, which is an open file.
const manyClones = 128

// below obtains the subdatasets of one dataset, and returns all that are here
// afterwards.
func (g *getting) below(ctx context.Context, d *dataset.Dataset, start string) ([]*dataset.Dataset, error) {
	l, err := g.level(ctx, d, start)
	if err != nil {
		return nil, err
	}
	var here []*dataset.Dataset
	for subs := range slices.Chunk(l.subs, manyClones) {
		some, err := g.some(ctx, &level{p: l.p, subs: subs})
		if err != nil {
			return nil, err
		}
		here = append(here, some...)
	}
	return here, nil
}

// some is below for some of the subdatasets.
func (g *getting) some(ctx context.Context, l *level) ([]*dataset.Dataset, error) {
	d := l.p.d
	outcome, err := g.obtain(ctx, l)
	var got []*installed
	for _, out := range outcome {
		if out == nil {
			continue
		}
		got = append(got, out)
		if out.d != nil {
			g.want(out.d, out.path)
		}
	}
	if e := g.took(l.p, "", got...); e != nil || err != nil {
		return nil, errors.Join(e, err)
	}
	var here []*dataset.Dataset
	for i, e := range l.subs {
		if out := outcome[i]; out != nil {
			if out.d != nil {
				here = append(here, out.d)
			}
			continue
		}
		if !d.IsHere(e.Path) {
			continue
		}
		sub, err := g.open(ctx, d, e.Path)
		if err != nil {
			return nil, err
		}
		g.want(sub, sub.Path())
		here = append(here, sub)
	}
	return here, nil
}

// level lists the subdatasets at or below start.
func (g *getting) level(ctx context.Context, d *dataset.Dataset, start string) (*level, error) {
	p, err := newParent(ctx, d)
	if err != nil {
		return nil, err
	}
	links, err := d.Gitlinks()
	if err != nil {
		return nil, err
	}
	l := &level{p: p}
	for _, e := range links {
		if start == "" || isWithin(d.Repo.Path(filepath.FromSlash(e.Path)), start) {
			l.subs = append(l.subs, e)
		}
	}
	return l, nil
}

func isWithin(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// obtain installs those that are not here; the others have no outcome.
func (g *getting) obtain(ctx context.Context, l *level) ([]*installed, error) {
	outcome := make([]*installed, len(l.subs))
	if g.opt.Existing {
		return outcome, nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(g.jobs())
	for i, e := range l.subs {
		m := l.p.modules[e.Path]
		if l.p.d.IsHere(e.Path) || m.Get("datalad-recursiveinstall") == "skip" {
			continue
		}
		group.Go(func() error {
			contains := []any{l.p.d.Repo.Path(filepath.FromSlash(e.Path))}
			out, err := g.install(ctx, l.p, e, nil, contains)
			outcome[i] = out
			return err
		})
	}
	return outcome, group.Wait()
}

// jobs is how many subdatasets are obtained at once.
func (g *getting) jobs() int {
	const few = 4
	if g.opt.Jobs > 0 {
		return g.opt.Jobs
	}
	return few
}
