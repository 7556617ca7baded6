package siblings

import (
	"context"
	"fmt"
	"slices"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/result"
)

// Query reports the siblings, or the one with the name.
func Query(ctx context.Context, d *dataset.Dataset, name string, annexInfo bool, sink result.Sink) error {
	known := Names(d)
	list := append([]string{Here}, known...)
	if name != "" {
		list = []string{name}
	}
	f, err := readFacts(ctx, d)
	if err != nil {
		return err
	}
	for _, n := range list {
		r := f.record(d, "query-sibling", n, annexInfo)
		if n != Here && !slices.Contains(known, n) {
			r = result.New("query-sibling", result.Error, d.Path(), result.Sibling).Ref(d.Path()).With("name", n).Msg("unknown sibling name")
		}
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}

// Remove forgets a sibling, with its branches.
func Remove(ctx context.Context, d *dataset.Dataset, name string, sink result.Sink) error {
	if name == "" {
		return errs.WithExit(fmt.Errorf("no sibling name given"), errs.ExitUsage)
	}
	r := result.New("remove-sibling", result.NotNeeded, d.Path(), result.Sibling).Ref(d.Path()).With("name", name)
	if !slices.Contains(Names(d), name) {
		return sink.Emit(r)
	}
	if err := CheckName(name); err != nil {
		return err
	}
	if _, err := d.Repo.Output(ctx, "remote", "remove", name); err != nil {
		return err
	}
	return sink.Emit(r.As(result.OK))
}

// EnableNamed enables the special remote with the name.
func EnableNamed(ctx context.Context, d *dataset.Dataset, name string, sink result.Sink) error {
	r := result.New("enable-sibling", result.Impossible, d.Path(), result.Sibling).Ref(d.Path()).With("name", nil)
	if name != "" {
		r = r.With("name", name)
	}
	if err := d.EnsureAnnex(ctx); err != nil { // of a clone that git has made
		return err
	}
	switch {
	case d.Annex == nil:
		return sink.Emit(r.Msg("cannot enable sibling of non-annex dataset"))
	case name == "":
		return sink.Emit(r.As(result.Error).Msg("require `name` of sibling to enable"))
	}
	list, err := Specials(ctx, d)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(s Special) bool { return s.Name == name })
	if i < 0 {
		return sink.Emit(r.With("message", result.Tuple{"cannot enable sibling '%s', not known", name}))
	}
	if err := Enable(ctx, d, list[i]); err != nil {
		return sink.Emit(r.As(result.Error).Msg(err.Error()))
	}
	return sink.Emit(r.As(result.OK))
}
