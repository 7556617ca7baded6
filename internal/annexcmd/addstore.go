package annexcmd

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/pointer"
)

// prepare decides where a file belongs and stores large content.
func (s *Session) prepare(ctx context.Context, f *candidate, opt AddOptions) error {
	err := f.in.In(f.rel, func(dir *fsx.Folder, name string) error { return s.prepareIn(ctx, dir, name, f, opt) })
	if missing(err) {
		f.gone = true
		return nil
	}
	return err
}

// prepareIn is prepare in the file's folder. fs.ErrNotExist says that it is gone.
func (s *Session) prepareIn(ctx context.Context, dir *fsx.Folder, name string, f *candidate, opt AddOptions) error {
	path := s.D.Repo.Path(filepath.FromSlash(f.rel))
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	f.small = gitindex.StatOf(fi)
	if fi.Mode()&fs.ModeSymlink != 0 {
		f.link, err = os.Readlink(path)
		return err
	}
	if !fi.Mode().IsRegular() { // a folder where git knows a file, or a pipe
		f.gone = true
		return nil
	}
	file, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if fi.Size() <= pointer.MaxSize {
		text := make([]byte, fi.Size())
		n, err := file.ReadAt(text, 0)
		if k, ok := pointer.Parse(text[:n]); err == nil && ok {
			f.key = k
			return nil
		}
	}
	if f.large, err = s.isLarge(ctx, f.rel, fi, opt); err != nil || !f.large {
		return err
	}
	b, err := s.backendFor(path, opt.Backend)
	if err != nil {
		return err
	}
	if f.unlocked, err = s.D.AddUnlocked(ctx, f.rel, fi); err != nil {
		return err
	}
	return s.storeOpen(ctx, f, file, fi, b)
}

// storeOpen hashes a file that is open, as it was seen, and stores its content.
func (s *Session) storeOpen(ctx context.Context, f *candidate, file *os.File, fi fs.FileInfo, b annexkey.Backend) error {
	k, seen, err := annex.HashOpen(ctx, file, fi, filepath.Base(f.rel), b, s.D.ExtRule())
	if err != nil {
		return err
	}
	if f.lost, err = s.outgrown(ctx, f.rel, seen, k); err != nil {
		return err
	}
	if f.unlocked {
		err = s.D.Annex.KeepUnlocked(ctx, file.Name(), seen, k, s.D.Repo.Config.Bool("annex.thin", false))
	} else {
		err = s.D.Annex.Keep(ctx, file.Name(), seen, k)
	}
	f.key, f.seen = k, seen
	return err
}
