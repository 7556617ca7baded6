package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// Duplicates says what happens to files whose content the annex has ever had.
type Duplicates int

// The ways to treat them.
const (
	ImportAll          Duplicates = iota // they are imported like others
	KeepSource                           // like others, and all sources stay
	DeleteDuplicates                     // their sources go, others are imported
	CleanDuplicates                      // their sources go, nothing is imported
	SkipDuplicates                       // they stay, others are imported
	ReinjectDuplicates                   // their content comes back, others are imported
)

// ImportFileOptions says how files are imported.
type ImportFileOptions struct {
	Duplicates Duplicates
	NoIgnore   bool // also files that .gitignore names
	Backend    string
	Match      *Matcher
}

// incoming is a file that is to be imported.
type incoming struct {
	src  string // absolute
	rel  string // where it is to be, from the top of the work tree
	show string
	size int64
}

// ImportFiles moves files, and folders with all their files, into the user's
// folder and the annex. Nothing is overwritten unless that is forced.
func (s *Session) ImportFiles(ctx context.Context, paths []string, opt ImportFileOptions) error {
	var files []incoming
	for _, p := range paths {
		found, err := s.incoming(p)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	ignored, err := s.ignoredAmong(ctx, files, opt)
	if err != nil {
		return err
	}
	var moved []*candidate
	for _, f := range files {
		k := annexkey.New("URL", "x")
		k.Size = f.size
		if ok, err := opt.Match.Match(File{Rel: f.rel, Show: f.show, Key: k}); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		c, err := s.importOne(ctx, f, opt, ignored[f.rel])
		if err != nil {
			return err
		}
		if c != nil {
			moved = append(moved, c)
		}
	}
	return s.addImported(ctx, moved, opt)
}

// incoming lists the files at and below a path outside of the work tree.
func (s *Session) incoming(arg string) ([]incoming, error) {
	path := arg
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.D.Env.Cwd, path)
	}
	if _, err := s.D.Rel(path); err == nil {
		return nil, fmt.Errorf("cannot import files from inside the working tree (use git annex add instead): %s", path)
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", arg, err)
	}
	if !fi.IsDir() && !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("import %s: not a regular file or a folder", arg)
	}
	var files []incoming
	base := filepath.Dir(path)
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(base, p)
		if err != nil {
			return err
		}
		rel, err := s.D.Rel(filepath.Join(s.D.Env.Cwd, name))
		if err != nil {
			return err
		}
		if err := remote.CheckTreePath(rel); err != nil {
			return errs.WithHint(fmt.Errorf("import %s: %w", p, err), "a repository is not imported; clone it")
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files = append(files, incoming{src: p, rel: rel, show: filepath.ToSlash(name), size: info.Size()})
		return nil
	})
	return files, err
}

// ignoredAmong asks git which names it would not add.
func (s *Session) ignoredAmong(ctx context.Context, files []incoming, opt ImportFileOptions) (map[string]bool, error) {
	if opt.NoIgnore || len(files) == 0 {
		return map[string]bool{}, nil
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.rel
	}
	return s.D.Repo.Ignored(ctx, paths, false)
}

// importOne decides about one file, and moves it into the work tree; then it is
// returned.
func (s *Session) importOne(ctx context.Context, f incoming, opt ImportFileOptions, ignored bool) (*candidate, error) {
	item := Item{Command: "import", File: f.show, Input: []string{}}
	if opt.Duplicates >= DeleteDuplicates {
		k, known, err := s.knownContent(ctx, f, opt)
		switch {
		case err != nil:
			return nil, s.Report(item.error(err))
		case known:
			return nil, s.duplicate(ctx, f, item, k, opt)
		case opt.Duplicates == CleanDuplicates:
			return nil, s.Report(item.ok(short("not duplicate; skipping")))
		}
	}
	if ignored {
		return nil, s.Report(item.error(fmt.Errorf("not importing %s which is .gitignored (use --no-check-gitignore to override)", f.show)))
	}
	if err := s.moveIn(ctx, f, opt.Duplicates == KeepSource); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.Report(item.error(err))
	}
	return &candidate{rel: f.rel, show: f.show}, nil
}

// knownContent finds the file's key, and whether the annex has ever had it.
func (s *Session) knownContent(ctx context.Context, f incoming, opt ImportFileOptions) (annexkey.Key, bool, error) {
	b, err := s.backendFor(s.D.Repo.Path(filepath.FromSlash(f.rel)), opt.Backend)
	if err != nil {
		return annexkey.Key{}, false, err
	}
	k, err := s.D.HashAs(ctx, f.src, f.rel, b)
	if err != nil {
		return k, false, err
	}
	log, err := s.Log(ctx, annexlog.LocationPath(k))
	return k, len(log) > 0 || s.D.Annex.Has(k), err
}

