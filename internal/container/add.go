package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// AddOptions describe a container that is added or changed.
type AddOptions struct {
	Name        string
	Source      string // where the image comes from; "" where it is in the dataset already
	CallFormat  string // or the name of an executor; "" for a guess
	Image       string // path in the dataset; "" for the usual place
	ExtraInputs []string
	Update      bool // change a container that is on record
}

// Add puts an image into the dataset, and how to use it on record, in one
// commit.
func Add(ctx context.Context, d *dataset.Dataset, opt AddOptions, sink result.Sink) error {
	if !validName(opt.Name) {
		return fmt.Errorf("Container names can only contain alphanumeric characters and '-', got: '%s'", opt.Name)
	}
	if err := d.Writable(ctx); err != nil {
		return err
	}
	known := known(d, opt.Name)
	if why := opt.refuse(known); why != nil {
		return sink.Emit(result.New("containers_add", result.Impossible, d.Path(), result.Dataset).With("message", why))
	}
	if known != nil {
		if err := opt.inherit(d, known); err != nil {
			return err
		}
	}
	rel, err := opt.place(d)
	if err != nil {
		return err
	}
	a := &adding{d: d, opt: opt, rel: rel, sink: sink}
	return a.run(ctx)
}

func known(d *dataset.Dataset, name string) *Container {
	for _, c := range own(d) {
		if c.Name == name {
			return &c
		}
	}
	return nil
}

// refuse says why nothing is done, as the message of a record, or nil.
func (opt *AddOptions) refuse(known *Container) any {
	switch {
	case known == nil:
		return nil
	case !opt.Update:
		return result.Tuple{"Container named %r already exists. Use --update to reconfigure.", opt.Name}
	case opt.Source+opt.Image+opt.CallFormat == "" && len(opt.ExtraInputs) == 0 && known.UpdateURL == "":
		return "No values to update specified"
	}
	return nil
}

// inherit takes over what is on record and was not given anew. A path on
// record is refused: the record may come from somebody else, who would have any
// file of this machine put into the dataset.
func (opt *AddOptions) inherit(d *dataset.Dataset, known *Container) error {
	if opt.Source+opt.Image+opt.CallFormat == "" && len(opt.ExtraInputs) == 0 {
		opt.Source = known.UpdateURL
		if !isAddress(opt.Source) {
			return errs.WithHint(fmt.Errorf("container %s: its image came from %s, a place on this machine that the dataset names", opt.Name, opt.Source),
				"name it yourself: containers-add --update --url %s %s", opt.Source, opt.Name)
		}
	}
	if opt.CallFormat == "" {
		opt.CallFormat = known.CmdExec
	}
	if opt.Image == "" {
		if rel, err := d.Rel(known.Image); err == nil {
			opt.Image = rel
		}
	}
	return nil
}

// place is the path of the image in the dataset.
func (opt *AddOptions) place(d *dataset.Dataset) (string, error) {
	rel := opt.Image
	if rel == "" {
		dir := d.Config("datalad.containers.location")
		if dir == "" {
			dir = ".datalad/environments"
		}
		rel = filepath.Join(dir, opt.Name, "image")
	}
	if filepath.IsAbs(rel) {
		in, err := d.Rel(rel)
		if err != nil {
			return "", fmt.Errorf("image %s: %w", rel, err)
		}
		rel = in
	}
	rel = filepath.ToSlash(filepath.Clean(rel))
	if err := fsx.Beneath(d.Path(), rel); err != nil {
		return "", errs.WithHint(fmt.Errorf("image %s: %w", rel, err), "the image must lie in the dataset")
	}
	return rel, nil
}

func validName(name string) bool {
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return name != ""
}

// adding is one addition under way.
type adding struct {
	d    *dataset.Dataset
	opt  AddOptions
	rel  string // of the image
	sink result.Sink
}

func (a *adding) path() string { return a.d.Repo.Path(filepath.FromSlash(a.rel)) }

