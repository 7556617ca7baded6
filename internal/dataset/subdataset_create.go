package dataset

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// createdMessage is the commit message with which a superdataset registers a
// new subdataset.
const createdMessage = "[DATALAD] Created subdataset"

// openSuper opens the dataset in which a new one will be registered: the one
// that the user named. It is nil where there is none, or the new dataset is
// that one itself.
func (opt CreateOptions) openSuper(ctx context.Context, env Env) (*Dataset, error) {
	if opt.Super == "" || opt.Super == opt.Path {
		return nil, nil
	}
	d, err := Open(ctx, opt.Super, "create a subdataset", env)
	if err != nil {
		return nil, err
	}
	if d.Path() != opt.Super {
		err := errs.WithHint(&NoDatasetError{opt.Super, "create a subdataset"}, "it lies in the dataset %s", d.Path())
		return nil, errs.WithExit(err, errs.ExitUsage)
	}
	return d, nil
}

// misplaced says why a dataset cannot be made at the path, as a message for
// its record, or nil.
func (opt CreateOptions) misplaced(ctx context.Context, super *Dataset, env Env) (any, error) {
	if super != nil {
		if _, err := super.Rel(opt.Path); err != nil {
			return result.Tuple{"dataset containing given paths is not underneath the reference dataset %s: %s", "Dataset(" + super.Path() + ")", opt.Path}, nil
		}
	}
	repo, err := git.Open(ctx, filepath.Dir(opt.Path), git.Options{Env: env.Vars})
	if errors.Is(err, git.ErrNoRepository) {
		return nil, nil
	}
	if err != nil {
		if super == nil {
			return nil, nil // whatever is above is not touched
		}
		return nil, err
	}
	above := &Dataset{Repo: repo, Env: env}
	return above.collision(opt.Path, opt.Force)
}

// collision says what of the dataset is in the way of a new one at the
// absolute path.
func (d *Dataset) collision(abs string, force bool) (any, error) {
	rel, err := d.Rel(abs)
	if err != nil || rel == "." {
		return nil, nil
	}
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	for at := rel; at != "."; at = path.Dir(at) {
		e, ok := index.Lookup(at)
		switch {
		case !ok:
		case e.Mode == gitobj.ModeGitlink && force:
			return nil, nil
		case e.Mode == gitobj.ModeGitlink:
			return result.Tuple{"collision with %s (dataset) in dataset %s", d.Repo.Path(filepath.FromSlash(at)), d.Path()}, nil
		case at == rel:
			return d.inTheWay([]any{abs}), nil
		}
	}
	var list []any
	for e, err := range index.Under(rel) {
		if err != nil {
			return nil, err
		}
		list = append(list, d.Repo.Path(filepath.FromSlash(e.Path)))
	}
	if len(list) == 0 {
		return nil, nil
	}
	return d.inTheWay(list), nil
}

func (d *Dataset) inTheWay(list []any) any {
	return result.Tuple{"collision with content in parent dataset at %s: %s", d.Path(), list}
}

// register saves a new dataset in its superdataset, and in all between.
func (d *Dataset) register(ctx context.Context, opt CreateOptions, sink result.Sink) error {
	message := opt.Message
	if message == "" {
		message = createdMessage
	}
	_, err := d.Save(ctx, SaveOptions{Paths: []string{opt.Path}, FromTop: true, Message: message, Reason: "stemma create"}, sink)
	return err
}
