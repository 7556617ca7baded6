package dataset

import (
	"context"
	"iter"
	"os"
	"runtime"

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
		index.Walk(func(r *gitindex.Raw) bool {
			return yield(looked{gitindex.Entry{
				Path: string(r.Path), Mode: r.Mode(), Stat: r.Stat(), Stage: r.Stage(),
				AssumeValid: r.AssumeValid(), SkipWorktree: r.SkipWorktree(), IntentToAdd: r.IntentToAdd(),
			}, r.OID()}, nil)
		})
	}
}

// statPass is one look at all files, many at once.
type statPass struct {
	d     *Dataset
	index *gitindex.File
	scope Scope
	top   *os.File
	batch []looked
	dirty []dirtyEntry
}

// stretch is how many neighbours one goroutine takes at a time: mostly they
// are in one folder.
const stretch = 32

// flush looks at the files of the batch and empties it.
func (p *statPass) flush(ctx context.Context) error {
	verdicts := make([]verdict, len(p.batch))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(64, 8*runtime.NumCPU()))
	for from := 0; from < len(p.batch); from += stretch {
		g.Go(func() error { return p.stretch(ctx, from, min(from+stretch, len(p.batch)), verdicts) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, v := range verdicts {
		if v != same {
			p.dirty = append(p.dirty, dirtyEntry{p.batch[i].entry(), v == gone})
		}
	}
	p.batch = p.batch[:0]
	return nil
}

// stretch judges entries from one number to another.
func (p *statPass) stretch(ctx context.Context, from, to int, verdicts []verdict) error {
	l := newLooker(p.top)
	defer l.close()
	for i := from; i < to; i++ {
		another := p.batch[min(i+2, to-1)].Path
		if p.quick(l, &p.batch[i], another) {
			continue
		}
		v, err := p.d.compare(ctx, p.index, p.batch[i].entry(), p.scope)
		if err != nil {
			return err
		}
		verdicts[i] = v
	}
	return ctx.Err()
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
