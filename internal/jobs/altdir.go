package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
)

// altRoot returns the alternative folder without symlinks. It must exist.
func altRoot(dir, cwd string) (string, error) {
	abs := dir
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(cwd, abs)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err == nil {
		var fi fs.FileInfo
		if fi, err = os.Stat(real); err == nil && !fi.IsDir() {
			err = fs.ErrNotExist
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", errs.WithHint(fmt.Errorf("Alternative job directory '%s' doesn't exist", dir), "create it first") //nolint:staticcheck // DataLad's text
	}
	return real, err
}

// stagedDir is the folder that a line runs in; "" without alternative folder.
func stagedDir(alt, cwd, pwd string) (string, error) {
	if alt == "" {
		return "", nil
	}
	root, err := altRoot(alt, cwd)
	return filepath.Join(root, filepath.FromSlash(pwd)), err
}

// stage copies inputs, the job script and existing outputs to the alternative
// folder, which mirrors the dataset.
func (c *scheduling) stage(ctx context.Context) error {
	list := slices.Clone(c.ready)
	if sc := c.prov.Script; sc != nil {
		list = append(list, sc.Path)
	}
	t := &transfer{from: c.w.top, to: c.job.AltDir, keepNewer: false}
	for _, p := range list {
		if filepath.IsAbs(p) {
			continue // outside the dataset; the job finds it where it is
		}
		if err := t.add(p); err != nil {
			return fmt.Errorf("copy input %s: %w", p, err)
		}
	}
	outs, err := c.existingOutputs()
	if err != nil {
		return err
	}
	o := &transfer{from: c.w.top, to: c.job.AltDir, keepNewer: true}
	for _, p := range outs {
		if missing, err := lacksContent(filepath.Join(c.w.top, filepath.FromSlash(p))); err != nil || missing {
			continue
		}
		if err := o.add(p); err != nil {
			return fmt.Errorf("copy output %s: %w", p, err)
		}
	}
	for _, folder := range append(c.parentsOfClaims(), c.w.pwd) {
		if err := makeBelow(c.job.AltDir, folder); err != nil {
			return err
		}
	}
	if err := t.run(ctx); err != nil {
		return err
	}
	return o.run(ctx)
}

// parentsOfClaims are the folders that exist in the dataset and that the job
// will expect.
func (c *scheduling) parentsOfClaims() []string {
	var dirs []string
	for _, p := range c.out.Claims {
		dir := path.Dir(p)
		if fi, err := os.Stat(filepath.Join(c.w.top, filepath.FromSlash(dir))); err == nil && fi.IsDir() {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func makeBelow(root, rel string) error {
	if rel == "." || rel == "" {
		return nil
	}
	if err := fsx.Beneath(root, rel+"/x"); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(root, filepath.FromSlash(rel)), 0o777)
}

// transfer copies files between two trees of the same layout. A file that is
// there already with the same size and time is not copied again, so that a
// transfer that was cut short is resumed.
type transfer struct {
	from, to  string
	keepNewer bool // newer files at the target stay silently; otherwise they are an error
	sync      bool
	files     []string // relative
	seen      map[string]bool
}

// NewerError says that a file at the target is newer than, and differs from,
// the one that should be copied over it.
type NewerError struct{ Target, Source string }

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s differs from %s and is newer", e.Target, e.Source)
}

// add takes in a file, or all files below a folder.
func (t *transfer) add(rel string) error {
	src := filepath.Join(t.from, filepath.FromSlash(rel))
	fi, err := os.Stat(src)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		t.take(rel)
		return nil
	}
	if rel != "." {
		if err := makeBelow(t.to, rel); err != nil {
			return err
		}
	}
	return filepath.WalkDir(src, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		below, err := filepath.Rel(t.from, p)
		if err == nil {
			t.take(filepath.ToSlash(below))
		}
		return err
	})
}

func (t *transfer) take(rel string) {
	if t.seen == nil {
		t.seen = map[string]bool{}
	}
	if !t.seen[rel] {
		t.files = append(t.files, rel)
	}
	t.seen[rel] = true
}

// run copies what was added, several files at once.
func (t *transfer) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(4, 2*runtime.NumCPU()))
	for _, rel := range t.files {
		g.Go(func() error { return t.one(ctx, rel) })
	}
	return g.Wait()
}

func (t *transfer) one(ctx context.Context, rel string) error {
	src, dst := filepath.Join(t.from, filepath.FromSlash(rel)), filepath.Join(t.to, filepath.FromSlash(rel))
	have, err := os.Stat(src)
	if err != nil {
		return fmt.Errorf("copy %s: %w", rel, err)
	}
	if have.IsDir() {
		return fmt.Errorf("copy %s: it is a link to a folder; declare that folder itself", rel)
	}
	if err := fsx.Beneath(t.to, rel); err != nil {
		return err
	}
	skip, err := t.skip(dst, src, have)
	if skip || err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o777); err != nil {
		return err
	}
	_, err = fsx.Copy(ctx, dst, src, fsx.CopyOptions{Perm: have.Mode().Perm() | 0o200, KeepTime: true, Sync: t.sync})
	return err
}

// skip decides about a file that is at the target already.
func (t *transfer) skip(dst, src string, have fs.FileInfo) (bool, error) {
	there, err := os.Lstat(dst)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case !there.Mode().IsRegular():
		return false, nil // a link to annexed content, which stays where it is
	case there.Size() == have.Size() && there.ModTime().Equal(have.ModTime()):
		return true, nil
	case !there.ModTime().After(have.ModTime()):
		return false, nil
	case t.keepNewer:
		return true, nil
	}
	same, err := sameBytes(dst, src, there, have)
	if same || err != nil {
		return same, err
	}
	return false, errs.WithHint(&NewerError{dst, src}, "look which one is right, and remove the other")
}

// sameBytes compares the contents of two files.
func sameBytes(a, b string, ai, bi fs.FileInfo) (bool, error) {
	if ai.Size() != bi.Size() {
		return false, nil
	}
	fa, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	bufA, bufB := make([]byte, 1<<18), make([]byte, 1<<18)
	for {
		n, errA := io.ReadFull(fa, bufA)
		m, errB := io.ReadFull(fb, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			return errors.Is(errA, io.EOF) || errors.Is(errA, io.ErrUnexpectedEOF), nil
		}
	}
}
