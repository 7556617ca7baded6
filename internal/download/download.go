// Package download brings files from URLs into a dataset, or just here, and
// lets the annex remember where they came from.
package download

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
	"github.com/stemma-data/stemma/internal/result"
)

// Options says what is downloaded, and where to.
type Options struct {
	URLs      []string
	Path      string // absolute; a folder, or the file of a single URL; "": the user's folder
	Folder    bool   // Path is a folder even if there is none yet
	Overwrite bool
	NoSave    bool
	Message   string // of the commit; "" for DataLad's
	Here      string // the user's folder, absolute
}

// URLs downloads files. Where there is a dataset (d may be nil) they are saved
// in it, and annexed content is registered with its URL. It reports a record
// for each download, then those of the save.
func URLs(ctx context.Context, d *dataset.Dataset, client *fetchurl.Client, opt Options, sink result.Sink) error {
	if err := opt.fits(); err != nil {
		return err
	}
	got := map[string]string{} // path to URL
	var paths []string
	for _, u := range opt.URLs {
		to, err := opt.target(u)
		if bad := client.Check(u); bad != nil {
			err = bad // says more than that it gives no name
		}
		if err == nil {
			err = fetch(ctx, client, u, to, opt.Overwrite)
		}
		r := result.New("download_url", result.OK, to, result.File)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			r = r.As(result.Error).Msg(explain(u, err))
		} else {
			got[to] = u
			paths = append(paths, to)
		}
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	if d == nil || opt.NoSave || len(paths) == 0 {
		return nil
	}
	if opt.Message == "" {
		opt.Message = "[DATALAD] Download URLs\n\nURLs:\n  " + strings.Join(opt.URLs, "\n  ")
	}
	_, err := d.Save(ctx, dataset.SaveOptions{Paths: paths, FromTop: true, Message: opt.Message, Reason: "stemma download-url"}, sink)
	if err != nil || d.Annex == nil {
		return err
	}
	return register(ctx, d, paths, got)
}

func (o *Options) fits() error {
	if len(o.URLs) == 0 {
		return errs.WithExit(errors.New("download-url: which URL?"), errs.ExitUsage)
	}
	if fi, err := os.Stat(o.Path); err == nil && fi.IsDir() {
		o.Folder = true
	}
	if o.Path != "" && !o.Folder && len(o.URLs) > 1 {
		return errs.WithHint(errors.New("download-url: several URLs cannot go to one file"), "name a folder: end the path with a slash")
	}
	return nil
}

// target is the file for a URL.
func (o *Options) target(address string) (string, error) {
	if o.Path != "" && !o.Folder {
		return o.Path, nil
	}
	dir := o.Path
	if dir == "" {
		dir = o.Here
	}
	u, err := url.Parse(address)
	if err != nil {
		return dir, errors.New("it is no valid url")
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" || name == ".." || strings.ContainsAny(name, "/\x00") || gitobj.IsDotGit(name) {
		return dir, fmt.Errorf("no file name can be made of it; give one with --path")
	}
	return filepath.Join(dir, name), nil
}

// existsError is DataLad's answer to a file in the way.
type existsError struct{ path string }

func (e *existsError) Error() string { return "DownloadError(Path " + e.path + " already exists)" }

// fetch downloads into a file beside the target and then renames it.
func fetch(ctx context.Context, client *fetchurl.Client, address, to string, overwrite bool) error {
	if _, err := os.Lstat(to); err == nil && !overwrite {
		return &existsError{to}
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(to), ".stemma-tmp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tmp := filepath.Join(dir, "download")
	if err := client.Fetch(ctx, annexkey.URL(address, -1), address, tmp, 0, nil); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}

func explain(address string, err error) string {
	var there *existsError
	address = git.Redact(address)
	switch {
	case errors.As(err, &there):
		return err.Error()
	case errors.Is(err, remote.ErrAbsent):
		return "Access to " + address + " has failed: not found"
	}
	return "Access to " + address + " has failed: " + err.Error()
}

// register notes the URLs of annexed files.
func register(ctx context.Context, d *dataset.Dataset, paths []string, from map[string]string) error {
	s, err := annexcmd.Open(ctx, d, annexcmd.Settings{})
	if err != nil {
		return err
	}
	for _, p := range paths {
		f, ok, ferr := s.FileOf(ctx, p)
		if ferr != nil || !ok {
			err = errors.Join(err, ferr)
			continue
		}
		err = errors.Join(err, s.RegisterURL(ctx, f.Key, from[p], ""))
	}
	return errors.Join(err, s.Close(ctx))
}
