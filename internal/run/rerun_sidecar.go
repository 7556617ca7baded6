package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fetch"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

const defaultRecordDir = ".datalad/runinfo"

// recordDir is the folder of sidecar records, relative to the top.
func recordDir(d *dataset.Dataset) string {
	if dir := d.Config("datalad.run.record-directory"); dir != "" {
		return dir
	}
	return defaultRecordDir
}

// readSidecars reads the records that are kept in files, after fetching, all
// at once, those whose content is elsewhere.
func (r *rerun) readSidecars(ctx context.Context, list []*past) error {
	var absent []string
	for _, c := range list {
		if c.sidecar == "" {
			continue
		}
		rel := path.Join(recordDir(r.d), c.sidecar)
		_, key, err := r.workTreeSidecar(rel)
		if err != nil && !errors.Is(err, errNoContent) {
			return c.damaged(err)
		}
		if key != nil {
			absent = append(absent, r.d.Repo.Path(rel))
		}
	}
	if len(absent) > 0 {
		if err := fetch.Get(ctx, r.d, fetch.Options{Paths: absent, Jobs: r.opt.Jobs, Quiet: true}, result.Discard); err != nil {
			return err
		}
	}
	for _, c := range list {
		if c.sidecar == "" {
			continue
		}
		var err error
		if c.record, err = r.readSidecar(ctx, c); err != nil {
			return c.damaged(err)
		}
	}
	return nil
}

func (r *rerun) readSidecar(ctx context.Context, c *past) (*runrec.Record, error) {
	rel := path.Join(recordDir(r.d), c.sidecar)
	content, _, err := r.workTreeSidecar(rel)
	if err == nil && content == nil {
		content, err = r.committedSidecar(ctx, c, rel)
	}
	if err != nil {
		return nil, err
	}
	return runrec.ReadSidecar(bytes.NewReader(content))
}

// errNoContent says that a sidecar is annexed and its content elsewhere.
var errNoContent = errors.New("its content is not here")

func (r *rerun) noContent(rel string) error {
	return errs.WithHint(fmt.Errorf("run record sidecar file %s: %w", r.d.Repo.Path(rel), errNoContent), "fetch it with `get %s`", rel)
}

// workTreeSidecar reads a sidecar in the work tree. Nothing is returned if
// there is none, and the key with errNoContent if only the content is missing.
func (r *rerun) workTreeSidecar(rel string) ([]byte, *annexkey.Key, error) {
	if err := fsx.Beneath(r.d.Path(), rel); err != nil {
		return nil, nil, err
	}
	full := r.d.Repo.Path(rel)
	fi, err := os.Lstat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case fi.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(full)
		if err != nil {
			return nil, nil, err
		}
		key, ok := pointer.ParseLink(target)
		if !ok {
			return nil, nil, fmt.Errorf("run record sidecar file %s is a link that leads elsewhere", full)
		}
		return r.annexed(rel, key)
	case !fi.Mode().IsRegular():
		return nil, nil, fmt.Errorf("run record sidecar %s is no file", full)
	}
	content, err := readLimited(full)
	if key, ok := pointer.Parse(content); ok && err == nil {
		return r.annexed(rel, key)
	}
	return content, nil, err
}

// annexed reads content from the annex.
func (r *rerun) annexed(rel string, key annexkey.Key) ([]byte, *annexkey.Key, error) {
	if r.d.Annex != nil {
		if object, ok := r.d.Annex.Locate(key); ok {
			content, err := readLimited(object)
			return content, nil, err
		}
	}
	return nil, &key, r.noContent(rel)
}

// readLimited reads a file of at most the size of a record. It never returns
// nil without an error.
func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, runrec.MaxSize+1))
	return append([]byte{}, content...), err
}

// committedSidecar reads a sidecar that is gone from the work tree as the
// commit has it.
func (r *rerun) committedSidecar(ctx context.Context, c *past, rel string) ([]byte, error) {
	typ, content, err := r.d.Repo.Object(ctx, string(c.id)+":"+rel, runrec.MaxSize)
	if err != nil {
		return nil, err
	}
	if typ != "blob" || content == nil {
		return nil, fmt.Errorf("Run record sidecar file not found: %s", r.d.Repo.Path(rel))
	}
	if key, ok := pointer.Parse(content); ok {
		content, _, err = r.annexed(rel, key)
	}
	return content, err
}
