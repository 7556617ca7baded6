package dataset

import (
	"context"
	"maps"
	"slices"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/result"
)

// summary reports the named paths that no record was about yet, as DataLad
// does.
func (g *getting) summary(ctx context.Context) error {
	if err := g.correctLogs(ctx); err != nil || g.opt.Quiet {
		return err
	}
	for _, p := range g.named {
		if g.failed[p.rel] || g.done[p.rel] || p.rel == "." {
			continue
		}
		r := result.New("get", result.NotNeeded, p.abs, result.File).Ref(g.d.Path())
		if p.dir {
			r = folderRecord(g.d, r, p, g.done, g.failed, "get")
		} else {
			r = r.Msg("already present")
		}
		if err := g.sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}

// folderRecord says how it went for a named folder.
func folderRecord(d *Dataset, r result.Record, p namedPath, done, failed map[string]bool, verb string) result.Record {
	r.Type = result.Dir
	var bad []any
	for _, rel := range slices.Sorted(maps.Keys(failed)) {
		if underAny(rel, []string{p.rel}) {
			bad = append(bad, d.Repo.Path(rel))
		}
	}
	if len(bad) > 0 {
		return r.As(result.Impossible).With("message", result.Tuple{"could not " + verb + " some content in %s %s", p.abs, bad})
	}
	for rel := range done {
		if underAny(rel, []string{p.rel}) {
			return r.As(result.OK)
		}
	}
	return r.With("message", result.Tuple{"nothing to " + verb + " from %s", p.abs})
}

// correctLogs says in the location log that content is here which the user
// named and the log does not know of: a get that was killed at the wrong
// moment is completed by repeating it.
func (g *getting) correctLogs(ctx context.Context) error {
	var keys []annexkey.Key
	for _, p := range g.named {
		if !p.dir && !p.key.IsZero() {
			keys = append(keys, p.key)
		}
	}
	return g.d.correctLocations(ctx, keys, "stemma get")
}

// correctLocations publishes those locations that the log has wrong.
func (d *Dataset) correctLocations(ctx context.Context, keys []annexkey.Key, reason string) error {
	var wrong []annexkey.Key
	for _, k := range keys {
		data, err := d.Annex.ReadLog(ctx, annexlog.LocationPath(k))
		if err != nil {
			return err
		}
		line, _ := annexlog.ParsePresence(data).Get(d.Annex.UUID)
		if (line.Status == annexlog.StatusPresent) != d.Annex.Has(k) {
			wrong = append(wrong, k)
		}
	}
	return d.publishLocations(ctx, wrong, reason)
}
