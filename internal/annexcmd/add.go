package annexcmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// AddOptions says how files are added.
type AddOptions struct {
	ForceLarge, ForceSmall bool
	UpdateOnly             bool // only files that git knows
	NoIgnore               bool // also files that .gitignore names
	DotFiles               bool // hidden ones are like the others, whatever annex.dotfiles says
	DryRun                 bool // only tell what would be added
	Backend                string
	Match                  *Matcher // may only ask for name and size
}

// candidate is a file on its way into the annex or git.
type candidate struct {
	rel, show, input string
	key              annexkey.Key
	seen             fs.FileInfo
	lost             annexkey.Key // content that was here until the file changed (annex.thin)
	large, unlocked  bool
	link             string // target, of a symlink
	small            gitindex.Stat
	blob             gitobj.OID // of a file that git keeps
	gone             bool
	err              error
	in               *fsx.Folders // of the dataset: nothing is read or replaced where a link leads
}

// addBatch is how many files are stored before their links are put in place.
const addBatch = 1024

// Add stages new and changed files below the paths: large ones as annexed
// files, the others in git.
func (s *Session) Add(ctx context.Context, paths []string, opt AddOptions) error {
	files, err := s.addable(ctx, paths, opt)
	var missing *MissingFileError
	if err != nil && !errors.As(err, &missing) {
		return err
	}
	if opt.DryRun {
		return errors.Join(s.addNone(ctx, files, opt), err)
	}
	for len(files) > 0 {
		n := min(addBatch, len(files))
		if err := s.addSome(ctx, files[:n], opt); err != nil {
			return err
		}
		files = files[n:]
	}
	return err
}

// addNone reports what would be added.
func (s *Session) addNone(ctx context.Context, files []*candidate, opt AddOptions) error {
	for _, f := range files {
		fi, err := os.Lstat(s.D.Repo.Path(filepath.FromSlash(f.rel)))
		if missing(err) || err == nil && !fi.Mode().IsRegular() && fi.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		large := err == nil && !fi.Mode().IsRegular()
		if err == nil && !large {
			large, err = s.isLarge(ctx, f.rel, fi, opt)
		}
		item := Item{Command: "add", File: f.show, Input: []string{f.input}}
		o := item.ok()
		switch {
		case err != nil:
			o = item.error(err)
		case !large:
			o.Notes = []Note{short(smallNote)}
		}
		if err := s.Report(o); err != nil {
			return err
		}
	}
	return nil
}

const smallNote = "non-large file; adding content to git repository"

