// Package export writes the content of a dataset's commit into other forms: an
// archive that needs neither git nor an annex to be read.
package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// What is done about files whose content is not here.
const (
	MissingError    = "error"
	MissingContinue = "continue" // leave them out, and say so
	MissingIgnore   = "ignore"   // leave them out
)

// ArchiveOptions says what archive is written.
type ArchiveOptions struct {
	Path        string // absolute; a folder, or a name with or without its ending
	Kind        string // tar or zip; "" is tar
	Compression string // gz, bz2, or "" for none
	Missing     string // "" is MissingError
}

// Archive writes the files of the commit that is checked out, content in place
// of links, with the commit's time, below a folder of the archive's name.
// Nothing stands under the archive's name before it is complete.
func Archive(ctx context.Context, d *dataset.Dataset, opt ArchiveOptions, sink result.Sink) error {
	head, err := d.RecordedHead(ctx)
	if err != nil {
		return err
	}
	if head == "" {
		return errs.WithHint(errors.New("export-archive: there is no commit yet"), "save something first")
	}
	path, root := opt.place(d)
	when, err := commitTime(ctx, d, head)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".stemma-tmp-*")
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) { // not the temporary name
			err = fmt.Errorf("%s: %w", path, failed.Err)
		}
		return fmt.Errorf("export-archive: %w", err)
	}
	defer os.Remove(tmp.Name())
	a := &archiving{d: d, opt: opt, root: root, when: when}
	err = errors.Join(a.write(ctx, tmp, head), tmp.Sync(), tmp.Close())
	if err == nil {
		err = errors.Join(os.Chmod(tmp.Name(), 0o644), os.Rename(tmp.Name(), path))
	}
	if err != nil {
		return fmt.Errorf("export-archive: %w", err)
	}
	return sink.Emit(result.New("export_archive", result.OK, path, result.File))
}

// endings are those of archives, which give way to the right one. Any other
// belongs to the name, as in study-1.0.
var endings = []string{".tar", ".tgz", ".tbz", ".tbz2", ".gz", ".bz2", ".zip"}

// place is the archive's path, and the folder that its members lie in.
func (o *ArchiveOptions) place(d *dataset.Dataset) (path, root string) {
	ending := ".tar"
	if o.Kind == "zip" {
		ending = ".zip"
	} else if o.Compression != "" {
		ending += "." + o.Compression
	}
	path = o.Path
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		path = filepath.Join(path, "datalad_"+d.ID)
	}
	if !strings.HasSuffix(path, ending) {
		if slices.Contains(endings, filepath.Ext(path)) {
			path = strings.TrimSuffix(path, filepath.Ext(path))
		}
		path = strings.TrimSuffix(path, ".tar") + ending
	}
	return path, strings.TrimSuffix(filepath.Base(path), ending)
}

func commitTime(ctx context.Context, d *dataset.Dataset, id gitobj.OID) (time.Time, error) {
	out, err := d.Repo.Output(ctx, "log", "-1", "--format=%ct", string(id), "--")
	if err != nil {
		return time.Time{}, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return time.Unix(n, 0), err
}

// member is one file of the archive.
type member struct {
	name string
	mode os.FileMode
	link string // target of a symlink, or ""
	size int64
	open func() (io.ReadCloser, error)
}

// archiving is one run of Archive.
type archiving struct {
	d    *dataset.Dataset
	opt  ArchiveOptions
	root string
	when time.Time
}

// write fills the archive, file by file in the order of their paths.
func (a *archiving) write(ctx context.Context, w io.Writer, head gitobj.OID) error {
	out, err := newWriter(a.opt, w)
	if err != nil {
		return err
	}
	err = a.d.Repo.DiffTrees(ctx, git.TreeDiff{To: head}, func(c git.TreeDelta) error {
		switch {
		case ctx.Err() != nil || c.To.OID == "":
			return ctx.Err()
		case c.To.Mode == gitobj.ModeGitlink: // a subdataset is an empty folder
			return out.add(member{name: a.root + "/" + c.Path, mode: fs.ModeDir | 0o755}, a.when)
		}
		m, ok, err := a.member(ctx, c)
		if err != nil || !ok {
			return err
		}
		return out.add(m, a.when)
	})
	return errors.Join(err, out.close())
}

// member says what of a file goes into the archive; ok is false for one that is
// left out.
func (a *archiving) member(ctx context.Context, c git.TreeDelta) (m member, ok bool, err error) {
	m = member{name: a.root + "/" + c.Path, mode: 0o644}
	if c.To.Mode == gitobj.ModeExec {
		m.mode = 0o755
	}
	k, annexed, err := a.d.KeyOf(ctx, c.Path, c.To.Mode, c.To.OID)
	if err != nil {
		return m, false, err
	}
	if annexed {
		object, here := "", false
		if a.d.Annex != nil {
			object, here = a.d.Annex.Locate(k)
		}
		if !here {
			return m, false, a.missing(c.Path)
		}
		fi, err := os.Stat(object)
		if err != nil {
			return m, false, err
		}
		m.size, m.open = fi.Size(), func() (io.ReadCloser, error) { return os.Open(object) }
		return m, true, nil
	}
	_, text, err := a.d.Repo.Object(ctx, string(c.To.OID), -1)
	if err != nil {
		return m, false, err
	}
	if c.To.Mode == gitobj.ModeSymlink {
		m.link = string(text)
		return m, true, nil
	}
	m.size, m.open = int64(len(text)), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(text))), nil }
	return m, true, nil
}

func (a *archiving) missing(rel string) error {
	switch a.opt.Missing {
	case MissingIgnore:
		return nil
	case MissingContinue:
		a.d.Env.Log.Warn(fmt.Sprintf("File %s has no content available, skipped", a.d.Repo.Path(rel)))
		return nil
	}
	return errs.WithHint(fmt.Errorf("file %s has no content available", a.d.Repo.Path(rel)), "get it first, or leave it out: --missing-content continue")
}
