package finish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/stage"
)

// gather brings outputs back, checks that they are complete, and looks at the
// inputs again. Jobs that are not complete are reported and left out.
func (f *finishing) gather(ctx context.Context, list []*over) (complete []*over, err error) {
	index, err := readIndex(f.d)
	if err != nil {
		return nil, err
	}
	f.look(list)
	id := &fileid.Identifier{Top: f.top, Format: f.d.Repo.Format, Index: func() *gitindex.File { return index }, Once: map[string]fileid.Identified{}}
	if f.tree != nil {
		id.Inner = f.tree.Inner
	}
	for _, o := range list {
		err := f.gatherOne(ctx, o, id)
		if err == nil {
			complete = append(complete, o)
			continue
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if err := f.fail(&o.job, err); err != nil {
			return nil, err
		}
	}
	return complete, nil
}

// readIndex returns nil for an index that must be left to git.
func readIndex(d *dataset.Dataset) (*gitindex.File, error) {
	index, err := d.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		return nil, nil
	}
	return index, err
}

func (f *finishing) gatherOne(ctx context.Context, o *over, id *fileid.Identifier) error {
	if o.prov.Undescribed && o.task == "" {
		jobstate.Describe(ctx, f.d, f.s, &o.job, &o.prov)
	}
	o.nameLogs()
	if o.job.Isolated != "" {
		return f.gatherIsolated(ctx, o)
	}
	if err := f.locate(o); err != nil {
		return err
	}
	if o.job.AltDir != "" {
		if err := f.bringBack(ctx, o, nil); err != nil {
			return err
		}
	}
	changed, err := f.changedInputs(ctx, o, id)
	if err != nil {
		return err
	}
	o.changed = changed
	for p := range changed {
		f.d.Env.Log.Warn(fmt.Sprintf("job %s: its input %s changed after it was scheduled", jobrec.Label(&o.job), p))
	}
	return nil
}

// MissingOutputError names declared outputs that a completed job did not
// produce.
type MissingOutputError struct{ Paths []string }

func (e *MissingOutputError) Error() string {
	return "declared output is missing: " + strings.Join(e.Paths, ", ")
}

// locate finds the outputs and log files where the job left them.
func (f *finishing) locate(o *over) error {
	root := jobrec.JobRoot(&o.job)
	var missing []string
	for _, text := range o.job.Outputs {
		found, err := jobpath.OutputsAt(root, text)
		if err != nil {
			return err
		}
		there := f.existing(root, found)
		if o.job.Isolated != "" {
			// Folders of outputs were made for the job; an empty one is no result.
			there = slices.DeleteFunc(there, func(p string) bool { return isEmptyFolder(filepath.Join(root, filepath.FromSlash(p))) })
		}
		if len(there) == 0 && !slices.Contains(o.job.SlurmOutputs, text) {
			missing = append(missing, strings.TrimPrefix(text, "./"))
		}
		o.outputs = append(o.outputs, there...)
	}
	o.outputs = jobpath.Union(o.outputs)
	o.logs = f.existing(root, o.job.SlurmOutputs)
	if len(missing) == 0 || o.sentence != "" {
		return nil
	}
	return errs.WithHint(&MissingOutputError{missing}, "the job stays open; put the file in place and repeat, or give the job up with `stemma jobs release %s`", o.job.JobID)
}

// existing is the function of that name for what look has seen.
func (f *finishing) existing(root string, paths []string) (there []string) {
	for _, p := range paths {
		path := filepath.Join(root, filepath.FromSlash(p))
		_, ok := f.seen[path]
		if !ok {
			_, err := os.Lstat(path)
			ok = err == nil
		}
		if ok {
			there = append(there, p)
		}
	}
	return there
}

// looksAtOnce is how many paths are looked at together: on a parallel file
// system each look waits.
const looksAtOnce = 64

// look notes which of the declared paths of all jobs exist, and how they are.
func (f *finishing) look(list []*over) {
	var mu sync.Mutex
	f.seen = map[string]fs.FileInfo{}
	var g errgroup.Group
	g.SetLimit(looksAtOnce)
	for _, o := range list {
		for _, p := range slices.Concat(o.job.Outputs, o.job.SlurmOutputs) {
			path := filepath.Join(jobrec.JobRoot(&o.job), filepath.FromSlash(p))
			g.Go(func() error {
				if fi, err := os.Lstat(path); err == nil {
					mu.Lock()
					defer mu.Unlock()
					f.seen[path] = fi
				}
				return nil
			})
		}
	}
	_ = g.Wait()
}

// infos is what look has seen of files that the jobs left in the work tree
// itself.
func (f *finishing) infos(list []*over) map[string]fs.FileInfo {
	infos := map[string]fs.FileInfo{}
	for _, o := range list {
		if o.job.AltDir != "" {
			continue
		}
		for _, p := range slices.Concat(o.outputs, o.logs) {
			if fi, ok := f.seen[filepath.Join(jobrec.JobRoot(&o.job), filepath.FromSlash(p))]; ok {
				infos[p] = fi
			}
		}
	}
	return infos
}

// bringBack copies what the job wrote in the alternative folder.
func (f *finishing) bringBack(ctx context.Context, o *over, may func(context.Context, string) error) error {
	t := &stage.Copier{From: o.job.AltDir, To: f.top, Sync: true, TempDir: commit.TempDir(f.d.Repo), May: may}
	for _, p := range jobpath.Union(o.outputs, o.logs) {
		if err := t.Add(p); err != nil {
			return fmt.Errorf("bring back %s: %w", p, err)
		}
	}
	return t.Run(ctx)
}

// changedInputs compares the inputs with what they were. An output that is an
// input as well was meant to change.
func (f *finishing) changedInputs(ctx context.Context, o *over, id *fileid.Identifier) (map[string]string, error) {
	var paths []string
	for p := range o.job.InputIDs {
		if !slices.ContainsFunc(o.job.Claims, func(c string) bool { return jobpath.Within(p, c) || jobpath.Within(c, p) }) {
			paths = append(paths, p)
		}
	}
	now, err := id.Identify(ctx, paths)
	if err != nil {
		return nil, err
	}
	changed := map[string]string{}
	for p, v := range now {
		if v != o.job.InputIDs[p] {
			changed[p] = v
		}
	}
	return changed, nil
}