// addSome stores files side by side, and then puts them in place one by one.
func (s *Session) addSome(ctx context.Context, files []*candidate, opt AddOptions) error {
	folders := fsx.NewFolders(s.D.Path())
	defer folders.Close()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(s.Jobs, runtime.NumCPU()))
	for _, f := range files {
		f.in = folders
		g.Go(func() error {
			if err := gctx.Err(); err != nil {
				return err
			}
			f.err = s.prepare(ctx, f, opt) // what it starts must outlive the group
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var keys []annexkey.Key
	for _, f := range files {
		if f.err == nil && !f.key.IsZero() && f.seen != nil {
			keys = append(keys, f.key)
		}
	}
	if len(keys) > 0 {
		if err := s.D.Annex.SyncObjects(keys); err != nil {
			return err
		}
	}
	if err := s.hashSmall(ctx, files); err != nil {
		return err
	}
	for _, f := range files {
		if f.gone {
			continue
		}
		if err := s.addOne(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// addOne puts a stored file in place and stages it.
func (s *Session) addOne(ctx context.Context, f *candidate) error {
	item := Item{Command: "add", File: f.show, Input: []string{f.input}}
	if f.err != nil {
		return s.Report(item.error(f.err))
	}
	path := s.D.Repo.Path(filepath.FromSlash(f.rel))
	var err error
	switch {
	case f.link != "":
		return s.addLink(ctx, f, item)
	case f.key.IsZero():
		return s.addSmall(f, item)
	case f.seen == nil || f.unlocked:
		err = s.stagePointer(f, path)
	default:
		err = s.stageLink(f)
	}
	if err != nil {
		return s.Report(item.error(err))
	}
	item.Key = f.key
	if f.seen != nil {
		if s.Progress != nil {
			s.Progress(Outcome{Item: Item{Command: item.Command, File: item.File, Input: item.Input}}, f.seen.Size(), f.seen.Size())
		}
		if err := s.SetLocation(ctx, f.key, s.D.Annex.UUID, annexlog.StatusPresent); err != nil {
			return err
		}
		if !f.lost.IsZero() && !s.D.Annex.Has(f.lost) {
			if err := s.SetLocation(ctx, f.lost, s.D.Annex.UUID, annexlog.StatusAbsent); err != nil {
				return err
			}
		}
		warning, err := s.ingestMetadata(ctx, f)
		if err != nil {
			return err
		}
		if warning != "" {
			o := item.ok()
			o.Errors = []string{warning}
			return s.Report(o)
		}
	}
	return s.Report(item.ok())
}

// stageLink replaces a stored file by the link to its content.
func (s *Session) stageLink(f *candidate) error {
	target := pointer.LinkTarget(f.key, f.rel)
	err := f.in.In(f.rel, func(dir *fsx.Folder, name string) error {
		same, err := dir.Holds(name, f.seen)
		if err == nil && !same {
			err = &annex.ChangedError{Path: f.show}
		}
		if err != nil {
			return err
		}
		return s.D.PutLinkIn(dir, name, target)
	})
	if err != nil {
		return err
	}
	return s.stageFile(f.rel, gitobj.ModeSymlink, []byte(target))
}

func (s *Session) stagePointer(f *candidate, path string) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	mode, err := s.fileMode(f.rel, fi)
	if err != nil {
		return err
	}
	return s.stageFile(f.rel, mode, pointer.Format(f.key))
}

// stageFile stages a path as it is in the work tree now.
func (s *Session) stageFile(rel string, mode gitobj.Mode, text []byte) error {
	edit := gitindex.Edit{Path: rel, Mode: mode}
	fi, err := os.Lstat(s.D.Repo.Path(filepath.FromSlash(rel)))
	if err != nil {
		return err
	}
	edit.Stat = gitindex.StatOf(fi)
	s.Stage(edit, "", text)
	return nil
}

// addLink stages a symlink, one into the annex with the right target.
func (s *Session) addLink(ctx context.Context, f *candidate, item Item) error {
	if k, ok := pointer.ParseLink(f.link); ok && k.Safe() == nil {
		right := pointer.LinkTarget(k, f.rel)
		if right != f.link {
			if err := s.D.PutLink(f.rel, right); err != nil {
				return s.Report(item.error(err))
			}
			f.link = right
		}
		item.Key = k
	}
	if err := s.stageFile(f.rel, gitobj.ModeSymlink, []byte(f.link)); err != nil {
		return s.Report(item.error(err))
	}
	return s.Report(item.ok())
}

// hashSmall makes blobs of the files that git keeps, converted as their
// attributes ask, in one go.
func (s *Session) hashSmall(ctx context.Context, files []*candidate) error {
	var paths []string
	var which []*candidate
	for _, f := range files {
		if f.err != nil || f.gone || f.link != "" || !f.key.IsZero() {
			continue
		}
		if strings.ContainsRune(f.rel, '\n') {
			f.err = errors.New("a file name with a line break cannot be added to git this way")
			continue
		}
		paths, which = append(paths, f.rel), append(which, f)
	}
	ids, err := s.D.Repo.HashFiles(ctx, paths, true)
	if err != nil {
		return err
	}
	for i, f := range which {
		f.blob = ids[i]
	}
	return nil
}

// addSmall leaves a file to git.
func (s *Session) addSmall(f *candidate, item Item) error {
	fi, err := os.Lstat(s.D.Repo.Path(f.rel))
	if err == nil && gitindex.StatOf(fi) != f.small {
		err = &annex.ChangedError{Path: f.show}
	}
	mode := gitobj.ModeFile
	if err == nil {
		mode, err = s.fileMode(f.rel, fi)
	}
	if err != nil {
		return s.Report(item.error(err))
	}
	s.Stage(gitindex.Edit{Path: f.rel, Mode: mode, OID: f.blob, Stat: f.small}, "", nil)
	return s.Report(item.ok(short(smallNote)))
}
