package dataset

import (
	"context"
	"errors"
	"path"
	"runtime"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// AllLevels is the recursion that ends at no level.
const AllLevels = -1

// part is what an operation does in one dataset of a hierarchy.
type part struct {
	rel   string   // the dataset, relative to the hierarchy's top; "." for that
	whole bool     // everything in it
	paths []string // otherwise these, relative to the dataset
	subs  []string // subdatasets to record in any case, relative to the dataset
}

func (p *part) scopePaths() []string {
	if p.whole {
		return nil
	}
	return p.paths
}

// parts are the datasets of a hierarchy that an operation is about, by rel.
type parts map[string]*part

func (ps parts) at(rel string) *part {
	p := ps[rel]
	if p == nil {
		p = &part{rel: rel}
		ps[rel] = p
	}
	return p
}

// add puts a path, relative to the hierarchy's top, to the dataset's.
func (ps parts) add(ds, rel string) {
	p := ps.at(ds)
	inside := relTo(ds, rel)
	if inside == "." {
		p.whole = true
		return
	}
	p.paths = append(p.paths, inside)
}

// sorted lists the datasets, each before those below it.
func (ps parts) sorted() []*part {
	list := make([]*part, 0, len(ps))
	for _, p := range ps {
		list = append(list, p)
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].rel != "." && list[j].rel != "." && list[i].rel < list[j].rel || list[i].rel == "." && list[j].rel != "."
	})
	return list
}

// relTo makes rel relative to ds, at or below which it lies.
func relTo(ds, rel string) string {
	if ds == rel {
		return "."
	}
	if ds == "." {
		return rel
	}
	return strings.TrimPrefix(rel, ds+"/")
}

// joinRel is the inverse of relTo.
func joinRel(ds, rel string) string { return path.Join(ds, rel) }

// datasetOf returns the dataset that rel lies in: the deepest folder at or
// above it that is a repository's top.
func (d *Dataset) datasetOf(rel string) string {
	for ; rel != "."; rel = path.Dir(rel) {
		if d.hasTop(rel) {
			return rel
		}
	}
	return "."
}

// place decides which dataset a typed path is about. The top of a subdataset
// is about its content, as is one with a slash at its end; but where the user
// named the dataset to work in (fromTop), it is about the subdataset's record.
func (d *Dataset) place(typed, rel string, fromTop bool) (ds string) {
	ds = d.datasetOf(rel)
	if ds == rel && rel != "." && fromTop && !strings.HasSuffix(typed, "/") {
		return d.datasetOf(path.Dir(rel))
	}
	return ds
}

// at opens the dataset at rel; for "." it is d itself. close is never nil.
func (d *Dataset) at(ctx context.Context, rel string) (sub *Dataset, close func(), err error) {
	if rel == "." {
		return d, func() {}, nil
	}
	sub, err = d.Sub(ctx, rel)
	if err != nil {
		return nil, func() {}, err
	}
	return sub, sub.Repo.Close, nil
}

// gitlinks lists the subdatasets in the index that the scope covers.
func (d *Dataset) gitlinks(scope Scope) ([]gitindex.Entry, error) {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return nil, err
	}
	var list []gitindex.Entry
	index.Walk(func(r *gitindex.Raw) bool {
		if r.Mode() == gitobj.ModeGitlink && scope.covers(string(r.Path)) {
			list = append(list, r.Entry())
		}
		return true
	})
	return list, index.Err()
}

// descend adds the subdatasets below those in ps, levels deep (AllLevels: no
// limit), as far as they are here.
func (d *Dataset) descend(ctx context.Context, ps parts, levels int) error {
	front := ps.sorted()
	for ; levels != 0 && len(front) > 0; levels-- {
		found, err := d.below(ctx, front)
		if err != nil {
			return err
		}
		front = nil
		for _, rel := range found {
			if p := ps.at(rel); !p.whole {
				p.whole = true
				front = append(front, p)
			}
		}
	}
	return nil
}

// below lists the subdatasets one level below the parts, reading many side by
// side.
func (d *Dataset) below(ctx context.Context, list []*part) ([]string, error) {
	found := make([][]string, len(list))
	err := sideBySide(ctx, len(list), func(ctx context.Context, i int) error {
		sub, done, err := d.at(ctx, list[i].rel)
		if errors.Is(err, git.ErrNoRepository) {
			return nil
		}
		if err != nil {
			return err
		}
		defer done()
		links, err := sub.gitlinks(Scope{Paths: list[i].scopePaths()})
		for _, e := range links {
			if sub.hasTop(e.Path) {
				found[i] = append(found[i], joinRel(list[i].rel, e.Path))
			}
		}
		return err
	})
	var all []string
	for _, f := range found {
		all = append(all, f...)
	}
	return all, err
}

// sideBySide calls fn for 0 to n-1, many at once: waiting for a parallel file
// system costs little when it is done together.
func sideBySide(ctx context.Context, n int, fn func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(32, 4*runtime.NumCPU()))
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return fn(ctx, i)
		})
	}
	return g.Wait()
}