// duplicate treats a file whose content is known.
func (s *Session) duplicate(ctx context.Context, f incoming, item Item, k annexkey.Key, opt ImportFileOptions) error {
	switch opt.Duplicates {
	case SkipDuplicates:
		return s.Report(item.ok(short("duplicate; skipping")))
	case ReinjectDuplicates:
		return s.reinjectDuplicate(ctx, f, item, k)
	}
	note := short("duplicate of " + k.String())
	err := s.deleteSource(ctx, f, k)
	var unsafe *transfer.UnsafeError
	switch {
	case errors.As(err, &unsafe):
		return s.Report(item.failed(note, long(fmt.Sprintf("Could not verify that the content is still present in the annex: %d out of %d necessary copies; not removing from the import location.", unsafe.Have, unsafe.Need))))
	case err != nil:
		return s.Report(item.error(err))
	}
	return s.Report(item.ok(note))
}

// deleteSource deletes a file as if it were one more copy of its content: only
// when enough others are proven.
func (s *Session) deleteSource(ctx context.Context, f incoming, k annexkey.Key) error {
	d, err := s.NewDropper(ctx, "")
	if err != nil {
		return err
	}
	proof, err := d.proof(ctx, File{Rel: f.rel, Key: k}, "")
	if err != nil {
		return err
	}
	if proof.Need == 0 {
		proof.Need = 1 // the file may be the only one
	}
	own := d.repos.here
	if d.repos.Trust(own) == annexlog.Untrusted {
		own = ""
	}
	return transfer.DropFrom(ctx, s.ownStore(), own, sourceFile{f.src}, k, proof)
}

// sourceFile is a file that is to be imported, as a place with content.
type sourceFile struct{ path string }

func (f sourceFile) Name() string                                        { return f.path }
func (f sourceFile) UUID() string                                        { return "" }
func (f sourceFile) Present(context.Context, annexkey.Key) (bool, error) { return true, nil }
func (f sourceFile) Locate(annexkey.Key) (string, bool)                  { return f.path, true }
func (f sourceFile) Remove(context.Context, annexkey.Key) error          { return os.Remove(f.path) }
func (f sourceFile) Store(context.Context, annexkey.Key, remote.Content) error {
	return remote.ErrUnsupported
}
func (f sourceFile) Fetch(context.Context, annexkey.Key, string, hash.Hash) error {
	return remote.ErrUnsupported
}

// reinjectDuplicate brings content back that may have been dropped.
func (s *Session) reinjectDuplicate(ctx context.Context, f incoming, item Item, k annexkey.Key) error {
	fi, err := os.Lstat(f.src)
	if err == nil {
		err = s.D.Annex.Keep(ctx, f.src, fi, k)
	}
	if err == nil {
		var same bool
		object, _ := s.D.Annex.Locate(k)
		if same, err = s.D.SameContent(ctx, object, k); err == nil && !same {
			err = errors.New("the content was changed while it was imported")
		}
	}
	if err != nil {
		return s.Report(item.error(err))
	}
	if err := s.D.Annex.SyncObjects([]annexkey.Key{k}); err != nil {
		return err
	}
	if err := s.SetLocation(ctx, k, s.D.Annex.UUID, annexlog.StatusPresent); err != nil {
		return err
	}
	if err := os.Remove(f.src); err != nil {
		return s.Report(item.error(err))
	}
	if err := s.D.Populate(ctx, []annexkey.Key{k}); err != nil {
		return err
	}
	return s.Report(item.ok(short("reinjecting")))
}

// moveIn gives a file its name in the work tree.
func (s *Session) moveIn(ctx context.Context, f incoming, keep bool) error {
	if err := fsx.Beneath(s.D.Path(), f.rel); err != nil {
		return err
	}
	if err := s.vacant(f.rel, f.show); err != nil {
		return err
	}
	if !keep {
		err := fsx.RenameBelow(s.D.Path(), f.rel, f.src)
		if !errors.Is(err, syscall.EXDEV) {
			return err
		}
	}
	if _, err := fsx.CopyBelow(ctx, s.D.Path(), f.rel, f.src, fsx.CopyOptions{KeepMode: true, KeepTime: true, Sync: true}); err != nil || keep {
		return err
	}
	return os.Remove(f.src)
}

// vacant refuses names that something has.
func (s *Session) vacant(rel, show string) error {
	fi, err := os.Lstat(s.D.Repo.Path(filepath.FromSlash(rel)))
	switch {
	case missing(err):
		return nil
	case err != nil:
		return err
	case fi.IsDir():
		return fmt.Errorf("not overwriting existing %s (is a directory)", show)
	case s.Force:
		return fsx.RemoveBelow(s.D.Path(), rel)
	case fi.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("not overwriting existing %s (is a symlink)", show)
	}
	return fmt.Errorf("not overwriting existing %s (use --force to override, or a duplication option such as --deduplicate to clean up)", show)
}

// addImported adds what was moved in.
func (s *Session) addImported(ctx context.Context, files []*candidate, opt ImportFileOptions) error {
	report := s.Report
	defer func() { s.Report = report }()
	s.Report = func(o Outcome) error {
		o.Command, o.Input = "import", []string{}
		return report(o)
	}
	for len(files) > 0 {
		n := min(addBatch, len(files))
		if err := s.addSome(ctx, files[:n], AddOptions{Backend: opt.Backend, DotFiles: true}); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}
