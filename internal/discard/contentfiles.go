package discard

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// collect adds the annexed files at or below a named path that have content.
func (r *emptying) collect(ctx context.Context, index *gitindex.File, p *namedPath, seen map[string]bool) error {
	if r.d.Annex == nil {
		return nil
	}
	var entries []gitindex.Entry
	take := func(e gitindex.Entry) {
		if e.Mode != gitobj.ModeGitlink && !seen[e.Path] {
			seen[e.Path] = true
			entries = append(entries, e)
		}
	}
	top := p.rel
	if top == "." {
		top = ""
	}
	if e, ok := index.Lookup(p.rel); ok {
		take(e)
	} else {
		for e, err := range index.Under(top) {
			if err != nil {
				return err
			}
			take(e)
		}
	}
	found, err := r.content(ctx, entries)
	for i, f := range found {
		switch {
		case f.here:
			r.files = append(r.files, annexedFile{rel: entries[i].Path, key: f.key})
		case !f.key.IsZero() && r.d.KeepsContent(entries[i], f.key):
			r.files = append(r.files, annexedFile{entries[i].Path, f.key, true})
		case !p.dir:
			p.key = f.key
		}
	}
	return err
}

// keyHere is the key of a file, if it has one, and whether its content is here.
type keyHere struct {
	key  annexkey.Key
	here bool
}

// content looks for the keys and the content of files, some at once.
func (r *emptying) content(ctx context.Context, entries []gitindex.Entry) ([]keyHere, error) {
	const together = 64 // files that one goroutine takes
	found := make([]keyHere, len(entries))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(r.d.Jobs(0))
	for start := 0; start < len(entries); start += together {
		group.Go(func() error {
			for i := start; i < min(start+together, len(entries)); i++ {
				e := entries[i]
				k, ok, err := r.d.KeyOf(gctx, e.Path, e.Mode, e.OID)
				if err != nil {
					return err
				}
				if ok {
					found[i] = keyHere{k, r.d.Annex.Has(k)}
				}
			}
			return nil
		})
	}
	return found, group.Wait()
}
