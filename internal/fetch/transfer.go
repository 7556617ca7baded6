package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/transfer"
)

// fetched is the outcome for one key.
type fetched struct {
	from remote.Remote // nil: it was here already
	err  error
}

// fetch brings a portion here and reports it. What has arrived is recorded
// even if an interrupt ends the work.
func (g *getting) fetch(ctx context.Context, files []absentFile) error {
	outcome, failure := g.transfer(ctx, files)
	var keys []annexkey.Key
	for k, o := range outcome {
		if o.err == nil {
			keys = append(keys, k)
		}
	}
	if err := g.record(context.WithoutCancel(ctx), keys); err != nil {
		return errors.Join(failure, err)
	}
	for _, f := range files {
		o, ok := outcome[f.key]
		if !ok {
			continue
		}
		if err := g.report(ctx, f, *o); err != nil {
			return err
		}
	}
	return failure
}

// transfer fetches the keys of the files, some at once. The error is for what
// concerns all.
func (g *getting) transfer(ctx context.Context, files []absentFile) (map[annexkey.Key]*fetched, error) {
	getter := g.d.Getter(nil)
	getter.Sweep(g.d.Now())
	var sources []remote.Remote
	for _, p := range g.peers {
		if p.Remote != nil {
			sources = append(sources, p.Remote)
		}
	}
	outcome := map[annexkey.Key]*fetched{}
	for _, f := range files {
		transfer.Expect(getter.Progress, f.key, f.rel)
	}
	group, gctx := errgroup.WithContext(ctx)
	limit := g.d.Jobs(g.opt.Jobs)
	if len(sources) > 0 && g.opt.Jobs <= 0 {
		limit = remote.AtOnce(sources[0], limit)
	}
	group.SetLimit(limit)
	for _, f := range files {
		if outcome[f.key] != nil || gctx.Err() != nil {
			continue
		}
		o := &fetched{}
		outcome[f.key] = o
		group.Go(func() error {
			if g.d.Annex.Has(f.key) {
				return nil
			}
			o.from, o.err = getter.Get(gctx, f.key, sources)
			if o.err != nil && (errs.Fatal(o.err) || gctx.Err() != nil) {
				return o.err
			}
			return nil
		})
	}
	err := group.Wait()
	return outcome, errors.Join(err, ctx.Err())
}

// record makes what has arrived durable, then tells the git-annex branch, then
// fills the unlocked files.
func (g *getting) record(ctx context.Context, keys []annexkey.Key) error {
	if len(keys) == 0 {
		return nil
	}
	if err := g.d.Annex.SyncObjects(keys); err != nil {
		return err
	}
	if err := g.d.PublishLocations(ctx, keys, "stemma get"); err != nil {
		return err
	}
	return g.d.Populate(ctx, keys)
}

func (g *getting) report(ctx context.Context, f absentFile, o fetched) error {
	r := g.d.Record("get", f.rel, result.File).With("annexkey", f.key.String())
	switch {
	case o.err != nil:
		g.failed[f.rel] = true
		msg, err := g.explain(ctx, f.key, o.err)
		if err != nil {
			return err
		}
		r = r.As(result.Error).Msg(msg)
	case o.from != nil:
		g.done[f.rel] = true
		r = r.Msg("from " + o.from.Name() + "...")
	default:
		return nil // another process was faster, or only a pointer was filled
	}
	return g.sink.Emit(r)
}

// explain adds to an error which remotes have the content by the logs, but do
// not have it or could not be asked.
func (g *getting) explain(ctx context.Context, k annexkey.Key, cause error) (string, error) {
	var unavailable *transfer.UnavailableError
	if !errors.As(cause, &unavailable) {
		return cause.Error(), nil
	}
	if g.logs == nil {
		logs, err := g.d.BranchLogs(ctx)
		if err != nil {
			return "", err
		}
		g.logs = logs
	}
	where, err := g.logs.Locations(ctx, k)
	if err != nil {
		return "", err
	}
	msg := cause.Error()
	for _, p := range g.peers {
		recorded := slices.Contains(where, p.UUID())
		if p.Remote != nil {
			if recorded && slices.Contains(unavailable.Absent, p.Remote.Name()) {
				msg += fmt.Sprintf("; %s: it should be there, but is not", p.Spec.Name)
			}
			continue
		}
		if p.UUID() != "" && !recorded {
			continue
		}
		msg += fmt.Sprintf("; %s: %v", strings.TrimSpace(p.Spec.Name+" "+p.Spec.URL), p.Err)
	}
	return msg, nil
}
