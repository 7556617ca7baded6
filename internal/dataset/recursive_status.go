package dataset

import (
	"context"
	"errors"
	"path/filepath"
	"sort"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// looking is one status in a hierarchy of datasets.
type looking struct {
	top  *Dataset
	opt  StatusOptions
	sink result.Sink
	seen map[string]bool // datasets that were reported, by path
}

// Status reports the state of the paths: untracked ones first, then those in
// the index, then those removed from it; what a subdataset holds follows its
// own record. Records are DataLad's (status).
func (d *Dataset) Status(ctx context.Context, opt StatusOptions, sink result.Sink) error {
	l := &looking{top: d, opt: opt, sink: sink, seen: map[string]bool{}}
	list, err := l.sort()
	if err != nil {
		return err
	}
	for _, p := range list {
		sub, done, err := d.at(ctx, p.rel)
		if err != nil {
			return err
		}
		scope := Scope{Paths: p.scopePaths()}
		if len(opt.Paths) == 0 {
			err = l.passOver(ctx, sub, &scope)
		}
		if err == nil {
			err = l.one(ctx, sub, scope, opt.Levels)
		}
		done()
		if err != nil {
			return err
		}
	}
	return nil
}

// sort puts the typed paths to their datasets, in the order of the paths.
// Those outside are reported.
func (l *looking) sort() ([]*part, error) {
	ps := parts{}
	if len(l.opt.Paths) == 0 {
		ps.at(".").whole = true
		return ps.sorted(), nil
	}
	var order []*part
	type place struct{ ds, rel string }
	var places []place
	for _, typed := range l.opt.Paths {
		rel, err := l.top.Rel(typed)
		if err != nil {
			r := result.New("status", result.Error, l.top.Abs(typed), "").Ref(l.top.Path()).Msg(err.Error())
			if err := l.sink.Emit(r); err != nil {
				return nil, err
			}
			continue
		}
		places = append(places, place{l.top.place(typed, rel, l.opt.FromTop), rel})
	}
	sort.SliceStable(places, func(i, j int) bool { return places[i].rel < places[j].rel })
	for _, p := range places {
		if ps[p.ds] == nil {
			order = append(order, ps.at(p.ds))
		}
		ps.add(p.ds, p.rel)
	}
	return order, nil
}

// passOver leaves out what running jobs write.
func (l *looking) passOver(ctx context.Context, d *Dataset, scope *Scope) error {
	claims, err := d.Claims(ctx)
	scope.Exclude = claims.passOver(d.Env.Log)
	return err
}

// one reports on one dataset, and on levels of those below it.
func (l *looking) one(ctx context.Context, d *Dataset, scope Scope, levels int) error {
	if l.seen[d.Path()] {
		return nil
	}
	l.seen[d.Path()] = true
	scope.NoUntracked, scope.AllUntracked = l.opt.Untracked == "no", l.opt.Untracked == "all"
	scope.Subdatasets = l.opt.Eval
	changes, err := l.changes(ctx, d, scope)
	if err != nil {
		return err
	}
	// Where subdatasets are looked into, a clean one has nothing to report.
	if l.opt.Clean || l.opt.Eval == EvalNone || l.opt.Eval == EvalCommit && levels != 0 {
		if changes, err = d.withClean(changes, scope); err != nil {
			return err
		}
	}
	for _, c := range changes {
		if err := l.report(ctx, d, c); err != nil {
			return err
		}
		if levels != 0 && c.Type == result.Dataset {
			if err := l.below(ctx, d, c.Path, levels-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// changes asks git only where something can have changed, if the dataset is
// one of many.
func (l *looking) changes(ctx context.Context, d *Dataset, scope Scope) ([]Change, error) {
	if d != l.top && len(scope.Paths) == 0 {
		if clean, err := d.certainlyClean(ctx, scope); clean || err != nil {
			return nil, err
		}
	}
	return d.Changes(ctx, scope)
}

func (l *looking) below(ctx context.Context, d *Dataset, rel string, levels int) error {
	sub, err := d.Sub(ctx, rel)
	if errors.Is(err, git.ErrNoRepository) {
		return nil
	}
	if err != nil {
		return err
	}
	defer sub.Repo.Close()
	var scope Scope
	if err := l.passOver(ctx, sub, &scope); err != nil {
		return err
	}
	return l.one(ctx, sub, scope, levels)
}

// report shows one path, unless it is clean and nobody asked.
func (l *looking) report(ctx context.Context, d *Dataset, c Change) error {
	unknown := l.opt.Eval == EvalNone && c.Type == result.Dataset && (c.State == Clean || c.State == Modified)
	if c.State == Clean && !l.opt.Clean && !unknown {
		return nil
	}
	r, err := d.statusRecord(ctx, c, l.opt)
	if err != nil {
		return err
	}
	r = r.Ref(l.top.Path())
	switch {
	case unknown:
		delete(r.Fields, "state")
	case c.State == Modified && c.Type == result.Dataset && !c.Gone:
		if r, err = d.withHead(ctx, r, c.Path); err != nil {
			return err
		}
	}
	return l.sink.Emit(r)
}

// withHead says which commit a subdataset is at, in place of the one that the
// index has.
func (d *Dataset) withHead(ctx context.Context, r result.Record, rel string) (result.Record, error) {
	sub, err := d.Sub(ctx, filepath.ToSlash(rel))
	if errors.Is(err, git.ErrNoRepository) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	defer sub.Repo.Close()
	head, err := sub.RecordedHead(ctx)
	if err != nil || head == "" {
		return r, err
	}
	return r.With("gitshasum", string(head)), nil
}
