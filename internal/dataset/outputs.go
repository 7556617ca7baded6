package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// PrepareNested is PrepareOutputs for paths that may lie in subdatasets.
func (d *Dataset) PrepareNested(ctx context.Context, paths []string, opt PrepareOptions, sink result.Sink) error {
	ps := d.byDataset(paths)
	for _, p := range ps.sorted() {
		sub, done, err := d.at(ctx, p.rel)
		if err != nil {
			return err
		}
		inside := p.paths
		if p.whole {
			inside = []string{"."}
		}
		if p.rel != "." { // DataLad makes sure that it is installed, and says so
			here := result.New("get", result.NotNeeded, sub.Path(), result.Dataset).Ref(d.Path())
			err = sink.Emit(here.With("contains", []string{sub.Path()}))
		}
		if err == nil {
			_, err = sub.PrepareOutputs(ctx, inside, opt, within(d.Path(), sink))
		}
		done()
		if err != nil {
			return err
		}
	}
	return nil
}

// SaveOutputs commits declared outputs, relative to the top, and nothing else:
// also ignored ones, and the removal of those that are gone. Outputs in
// subdatasets are committed there, with the same message, and every dataset
// above records that.
func (d *Dataset) SaveOutputs(ctx context.Context, paths []string, opt SaveOptions, sink result.Sink) (gitobj.OID, error) {
	ps := d.byDataset(paths)
	if len(ps) == 1 && ps["."] != nil {
		staged, err := d.StagePaths(ctx, paths, StageOptions{Jobs: opt.Jobs})
		if err != nil {
			return "", err
		}
		return d.Commit(ctx, staged, opt, sink)
	}
	opt.FromTop = true
	s := &saving{top: d, opt: opt, sink: sink, parts: ps, clean: map[string]bool{}, declared: true}
	if err := s.upwards(); err != nil {
		return "", err
	}
	return s.run(ctx)
}

// byDataset puts paths, relative to the top, to the datasets that they lie in.
// Where no subdataset is registered, that is d.
func (d *Dataset) byDataset(paths []string) parts {
	ps := parts{}
	_, err := os.Lstat(d.Repo.Path(modulesFile))
	nested := !errors.Is(err, fs.ErrNotExist)
	for _, rel := range paths {
		if nested {
			ps.add(d.datasetOf(rel), rel)
		} else {
			ps.add(".", rel)
		}
	}
	return ps
}

// stageDeclared stages declared outputs of one dataset, and the subdatasets in
// which outputs were saved.
func (d *Dataset) stageDeclared(ctx context.Context, p *part, opt StageOptions) (*Staged, error) {
	forced, err := d.forced(p.subs, nil)
	if err != nil {
		return nil, err
	}
	staged, err := d.Stage(ctx, forced, opt)
	if err != nil {
		return nil, err
	}
	paths := p.paths
	if p.whole {
		paths = []string{"."}
	}
	if len(paths) == 0 {
		return staged, nil
	}
	own, err := d.StagePaths(ctx, paths, opt)
	if err != nil {
		return nil, err
	}
	own.Files = append(staged.Files, own.Files...)
	own.Records = append(staged.Records, own.Records...)
	return own, nil
}
