package staging

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fetch"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/jobs/nested"
	"github.com/stemma-data/stemma/internal/stage"
)

// locate finds the content of annexed files, and fetches what is absent.
func (s *Staging) locate(ctx context.Context) error {
	keys := map[*nested.Level]map[string]annexkey.Key{}
	for rel, key := range s.keys {
		l, inside := s.Files.Level(rel)
		if keys[l] == nil {
			keys[l] = map[string]annexkey.Key{}
		}
		keys[l][inside] = key
	}
	for l, list := range keys {
		if err := s.fetch(ctx, l.Dataset, list); err != nil {
			return err
		}
	}
	for i := range s.list {
		f := &s.list[i]
		key, annexed := s.keys[f.Path]
		if !annexed {
			continue
		}
		l, _ := s.Files.Level(f.Path)
		object, here := l.Dataset.Annex.Locate(key)
		if !here {
			return errs.WithHint(fmt.Errorf("the content of input %s is not available", f.Path), "bring it here with `stemma get`, or see `git annex whereis`")
		}
		f.Source = object
	}
	return nil
}

// fetch brings content of one dataset here, by its own paths.
func (s *Staging) fetch(ctx context.Context, d *dataset.Dataset, keys map[string]annexkey.Key) error {
	if err := d.EnsureAnnex(ctx); err != nil {
		return err
	}
	if d.Annex == nil {
		return errors.New("inputs are annexed, but this repository has no annex")
	}
	absent := map[string]annexkey.Key{}
	for rel, key := range keys {
		if !d.Annex.Has(key) {
			absent[rel] = key
		}
	}
	if len(absent) == 0 || s.Present {
		return nil
	}
	d.Env.Log.Info("Making sure inputs are available (this may take some time)")
	return fetch.Get(ctx, d, fetch.Options{Committed: absent, Jobs: s.Jobs, Quiet: true}, s.Sink)
}

// Place puts all files into the folder.
func (s *Staging) Place(ctx context.Context, area *stage.Area) ([]stage.Placed, error) {
	placed, err := area.Place(ctx, s.Folder, s.list)
	if err != nil || len(s.convert) == 0 {
		return placed, err
	}
	inside := map[*nested.Level][]string{}
	for _, rel := range s.convert {
		l, name := s.Files.Level(rel)
		inside[l] = append(inside[l], name)
	}
	for l, names := range inside {
		if err := s.checkOut(ctx, l, names); err != nil {
			return nil, err
		}
	}
	for _, rel := range s.convert {
		p, err := area.Adopt(s.Folder, rel, s.own(rel))
		if err != nil {
			return nil, err
		}
		placed = append(placed, p)
	}
	return placed, nil
}

// checkOut has git write files of one dataset.
func (s *Staging) checkOut(ctx context.Context, l *nested.Level, names []string) error {
	var edits []gitindex.Edit
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
		e := s.entries[path.Join(l.Rel, name)]
		edits = append(edits, gitindex.Edit{Path: name, Mode: e.Mode, OID: e.OID})
	}
	for _, name := range attributeFiles(names) {
		e, ok, err := l.View.Lookup(ctx, name)
		if err != nil {
			return err
		}
		if ok && e.Mode.IsRegular() && !wanted[name] {
			edits = append(edits, gitindex.Edit{Path: name, Mode: e.Mode, OID: e.OID})
		}
	}
	index := filepath.Join(s.Folder, ".stemma-index")
	folder := filepath.Join(s.Folder, filepath.FromSlash(l.Rel))
	return l.Dataset.Repo.CheckoutInto(ctx, folder, index, edits, func(p string) bool { return wanted[p] })
}
