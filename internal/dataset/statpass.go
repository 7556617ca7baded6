package dataset

import (
	"context"
	"errors"
	"iter"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// looked is an index entry whose file is looked at. Of a whole index the
// object ids are not decoded: hardly one of them is needed.
type looked struct {
	gitindex.Entry
	oid []byte // if Entry.OID is ""
}

// entry is the whole entry.
func (l looked) entry() gitindex.Entry {
	if l.OID == "" {
		l.OID = gitobj.FromBytes(l.oid)
	}
	return l.Entry
}

// allEntries visits the whole index.
func allEntries(index *gitindex.File) iter.Seq2[looked, error] {
	return func(yield func(looked, error) bool) {
		going := true
		index.Walk(func(r *gitindex.Raw) bool {
			going = yield(looked{gitindex.Entry{
				Path: string(r.Path), Mode: r.Mode(), Stat: r.Stat(), Stage: r.Stage(),
				AssumeValid: r.AssumeValid(), SkipWorktree: r.SkipWorktree(), IntentToAdd: r.IntentToAdd(),
			}, r.OID()}, nil)
			return going
		})
		if err := index.Err(); going && err != nil {
			yield(looked{}, err)
		}
	}
}

// statPass is one look at all files, many at once: metadata on a parallel file
// system takes a millisecond each, but many at once hardly more.
type statPass struct {
	d     *Dataset
	index *gitindex.File
	scope Scope
	top   *os.File
	rows  []*row
}

// row is what was found of a stretch of neighbours in the index, which one
// goroutine looks at: mostly they are in one folder.
type row struct {
	dirty []dirtyEntry
	there []filesThere
}

// filesThere is how many of a row's files are there, by folder.
type filesThere struct {
	folder string // with a slash at the end; "" is the top
	files  int
}

const rowLen = 64

// run looks at every entry in the scope. The index is decoded meanwhile, only
// as far ahead as files are being looked at.
func (p *statPass) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(64, 8*runtime.NumCPU()))
	used := sync.Pool{New: func() any { return new([rowLen]looked) }}
	entries := used.Get().(*[rowLen]looked)
	n := 0
	start := func() {
		r, mine, count := &row{}, entries, n
		p.rows = append(p.rows, r)
		g.Go(func() error {
			defer used.Put(mine)
			return p.look(ctx, r, mine[:count])
		})
		entries, n = used.Get().(*[rowLen]looked), 0
	}
	for e, err := range p.scope.entries(p.index) {
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		if e.SkipWorktree || !p.scope.covers(e.Path) {
			continue
		}
		entries[n] = e
		if n++; n == rowLen {
			start()
		}
	}
	start()
	return g.Wait()
}

// look judges the entries of a row.
func (p *statPass) look(ctx context.Context, r *row, entries []looked) error {
	l := newLooker(p.top)
	defer l.close()
	for i := range entries {
		e := &entries[i]
		another := entries[min(i+2, len(entries)-1)].Path
		if p.quick(l, e, another) {
			r.count(e)
			continue
		}
		v, err := p.d.compare(ctx, p.index, e.entry(), p.scope)
		if err != nil {
			return err
		}
		if v != gone {
			r.count(e)
		}
		if v != same {
			r.dirty = append(r.dirty, dirtyEntry{e.entry(), v})
		}
	}
	return ctx.Err()
}

// count notes that a file is there. Of an unmerged path with its several
// entries none is counted.
func (r *row) count(e *looked) {
	if e.Stage != 0 {
		return
	}
	folder := e.Path[:strings.LastIndexByte(e.Path, '/')+1]
	if n := len(r.there); n == 0 || r.there[n-1].folder != folder {
		r.there = append(r.there, filesThere{folder: folder})
	}
	r.there[len(r.there)-1].files++
}

// quick reports that the stat data decides that the file is as the index says.
// Whatever else is the case is left to compare.
func (p *statPass) quick(l *looker, e *looked, another string) bool {
	if e.Stage != 0 || e.IntentToAdd || e.Mode == gitobj.ModeGitlink {
		return false
	}
	st, mode, ok := l.look(e.Path, another)
	return ok && !p.d.modeChanged(e.Mode, mode) && e.Stat.Same(st, p.d.comparison().stat) && !e.Stat.IsRacy(p.index.MTime())
}

// dirty lists what is not as the index says, in its order.
func (p *statPass) dirty() []dirtyEntry {
	var all []dirtyEntry
	for _, r := range p.rows {
		all = append(all, r.dirty...)
	}
	return all
}
