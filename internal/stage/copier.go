package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
)

// Copier copies files between two trees of the same layout. A file that is
// there already with the same size and time is not copied again, so that a
// transfer that was cut short is resumed.
type Copier struct {
	From, To  string
	KeepNewer bool   // newer files at the target stay silently; otherwise they are an error
	Sync      bool   // what is copied is durable
	TempDir   string // takes unfinished copies; "": beside their places
	// May, if not nil, decides about a target that has other content, whatever
	// the times: an error keeps it, and is returned.
	May func(ctx context.Context, rel string) error

	files []string // relative
	seen  map[string]bool
}

// NewerError says that a file at the target is newer than, and differs from,
// the one that should be copied over it.
type NewerError struct{ Target, Source string }

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s differs from %s and is newer", e.Target, e.Source)
}

// Add takes in a file, or all files below a folder.
func (c *Copier) Add(rel string) error {
	src := filepath.Join(c.From, filepath.FromSlash(rel))
	fi, err := os.Stat(src)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		c.take(rel)
		return nil
	}
	if rel != "." {
		if err := MakeBelow(c.To, rel); err != nil {
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
		below, err := filepath.Rel(c.From, p)
		if err == nil {
			c.take(filepath.ToSlash(below))
		}
		return err
	})
}

func (c *Copier) take(rel string) {
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	if !c.seen[rel] {
		c.files = append(c.files, rel)
	}
	c.seen[rel] = true
}

// Run copies what was added, several files at once.
func (c *Copier) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(4, 2*runtime.NumCPU()))
	for _, rel := range c.files {
		g.Go(func() error { return c.one(ctx, rel) })
	}
	return g.Wait()
}

func (c *Copier) one(ctx context.Context, rel string) error {
	src, dst := filepath.Join(c.From, filepath.FromSlash(rel)), filepath.Join(c.To, filepath.FromSlash(rel))
	have, err := os.Stat(src)
	if err != nil {
		return fmt.Errorf("copy %s: %w", rel, err)
	}
	if have.IsDir() {
		return fmt.Errorf("copy %s: it is a link to a folder; declare that folder itself", rel)
	}
	if err := fsx.Beneath(c.To, rel); err != nil {
		return err
	}
	skip, err := c.skip(ctx, rel, dst, src, have)
	if skip || err != nil {
		return err
	}
	_, err = fsx.CopyBelow(ctx, c.To, rel, src, fsx.CopyOptions{Perm: have.Mode().Perm() | 0o200, KeepTime: true, Sync: c.Sync, TempDir: c.TempDir})
	return err
}

// skip decides about a file that is at the target already.
func (c *Copier) skip(ctx context.Context, rel, dst, src string, have fs.FileInfo) (bool, error) {
	there, err := os.Lstat(dst)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case c.May != nil:
		// Two jobs may have written files of one size in one tick of the clock.
		// A link to the same content is what a finish that was killed has left.
		if at, err := os.Stat(dst); err == nil && at.Mode().IsRegular() {
			if same, err := sameBytes(dst, src, at, have); same || err != nil {
				return same, err
			}
		}
		return false, c.May(ctx, rel)
	case !there.Mode().IsRegular():
		return false, nil // a link to annexed content, which stays where it is
	case there.Size() == have.Size() && there.ModTime().Equal(have.ModTime()):
		return true, nil
	case !there.ModTime().After(have.ModTime()):
		return false, nil
	case c.KeepNewer:
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

// MakeBelow makes a folder below root, unless a link on the way leads elsewhere.
func MakeBelow(root, rel string) error {
	if rel == "." || rel == "" {
		return nil
	}
	dir, err := fsx.MakeFolder(root, rel)
	if err != nil {
		return err
	}
	return dir.Close()
}
