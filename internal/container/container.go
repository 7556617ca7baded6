// Package container keeps container images in datasets and puts commands into
// them: which containers a dataset knows, how a command line is built from
// their call format, how images are added and removed. Settings, messages and
// records are those of datalad-container. It executes no command in a
// container itself, and pulls nothing unless it was asked for that source.
package container

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

const prefix = "datalad.containers."

// Container is one that a dataset has on record.
type Container struct {
	Name        string // in a subdataset: after the names of the modules, with slashes
	Image       string // absolute path
	Dataset     string // that it is in, absolute
	CmdExec     string // call format, "" for none
	UpdateURL   string
	ExtraInputs []string
}

// List lists the containers of a dataset; with recursive, those of present
// subdatasets come first. contains limits that to subdatasets which hold one of
// the paths (absolute).
func List(ctx context.Context, d *dataset.Dataset, recursive bool, contains []string) ([]Container, error) {
	var list []Container
	if recursive {
		opt := dataset.SubdatasetsOptions{State: "present", Levels: 1, Contains: contains}
		err := d.Subdatasets(ctx, opt, func(s *dataset.Subdataset) error {
			sub, err := d.Sub(ctx, s.Path)
			if errors.Is(err, git.ErrNoRepository) {
				return nil
			}
			if err != nil {
				return err
			}
			defer sub.Repo.Close()
			below, err := List(ctx, sub, true, nil)
			for _, c := range below {
				c.Name = s.Name + "/" + c.Name
				list = append(list, c)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return append(list, own(d)...), nil
}

// own reads the containers that the dataset itself configures.
func own(d *dataset.Dataset) []Container {
	var names []string
	for _, key := range d.ConfigKeys(prefix) {
		name, _, ok := strings.Cut(strings.TrimPrefix(key, prefix), ".")
		if ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var list []Container
	for _, name := range names {
		at := prefix + name + "."
		image := d.Config(at + "image")
		if image == "" {
			continue
		}
		list = append(list, Container{
			Name: name, Image: d.Repo.Path(filepath.FromSlash(image)), Dataset: d.Path(),
			CmdExec: d.Config(at + "cmdexec"), UpdateURL: d.Config(at + "updateurl"), ExtraInputs: d.ConfigAll(at + "extra-input"),
		})
	}
	return list
}

// Record is the container as DataLad reports it.
func (c *Container) Record(refds string) result.Record {
	r := result.New("containers", result.OK, c.Image, result.File).With("name", c.Name).With("parentds", c.Dataset).Ref(refds)
	if c.CmdExec != "" {
		r = r.With("cmdexec", c.CmdExec)
	}
	if c.UpdateURL != "" {
		r = r.With("updateurl", c.UpdateURL)
	}
	switch len(c.ExtraInputs) {
	case 0:
	case 1:
		r = r.With("extra-input", c.ExtraInputs[0])
	default:
		r = r.With("extra-input", c.ExtraInputs)
	}
	return r
}

// Select returns the container that a name stands for: the only one for "", one
// by its name, or by the path of its image, relative to the user's folder.
func Select(ctx context.Context, d *dataset.Dataset, name string) (*Container, error) {
	list, err := List(ctx, d, strings.Contains(name, "/"), nil)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errs.WithHint(errors.New("No known containers. Use containers-add"), "containers-add --url IMAGE --call-fmt FORMAT NAME")
	}
	var names []string
	for i := range list {
		names = append(names, list[i].Name)
	}
	known := "known containers are: " + strings.Join(names, ", ")
	if name == "" {
		if len(list) > 1 {
			return nil, errs.WithHint(fmt.Errorf("Must explicitly specify container (%s)", known), "name it with --container-name")
		}
		return list[0].checked()
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.Env.Cwd, path)
	}
	for i := range list {
		if list[i].Name == name {
			return list[i].checked()
		}
	}
	for i := range list {
		if list[i].Image == filepath.Clean(path) {
			return list[i].checked()
		}
	}
	return nil, fmt.Errorf("Container selection impossible: not specified, ambiguous or unknown (%s)", known)
}

// checked refuses an image that the configuration puts outside its dataset.
func (c *Container) checked() (*Container, error) {
	rel, err := filepath.Rel(c.Dataset, c.Image)
	if err == nil {
		err = fsx.Beneath(c.Dataset, filepath.ToSlash(rel))
	}
	if err != nil {
		return nil, errs.WithHint(fmt.Errorf("container %s: its image %s is not in the dataset: %w", c.Name, c.Image, err), "correct .datalad/config")
	}
	return c, nil
}
