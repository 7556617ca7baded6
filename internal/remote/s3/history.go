package s3

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/s3/bucket"
)

// versionedTree is a SharedTree in a bucket that keeps all versions of its
// objects: what somebody else replaced or deleted can be imported, too.
type versionedTree struct{ SharedTree }

// Learn implements remote.Learner.
func (t versionedTree) Learn(ctx context.Context, f remote.Importable, k annexkey.Key) error {
	object, err := t.name(f.Path)
	if err != nil || !known(f.ID) || f.ID[0] == '#' {
		return err
	}
	v := version{object, f.ID}
	have, err := t.versionsOf(ctx, k)
	if err != nil || slices.Contains(have, v) {
		return err
	}
	return t.record(ctx, k, v)
}

// ListFiles implements remote.Importer. A list of objects has no versions, so all
// of these are listed.
func (t versionedTree) ListFiles(ctx context.Context) ([]remote.Importable, error) {
	groups, err := t.versions(ctx)
	if err != nil {
		return nil, err
	}
	var files []remote.Importable
	for _, g := range groups {
		if c := g[0].change; !c.Gone {
			files = append(files, c.Importable)
		}
	}
	return files, nil
}

// ListHistory implements remote.Historian.
func (t versionedTree) ListHistory(ctx context.Context) ([][]remote.Change, error) {
	groups, err := t.versions(ctx)
	if err != nil {
		return nil, err
	}
	return unwind(groups), nil
}

// moment is a version of a file, or its deletion.
type moment struct {
	change remote.Change
	when   time.Time
	latest bool
	place  int // in the list of the server
}

// versions lists the moments of each file, the newest first.
func (t versionedTree) versions(ctx context.Context) ([][]moment, error) {
	client, err := t.writing(ctx)
	if err != nil {
		return nil, err
	}
	where := map[string]int{}
	var stored, deleted [][]moment // by file
	place := 0
	err = client.ListVersions(ctx, t.conf.prefix, func(o bucket.Object) error {
		path, ok := t.path(o.Name)
		if !ok {
			return nil
		}
		i, ok := where[path]
		if !ok {
			i = len(stored)
			where[path] = i
			stored, deleted = append(stored, nil), append(deleted, nil)
		}
		file, err := t.importable(path, o.Info)
		if err != nil && !o.Deleted {
			return err
		}
		m := moment{remote.Change{Importable: file, Gone: o.Deleted}, o.Changed, o.Latest, place}
		place++
		if o.Deleted {
			deleted[i] = append(deleted[i], m)
		} else {
			stored[i] = append(stored[i], m)
		}
		return nil
	})
	for i := range stored {
		stored[i] = weave(deleted[i], stored[i])
	}
	return stored, explain(err)
}

// weave joins two lists, the newest first: some servers list deletions apart. In
// each list the server's order counts, as times may be coarse.
func weave(a, b []moment) []moment {
	var out []moment
	for len(a) > 0 && len(b) > 0 {
		if a[0].newer(b[0]) {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func (m moment) newer(o moment) bool {
	switch {
	case m.latest != o.latest:
		return m.latest
	case !m.when.Equal(o.when):
		return m.when.After(o.when)
	}
	return m.place < o.place
}

// unwind makes a history of the moments of all files as git-annex does: starting
// from the end, what happened last is taken back, everything that has its time at
// once.
func unwind(groups [][]moment) [][]remote.Change {
	h := make(newestFirst, 0, len(groups))
	for _, g := range groups {
		if len(g) > 0 {
			h = append(h, g)
		}
	}
	heap.Init(&h)
	var history [][]remote.Change
	for len(h) > 0 {
		last := h[0][0].when
		var step []remote.Change
		var rest [][]moment
		for len(h) > 0 && h[0][0].when.Equal(last) {
			g := heap.Pop(&h).([]moment)
			step = append(step, g[0].change)
			if len(g) > 1 {
				rest = append(rest, g[1:])
			}
		}
		for _, g := range rest {
			heap.Push(&h, g)
		}
		slices.SortFunc(step, func(a, b remote.Change) int { return cmp.Compare(a.Path, b.Path) })
		history = append(history, step)
	}
	slices.Reverse(history)
	return history
}

// newestFirst is a heap of files by the time of their newest moment.
type newestFirst [][]moment

func (h newestFirst) Len() int           { return len(h) }
func (h newestFirst) Less(i, j int) bool { return h[i][0].when.After(h[j][0].when) }
func (h newestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *newestFirst) Push(x any)        { *h = append(*h, x.([]moment)) }
func (h *newestFirst) Pop() any {
	old := *h
	g := old[len(old)-1]
	*h = old[:len(old)-1]
	return g
}
