package dataset

import (
	"context"
	"fmt"
	"os"

	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// record is one path as DataLad reports it.
func (w *differ) record(ctx context.Context, d *Dataset, it diffItem, pair diffPair, sizes map[gitobj.OID]int64) (result.Record, error) {
	r := d.Record("diff", it.Path, it.Type).With("parentds", d.Path()).With("state", string(it.State)).Ref(w.top.Path())
	switch {
	case it.State == Untracked:
	case it.State == Deleted && it.OID == "":
		r.Fields["gitshasum"] = string(it.from.OID)
	case it.State == Deleted:
		r.Fields["prev_gitshasum"] = string(it.from.OID)
	default:
		r.Fields["gitshasum"] = oidOrNil(it.OID)
		if it.from.OID != "" {
			r.Fields["prev_gitshasum"] = string(it.from.OID)
		}
	}
	if n, ok := sizes[it.OID]; ok && it.Type == result.File {
		r.Fields["bytesize"] = n
	} else if pair.worktree && it.State == Clean && it.Type == result.File {
		if fi, err := os.Lstat(d.Repo.Path(it.Path)); err == nil {
			r.Fields["bytesize"] = fi.Size()
		}
	}
	if w.opt.Annex == "" || d.Annex == nil {
		return r, nil
	}
	return w.annexed(ctx, d, r, it, pair)
}

func oidOrNil(id gitobj.OID) any {
	if id == "" {
		return nil
	}
	return string(id)
}

// annexed adds what the annex knows of both sides.
func (w *differ) annexed(ctx context.Context, d *Dataset, r result.Record, it diffItem, pair diffPair) (result.Record, error) {
	if it.OID != "" {
		key, ok, err := d.keyOfBlob(ctx, it.Mode, it.OID)
		if err != nil {
			return r, err
		}
		if ok {
			r = d.keyInfo(r, key, w.opt.Annex)
		}
	}
	if pair.from == pair.to && !pair.worktree || it.from.OID == "" {
		return r, nil
	}
	key, ok, err := d.keyOfBlob(ctx, it.from.Mode, it.from.OID)
	if err != nil || !ok {
		return r, err
	}
	prev := d.keyInfo(result.Record{Fields: map[string]any{}}, key, "basic")
	for name, v := range prev.Fields {
		if name == "bytesize" {
			v = fmt.Sprint(v) // so says DataLad
		}
		r.Fields["prev_"+name] = v
	}
	r.Type = result.File
	return r, nil
}

// sizes asks for the sizes of the blobs of the later commit, where they are
// shown, with one process.
func (w *differ) sizes(ctx context.Context, d *Dataset, pair diffPair, items []diffItem) (map[gitobj.OID]int64, error) {
	if pair.worktree || !w.opt.Clean {
		return nil, nil
	}
	var ids []gitobj.OID
	for _, it := range items {
		if it.OID != "" && it.Type == result.File {
			ids = append(ids, it.OID)
		}
	}
	return d.Repo.BlobSizes(ctx, ids)
}
