package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/fsx"
)

// File is one file that a job's folder is to have. Its content is a file, or is
// written by a function, or it is a symlink.
type File struct {
	Path string // below the folder, with slashes
	ID   string // names the content; files of one id share it; "": nobody else's
	Size int64  // in bytes; -1: not known before
	Exec bool
	Own  bool // the job may write to it

	Source string                                       // path of the content, or
	Write  func(ctx context.Context, w io.Writer) error // gives the content, or
	Link   string                                       // target of a symlink
}

// Method is how a file came to a folder.
type Method string

// The methods.
const (
	Linked  Method = "linked"  // shared with other jobs by a hard link
	Cloned  Method = "cloned"  // shares its blocks until one side changes
	Copied  Method = "copied"  // has blocks of its own
	Symlink Method = "symlink" // is a link, as in the dataset
)

// Placed is a file that lies in a folder, as it was put there.
type Placed struct {
	Path   string    `json:"path"`
	Size   int64     `json:"size"`
	MTime  time.Time `json:"mtime"`
	Method Method    `json:"method"`
	Own    bool      `json:"own,omitempty"`
}

// Place puts files into the folder of a job, some at once, and returns them in
// their order. After an error the caller discards the folder; what only this
// call has put into the pool is gone by then.
func (a *Area) Place(ctx context.Context, folder string, files []File) ([]Placed, error) {
	placed := make([]Placed, len(files))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(4, 4*runtime.NumCPU()))
	for i := range files {
		g.Go(func() (err error) {
			if err = gctx.Err(); err == nil {
				placed[i], err = a.place(gctx, folder, &files[i])
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, errors.Join(err, a.takeBack(folder))
	}
	return placed, nil
}

// takeBack removes a folder that could not be completed, and the contents that
// were put into the pool for it and that nobody else has linked since.
func (a *Area) takeBack(folder string) error {
	err := Remove(folder)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, path := range a.filled {
		if fi, err := os.Lstat(path); err == nil && linksOf(fi) == 1 {
			_ = os.Remove(path)
		}
	}
	a.filled = nil
	removeEmpty(a.pool())
	return err
}

// place puts one file where it belongs.
func (a *Area) place(ctx context.Context, folder string, f *File) (Placed, error) {
	p := Placed{Path: f.Path, Own: f.Own}
	dst := filepath.Join(folder, filepath.FromSlash(f.Path))
	err := fsx.Beneath(folder, f.Path)
	if err == nil {
		err = a.mkdirs(filepath.Dir(dst))
	}
	if err == nil {
		p.Method, err = a.put(ctx, dst, f)
	}
	var fi fs.FileInfo
	if err == nil {
		fi, err = os.Lstat(dst)
	}
	if err == nil && f.Link == "" && f.Size >= 0 && fi.Size() != f.Size {
		err = fmt.Errorf("its content has %d bytes instead of %d", fi.Size(), f.Size)
	}
	if err != nil {
		return p, fmt.Errorf("stage %s: %w", f.Path, err)
	}
	p.Size, p.MTime = fi.Size(), fi.ModTime()
	return p, nil
}

// Adopt takes in a file that somebody else has put into a folder for the job.
func (a *Area) Adopt(folder, rel string, own bool) (Placed, error) {
	p := Placed{Path: rel, Method: Copied, Own: own}
	dst := filepath.Join(folder, filepath.FromSlash(rel))
	fi, err := os.Lstat(dst)
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", dst)
	}
	if err == nil && !own {
		err = os.Chmod(dst, fi.Mode().Perm()&^0o222)
	}
	if err == nil {
		err = a.setMode(dst, &File{Own: own, Exec: fi.Mode()&0o100 != 0})
	}
	if err != nil {
		return p, fmt.Errorf("stage %s: %w", rel, err)
	}
	p.Size, p.MTime = fi.Size(), fi.ModTime()
	return p, nil
}

// put makes a file at dst by the method that shares most and is safe.
func (a *Area) put(ctx context.Context, dst string, f *File) (Method, error) {
	if f.Link != "" {
		return Symlink, os.Symlink(f.Link, dst)
	}
	if f.Source != "" && !a.noClones.Load() {
		switch err := fsx.Clone(dst, f.Source, mode(f)); {
		case err == nil:
			return Cloned, a.setMode(dst, f)
		case !errors.Is(err, errors.ErrUnsupported):
			return "", err
		}
		a.noClones.Store(true)
	}
	if a.links && f.ID != "" && !f.Own {
		linked, err := a.link(ctx, dst, f)
		if linked || err != nil {
			return Linked, err
		}
	}
	return Copied, a.write(ctx, dst, f)
}

// mode is the mode of a file: the job may write to what it will return, and
// reads all else.
func mode(f *File) fs.FileMode {
	mode := fs.FileMode(0o444)
	if f.Own {
		mode = 0o666
	}
	if f.Exec {
		mode |= 0o111
	}
	return mode
}

// setMode grants what core.sharedRepository demands.
func (a *Area) setMode(path string, f *File) error {
	if a.shared == 0 {
		return nil
	}
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Chmod(path, fi.Mode().Perm()|mode(f)&(a.shared|a.shared>>2&0o111))
}

// write makes a new file with the content.
func (a *Area) write(ctx context.Context, dst string, f *File) error {
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode(f))
	if err != nil {
		return err
	}
	if f.Source != "" {
		err = copyFrom(ctx, out, f.Source)
	} else {
		err = f.Write(ctx, out)
	}
	var fi fs.FileInfo
	if err == nil {
		fi, err = out.Stat()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if f.Size >= 0 && fi.Size() != f.Size {
		return fmt.Errorf("its content has %d bytes instead of %d", fi.Size(), f.Size)
	}
	return a.setMode(dst, f)
}

// copyStep is how much is copied between two looks at the context.
const copyStep = 64 << 20

// copyFrom copies a file, inside the kernel where that is possible.
func copyFrom(ctx context.Context, out *os.File, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := io.CopyN(out, in, copyStep)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func linksOf(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}
