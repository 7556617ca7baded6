package fetch

import (
	"context"

	"github.com/stemma-data/stemma/internal/annexkey"
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
			r = g.d.FolderRecord(r, p.rel, g.done, g.failed, "get")
		} else {
			r = r.Msg("already present")
		}
		if err := g.sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
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
	return g.d.CorrectLocations(ctx, keys, "stemma get")
}
