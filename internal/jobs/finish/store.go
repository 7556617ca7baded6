package finish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/nested"
)

// store brings the content of all outputs to where it belongs. Jobs whose
// files cannot be stored are reported and left out.
func (f *finishing) store(ctx context.Context, list []*over) ([]annex.LogEdit, []*over, error) {
	list, err := f.checkNested(ctx, list)
	if err != nil || len(list) == 0 {
		return nil, nil, err
	}
	logs, ok, err := f.storeTogether(ctx, list, f.infos(list))
	if err == nil {
		return logs, ok, nil
	}
	if len(list) == 1 || ctx.Err() != nil {
		return nil, nil, fmt.Errorf("job %s: %w", jobrec.Label(&list[0].job), err)
	}
	// One of the jobs is in the way of the others: each by itself.
	logs, ok = nil, nil
	for _, o := range list {
		own, good, err := f.storeTogether(ctx, []*over{o}, nil)
		if err != nil {
			if err := f.fail(&o.job, err); err != nil {
				return nil, nil, err
			}
			continue
		}
		ok, logs = append(ok, good...), append(logs, own...)
	}
	return logs, ok, nil
}

// storeTogether stores the outputs of jobs in the datasets that they lie in.
// Nothing is given to any job where it fails.
func (f *finishing) storeTogether(ctx context.Context, list []*over, infos map[string]fs.FileInfo) ([]annex.LogEdit, []*over, error) {
	var paths []string
	for _, o := range list {
		paths = append(paths, jobpath.Union(o.outputs, o.logs)...)
	}
	inside, err := f.byLevel(ctx, jobpath.Union(paths))
	if err != nil {
		return nil, nil, err
	}
	staged := map[*nested.Level]*dataset.Staged{}
	for l, paths := range inside {
		if staged[l], err = f.stageIn(ctx, l, paths, infos); err != nil {
			return nil, nil, err
		}
	}
	var logs []annex.LogEdit
	for l, st := range staged {
		f.share(l, st, list)
		if l == nil {
			logs = st.Logs
		} else {
			f.logs[l] = append(f.logs[l], st.Logs...)
		}
	}
	ok, err := f.stored(list)
	return logs, ok, err
}

// stageIn stages outputs in the dataset itself, for nil, or in a subdataset.
func (f *finishing) stageIn(ctx context.Context, l *nested.Level, paths []string, infos map[string]fs.FileInfo) (*dataset.Staged, error) {
	d, prefix := f.d, ""
	if l != nil {
		d, prefix = l.Dataset, l.Rel+"/"
		if err := d.Writable(ctx); err != nil {
			return nil, fmt.Errorf("subdataset %s: %w", l.Rel, err)
		}
	}
	own := make(map[string]fs.FileInfo, len(infos))
	for p, fi := range infos {
		if rel, ok := strings.CutPrefix(p, prefix); ok {
			own[rel] = fi
		}
	}
	all := &dataset.Staged{}
	for part := range slices.Chunk(paths, stagedAtOnce) {
		st, err := d.StagePaths(ctx, part, dataset.StageOptions{Jobs: f.opt.Jobs, Infos: own})
		if err != nil {
			return nil, err
		}
		all.Files, all.Logs = append(all.Files, st.Files...), append(all.Logs, st.Logs...)
		all.Records, all.Missing = append(all.Records, st.Records...), append(all.Missing, st.Missing...)
	}
	return all, nil
}

// stagedAtOnce bounds how many paths are stored together, for the memory that
// this takes.
const stagedAtOnce = 8192

// share gives each job its files and records.
func (f *finishing) share(l *nested.Level, staged *dataset.Staged, list []*over) {
	owners := ownersOf(list)
	for _, file := range staged.Files {
		// Jobs may share a log file; it goes with the first.
		if o := owners.of(outer(l, file.Path)); len(o) > 0 {
			o[0].take(l, file)
		}
	}
	for _, rec := range staged.Records {
		rel, inside := strings.CutPrefix(rec.Path, f.d.Path()+"/")
		if !inside {
			continue
		}
		if l != nil {
			rec = rec.Ref(f.d.Path())
		}
		for _, o := range owners.of(filepath.ToSlash(rel)) {
			o.records = append(o.records, rec)
			o.unstored = o.unstored || rec.Status.Failed()
		}
	}
	for _, o := range list {
		if l != nil {
			f.noteLevels(l, o)
		}
	}
}

// take gives a file of a dataset to a job.
func (o *over) take(l *nested.Level, file commit.File) {
	if l == nil {
		o.files = append(o.files, file)
		return
	}
	if o.nested == nil {
		o.nested = map[*nested.Level][]commit.File{}
	}
	o.nested[l] = append(o.nested[l], file)
}

// stored reports the jobs not all of whose files could be stored, and returns
// the others.
func (f *finishing) stored(list []*over) (ok []*over, err error) {
	for _, o := range list {
		if !o.unstored {
			ok = append(ok, o)
			continue
		}
		for _, rec := range o.records {
			if rec.Status.Failed() {
				if err := f.sink.Emit(rec); err != nil {
					return nil, err
				}
			}
		}
		if err := f.fail(&o.job, errors.New("not all of its outputs could be stored; the job stays open")); err != nil {
			return nil, err
		}
	}
	return ok, nil
}
