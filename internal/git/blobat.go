package git

import (
	"context"
	"sync"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// views are the commits that files were read from lately.
type views struct {
	mu   sync.Mutex
	list map[gitobj.OID]*TreeView
}

// maxViews bounds how many commits are held at once.
const maxViews = 8

// BlobAt returns the content of the file at a path of a commit; ok is false
// where there is none. Many files of the same commit cost little: what was read
// on the way is kept until Close.
func (r *Repo) BlobAt(ctx context.Context, commit gitobj.OID, path string) (data []byte, ok bool, err error) {
	r.views.mu.Lock()
	defer r.views.mu.Unlock()
	v := r.views.list[commit]
	if v == nil {
		if len(r.views.list) >= maxViews {
			r.views.list = nil
		}
		if r.views.list == nil {
			r.views.list = map[gitobj.OID]*TreeView{}
		}
		v = r.View(commit)
		r.views.list[commit] = v
	}
	data, ok, err = v.Blob(ctx, path)
	if err == nil {
		err = ctx.Err()
	}
	return data, ok, err
}
