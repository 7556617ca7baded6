package finish

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/nested"
)

// identifyMade notes what inputs were that other jobs made: their content was
// not known when the job was scheduled. Files that are committed in this very
// batch are not in the index yet.
func (f *finishing) identifyMade(ctx context.Context, list []*over) error {
	if !slices.ContainsFunc(list, func(o *over) bool { return len(o.prov.After) > 0 }) {
		return nil
	}
	index, err := readIndex(f.d)
	if err != nil {
		return err
	}
	id := &fileid.Identifier{Top: f.top, Format: f.d.Repo.Format, Index: func() *gitindex.File { return index }, Fresh: map[string]fileid.TreeLeaf{}}
	inner := map[*nested.Level]map[string]fileid.TreeLeaf{}
	for _, o := range list {
		if err := freshFiles(ctx, id, id.Fresh, o.files); err != nil {
			return err
		}
		for l, files := range o.nested {
			if inner[l] == nil {
				inner[l] = map[string]fileid.TreeLeaf{}
			}
			if err := freshFiles(ctx, id, inner[l], files); err != nil {
				return err
			}
		}
	}
	if f.tree != nil {
		id.Inner = func(ctx context.Context, p string) (*fileid.Identifier, string, error) {
			in, name, err := f.tree.Inner(ctx, p)
			if in != nil {
				l, _ := f.levelOf(ctx, p)
				in.Fresh = inner[l]
			}
			return in, name, err
		}
	}
	for _, o := range list {
		if err := f.identifyMadeOne(ctx, o, id); err != nil {
			return err
		}
	}
	return nil
}

// freshFiles notes files that are about to be committed.
func freshFiles(ctx context.Context, id *fileid.Identifier, fresh map[string]fileid.TreeLeaf, files []commit.File) (err error) {
	for _, file := range files {
		oid := file.OID
		if oid == "" && file.Source == "" {
			oid = id.Format.HashObject("blob", file.Data)
		}
		if oid == "" {
			if oid, err = id.Hash(ctx, file.Source); err != nil {
				return err
			}
		}
		if !file.Remove {
			fresh[file.Path] = fileid.TreeLeaf{Mode: file.Mode, ID: oid}
		}
	}
	return nil
}

func (f *finishing) identifyMadeOne(ctx context.Context, o *over, id *fileid.Identifier) error {
	var paths []string
	for _, p := range o.prov.After {
		g := iospec.New(p.Inputs, f.top)
		for _, found := range g.ExpandStrict() {
			paths = append(paths, filepath.ToSlash(filepath.Clean(found)))
		}
		if err := g.Err(); err != nil {
			return err
		}
	}
	ids, err := id.Identify(ctx, jobpath.Union(paths))
	if err != nil {
		return err
	}
	all := map[string]string{}
	for p, v := range o.job.InputIDs {
		all[p] = v
	}
	for p, v := range ids {
		all[p] = v
	}
	o.job.InputIDs = all
	return nil
}