func (a *adding) run(ctx context.Context) error {
	r := result.New("containers_add", result.OK, a.path(), result.File)
	verb := "Configure"
	paths := []string{a.d.Repo.Path(".datalad", "config")}
	if a.opt.Source != "" {
		replaced, err := a.replace(ctx)
		if err != nil {
			return err
		}
		if replaced {
			verb = "Update"
		}
		paths = append(paths, a.path())
	}
	if _, err := os.Lstat(a.path()); errors.Is(err, fs.ErrNotExist) {
		return a.sink.Emit(r.As(result.Error).With("message", result.Tuple{"no image at %s", a.path()}))
	} else if err != nil {
		return err
	}
	if err := a.d.EditBranchConfig(a.edits()...); err != nil {
		return err
	}
	save := dataset.SaveOptions{Paths: paths, Reason: "stemma containers-add",
		Message: fmt.Sprintf("[DATALAD] %s containerized environment '%s'", verb, a.opt.Name)}
	if _, err := a.d.Save(ctx, save, a.sink); err != nil {
		return err
	}
	return a.sink.Emit(r)
}

// replace obtains the image beside the place and moves it there, so that an old
// one is in place until the new one is complete.
func (a *adding) replace(ctx context.Context) (replaced bool, err error) {
	dir := filepath.Dir(a.path())
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, err
	}
	temp, err := os.MkdirTemp(dir, fsx.TempPrefix)
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temp)
	file := filepath.Join(temp, "image")
	if err := obtain(ctx, a.opt.Source, file, a.d.Env); err != nil {
		return false, fmt.Errorf("image %s: %w", a.opt.Source, err)
	}
	_, err = os.Lstat(a.path())
	return err == nil, os.Rename(file, a.path())
}

// edits are the settings of the container.
func (a *adding) edits() []git.ConfigEdit {
	at := prefix + a.opt.Name + "."
	edits := []git.ConfigEdit{{Key: at + "image", Value: a.rel}}
	format := a.opt.CallFormat
	if format == "" {
		format = guess(a.opt.Source)
	}
	if format != "" {
		edits = append(edits, git.ConfigEdit{Key: at + "cmdexec", Value: CallFormat(format, a.opt.Source)})
	}
	if len(a.opt.ExtraInputs) > 0 && len(a.d.ConfigAll(at+"extra-input")) > 0 {
		edits = append(edits, git.ConfigEdit{Key: at + "extra-input", Remove: true})
	}
	for _, p := range a.opt.ExtraInputs {
		edits = append(edits, git.ConfigEdit{Key: at + "extra-input", Value: p, Add: true})
	}
	return edits
}

// Remove takes a container out of the records, and its image with image.
func Remove(ctx context.Context, d *dataset.Dataset, name string, image bool, sink result.Sink) error {
	r := result.New("containers_remove", result.OK, d.Path(), result.Dataset)
	c := known(d, name)
	if c == nil {
		return sink.Emit(r.As(result.NotNeeded))
	}
	if err := d.Writable(ctx); err != nil {
		return err
	}
	if image {
		if err := removeImage(ctx, d, c, sink); err != nil {
			return err
		}
	}
	var edits []git.ConfigEdit
	for _, key := range d.BranchConfigKeys(prefix + name + ".") {
		edits = append(edits, git.ConfigEdit{Key: key, Remove: true})
	}
	if len(edits) > 0 {
		if err := d.EditBranchConfig(edits...); err != nil {
			return err
		}
	}
	save := dataset.SaveOptions{Paths: []string{d.Repo.Path(".datalad", "config")}, Reason: "stemma containers-remove",
		Message: "[DATALAD] Remove container " + name}
	if _, err := d.Save(ctx, save, sink); err != nil {
		return err
	}
	return sink.Emit(r)
}

// removeImage deletes the file, as `remove` does: in a commit of its own; the
// content stays in the annex.
func removeImage(ctx context.Context, d *dataset.Dataset, c *Container, sink result.Sink) error {
	if _, err := c.checked(); err != nil {
		return err
	}
	fi, err := os.Lstat(c.Image)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.Remove(c.Image); err != nil {
		return err
	}
	kind := result.File
	if fi.Mode()&fs.ModeSymlink != 0 {
		kind = result.Symlink
	}
	if err := sink.Emit(result.New("remove", result.OK, c.Image, kind).Ref(d.Path())); err != nil {
		return err
	}
	renamed := result.SinkFunc(func(r result.Record) error {
		if r.Action == "delete" {
			return nil
		}
		return sink.Emit(r)
	})
	_, err = d.Save(ctx, dataset.SaveOptions{Paths: []string{c.Image}, Message: "[DATALAD] removed content", Reason: "stemma containers-remove"}, renamed)
	return err
}

// without cuts the kind off a source.
func without(source string, kinds ...string) (rest string, ok bool) {
	for _, k := range kinds {
		if rest, ok := strings.CutPrefix(source, k); ok {
			return rest, true
		}
	}
	return source, false
}
