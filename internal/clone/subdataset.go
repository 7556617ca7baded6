package clone

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/result"
)

// installer obtains subdatasets.
type installer struct {
	opt GetOptions
	top *dataset.Dataset // which the user named
}

// installed is the outcome for one subdataset.
type installed struct {
	path    string           // absolute
	d       *dataset.Dataset // nil where it failed; the receiver closes it
	records []result.Record
	edits   []git.ConfigEdit // for the superdataset
	noted   func()           // called when they are made; nil where there are none
}

// install obtains the subdataset of an index entry. Its records are collected,
// so that several can be obtained side by side. said and contains go into the
// record of success.
func (in *installer) install(ctx context.Context, p *parent, e gitindex.Entry, said any, contains []any) (*installed, error) {
	out := &installed{path: p.d.Repo.Path(filepath.FromSlash(e.Path))}
	record := result.New("install", result.Error, out.path, result.Dataset)
	sink := result.SinkFunc(func(r result.Record) error {
		out.records = append(out.records, r)
		return nil
	})
	if err := fsx.Beneath(p.d.Path(), e.Path); err != nil {
		return out, sink.Emit(record.Msg(err.Error()))
	}
	list, err := p.candidates(ctx, e.Path)
	if err != nil {
		return out, err
	}
	if len(list) == 0 {
		missing := result.New("install", result.Error, p.d.Path(), result.Dataset)
		return out, sink.Emit(missing.With("message", result.Tuple{"Have got no candidates to install subdataset %s from.", e.Path}))
	}
	j := &job{
		env: p.d.Env, cfg: datasetConfig{p.d}, top: in.opt.Top, dest: out.path, from: p.d.Path(), untrusted: true,
		reckless: in.opt.Reckless, description: in.opt.Description, commit: e.OID, record: record, said: said, contains: contains,
	}
	if j.reckless == "" {
		j.reckless = p.d.Repo.Config.Get(recklessKey) // not what .datalad/config says: the user decides
	}
	for _, c := range list {
		j.sources = append(j.sources, c.url)
	}
	d, src, err := j.run(ctx, sink)
	if err != nil || d == nil {
		return out, err
	}
	out.d, out.noted = d, j.complete
	section := "submodule." + p.name(e.Path)
	out.edits = []git.ConfigEdit{git.Set(section+".active", "true"), git.Set(section+".url", src.GitURL)}
	if err := p.inherit(list, d); err != nil {
		return out, err
	}
	for _, proc := range in.opt.Procedures {
		if err := d.Procedure(ctx, proc, sink); err != nil {
			return out, err
		}
	}
	return out, nil
}

// name is the subdataset's in .gitmodules.
func (p *parent) name(rel string) string {
	if m, ok := p.modules[rel]; ok && m.Name != "" {
		return m.Name
	}
	return rel
}

// note writes into the superdataset's configuration where subdatasets came
// from.
func (p *parent) note(list ...*installed) error {
	var edits []git.ConfigEdit
	for _, i := range list {
		edits = append(edits, i.edits...)
	}
	if err := p.d.Repo.SetConfig(edits...); err != nil {
		return fmt.Errorf("note subdatasets: %w", err)
	}
	for _, i := range list {
		if i.noted != nil {
			i.noted()
		}
	}
	return nil
}
