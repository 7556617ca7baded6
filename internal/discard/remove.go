package discard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/result"
)

// RemoveOptions says what is removed.
type RemoveOptions struct {
	Paths    []string // as typed; none: the dataset itself
	What     string   // what is dropped first: Datasets ("") or All
	Reckless string
	Message  string // of the commit; "" for DataLad's
	Jobs     int
	// FromTop says that the user named the dataset: it records what was removed in
	// subdatasets.
	FromTop bool
}

const removedMessage = "[DATALAD] removed content"

// Remove takes files and subdatasets out of a dataset and commits that. What
// has content or commits is dropped first, with all checks; where one fails,
// nothing is removed.
func Remove(ctx context.Context, d *dataset.Dataset, opt RemoveOptions, sink result.Sink) error {
	if opt.What == "" {
		opt.What = Datasets
	}
	if len(opt.Paths) == 1 {
		if rel, err := d.Rel(opt.Paths[0]); err == nil && rel == "." {
			opt.Paths = nil
		}
	}
	paths, err := removable(d, opt.Paths)
	if err != nil {
		return err
	}
	failed := false
	watch := result.SinkFunc(func(r result.Record) error {
		failed = failed || r.Status.Failed()
		return sink.Emit(r)
	})
	top := d.Path()
	err = Drop(ctx, d, Options{Paths: opt.Paths, What: opt.What, Reckless: opt.Reckless, Levels: dataset.AllLevels, Jobs: opt.Jobs}, watch)
	if err != nil || failed || len(opt.Paths) == 0 {
		return err
	}
	if err := removeAll(top, paths); err != nil {
		return err
	}
	if opt.Message == "" {
		opt.Message = removedMessage
	}
	again, err := dataset.Open(ctx, top, "remove", d.Env)
	if err != nil {
		return err
	}
	defer again.Close()
	_, err = again.Save(ctx, dataset.SaveOptions{Paths: opt.Paths, FromTop: opt.FromTop, Message: opt.Message, Reason: "stemma remove"}, result.SinkFunc(func(r result.Record) error {
		if r.Action == "delete" {
			r.Action = "remove"
		}
		return sink.Emit(r)
	}))
	return err
}

// removable lists the paths from the top of the dataset, if they may be removed at
// all. Nothing outside the dataset is touched, whatever links lead there; paths
// that lie outside are left to Drop, which reports them.
func removable(d *dataset.Dataset, typed []string) ([]string, error) {
	var list []string
	for _, name := range typed {
		rel, err := d.Rel(name)
		if err != nil {
			continue
		}
		if rel == "." {
			return nil, errs.WithHint(errors.New("remove: one of the paths is the dataset itself"), "to remove it, leave out the others")
		}
		if slices.ContainsFunc(strings.Split(rel, "/"), func(part string) bool { return strings.EqualFold(part, ".git") }) {
			return nil, fmt.Errorf("remove: %s belongs to git", name)
		}
		if err := fsx.Beneath(d.Path(), rel); err != nil {
			return nil, err
		}
		list = append(list, filepath.FromSlash(rel))
	}
	return list, nil
}

// removeAll deletes what is left at paths below top. Nothing outside is, whatever
// others put in the place of a folder on the way meanwhile.
func removeAll(top string, paths []string) error {
	root, err := os.OpenRoot(top)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, rel := range paths {
		if err := removePath(root, rel); err != nil {
			return err
		}
	}
	return nil
}

// removePath deletes a file, or a folder in which git-annex has taken away the
// right to write.
func removePath(root *os.Root, rel string) error {
	err := root.RemoveAll(rel)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	walkErr := fs.WalkDir(root.FS(), filepath.ToSlash(rel), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			return root.Chmod(filepath.FromSlash(path), 0o700)
		}
		return nil
	})
	return errors.Join(walkErr, root.RemoveAll(rel))
}
