package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/result"
)

// DeclareModule writes the subdataset at rel, which is here, into .gitmodules
// and the repository's own configuration, with further properties. A block that
// is there already stays as it is. Nothing is committed.
func (d *Dataset) DeclareModule(ctx context.Context, rel string, more ...[2]string) error {
	sub, err := d.Sub(ctx, rel)
	if err != nil {
		return fmt.Errorf("register %s: %w", rel, err)
	}
	defer sub.Repo.Close()
	m, err := d.newModule(ctx, rel, sub)
	if err != nil {
		return err
	}
	m.Properties = append(m.Properties, more...)
	return d.rewriteModules([]*Module{m}, nil)
}

// SaveModule records the subdataset at the absolute path, in all datasets
// between this one and it.
func (d *Dataset) SaveModule(ctx context.Context, path, message string, sink result.Sink) error {
	_, err := d.Save(ctx, SaveOptions{Paths: []string{path}, FromTop: true, Message: message, Reason: "stemma clone"}, sink)
	return err
}

// Gitlinks lists the subdatasets in the index, with the commits it has.
func (d *Dataset) Gitlinks() ([]gitindex.Entry, error) { return d.gitlinks(Scope{}) }

// GitlinkAbove returns the subdataset that the path, relative to the top, is or
// lies in; ok is false where it is the dataset's own.
func (d *Dataset) GitlinkAbove(rel string) (e gitindex.Entry, ok bool, err error) {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return e, false, err
	}
	at := SubdatasetAbove(index, rel)
	if at == "" {
		return e, false, nil
	}
	e, ok = index.Lookup(at)
	return e, ok, nil
}

// UnfinishedClone is a file in the git folder of a clone that is being made, or
// that a killed process has left.
const UnfinishedClone = "stemma-clone"

// IsHere reports whether the subdataset at rel has been obtained.
func (d *Dataset) IsHere(rel string) bool {
	if fsx.Beneath(d.Path(), rel) != nil || !d.hasTop(rel) {
		return false
	}
	_, err := os.Lstat(d.Repo.Path(filepath.FromSlash(rel), ".git", UnfinishedClone))
	return err != nil
}

// Each calls fn for the dataset and for the subdatasets that are here, levels
// deep (AllLevels: no limit), each before those in it. rel is where it lies
// below d, "." for d itself.
func (d *Dataset) Each(ctx context.Context, levels int, fn func(sub *Dataset, rel string) error) error {
	if err := fn(d, "."); err != nil || levels == 0 {
		return err
	}
	return d.Subdatasets(ctx, SubdatasetsOptions{State: "present", Levels: levels}, func(s *Subdataset) error {
		rel, ok := below(d.Path(), s.Abs)
		if !ok {
			return nil
		}
		repo, err := d.Repo.OpenBelow(ctx, s.Abs)
		if err != nil {
			return err
		}
		defer repo.Close()
		sub, err := From(repo, d.Env)
		if err != nil {
			return err
		}
		return fn(sub, rel)
	})
}
