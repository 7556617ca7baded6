package discard

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/transfer"
)

// dropKeys deletes all content here, whatever file or commit it belongs to,
// where enough other repositories are proven to have it; force deletes without
// proof. It reports a record for each key and returns whether all went.
func dropKeys(ctx context.Context, d *dataset.Dataset, force bool, jobs int, sink result.Sink) (bool, error) {
	if d.Annex == nil {
		return true, nil
	}
	if err := d.MayDrop(); err != nil {
		return false, err
	}
	r := &emptying{d: d, opt: Options{Jobs: jobs}, sink: sink, failed: map[string]bool{}, done: map[string]bool{}}
	keys, err := keysHere(d)
	if err != nil || len(keys) == 0 {
		return true, err
	}
	for _, k := range keys {
		r.files = append(r.files, annexedFile{key: k})
	}
	pf, err := newProofs(ctx, d, r.files, force)
	if err != nil {
		return false, err
	}
	outcome, err := r.carryOut(ctx, pf)
	all := err == nil
	for _, k := range keys {
		failure, tried := outcome[k]
		if !tried || errors.Is(failure, remote.ErrAbsent) {
			continue
		}
		rec := result.New("drop", result.OK, d.Path(), result.KeyType).With("key", k.String())
		if failure != nil {
			all = false
			rec = rec.As(result.Error).Msg(keyFailure(failure))
		}
		if e := sink.Emit(rec); e != nil {
			return false, errors.Join(err, e)
		}
	}
	return all, err
}

// keyFailure is dropFailure for a key: DataLad joins git-annex's lines for files
// only.
func keyFailure(err error) string {
	var unsafe *transfer.UnsafeError
	var kept *requiredError
	switch {
	case errors.As(err, &unsafe):
		return strings.ReplaceAll(err.Error(), "; ", "\n")
	case errors.As(err, &kept):
		return kept.joined("\n")
	}
	return dropFailure(err)
}

// keysHere lists the keys whose content is in the annex.
func keysHere(d *dataset.Dataset) ([]annexkey.Key, error) {
	var keys []annexkey.Key
	err := filepath.WalkDir(d.Annex.Dir("objects"), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if k, err := annexkey.FromFile(e.Name()); err == nil && k.Safe() == nil && filepath.Base(filepath.Dir(path)) == e.Name() {
			keys = append(keys, k)
		}
		return nil
	})
	slices.SortFunc(keys, func(a, b annexkey.Key) int { return strings.Compare(a.String(), b.String()) })
	return keys, err
}
