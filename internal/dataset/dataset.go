// Package dataset knows what a dataset is: a git repository with an annex and
// an identity, and what happens to its files: which of them changed, where
// their content belongs, how they are saved, unlocked, fetched and dropped.
// It reports through result records and never prints.
package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// Env is what the surroundings give to all operations.
type Env struct {
	Vars []string         // environment for child processes, KEY=VALUE
	Cwd  string           // the user's folder, absolute, as they reached it
	Log  *slog.Logger     // progress and warnings for people
	Now  func() time.Time // nil: time.Now

	// Told takes what remotes have to tell people; nil: it is logged.
	Told func(text string)

	// Progress is told how transfers of content fare where nobody else is; nil:
	// nobody wants to know.
	Progress transfer.Progress

	// Closer settles the jobs whose commits were published, by the tags of the
	// commits: any writer may be the one that completes what a killed finish
	// left. It runs under the lease and may be repeated; nil: the next finish
	// finds out.
	Closer func(ctx context.Context, d *Dataset, done map[int64]gitobj.OID) error
}

// Dataset is one opened dataset. It is safe for concurrent use.
type Dataset struct {
	Repo  *git.Repo
	Annex *annex.Annex // nil: a plain git repository
	ID    string       // lower-case UUID; "" if the repository is no dataset
	Env   Env

	branch *git.Config  // .datalad/config as it is in the work tree
	attrs  sync.Mutex   // guards attr
	texts  atomic.Int64 // bytes of small files that Stage keeps
	linked atomic.Bool  // LinkGitFolder has done its work
	attr   attributes

	realOnce      sync.Once
	real          string
	realErr       error
	compareOnce   sync.Once
	comparing     comparison
	publisherOnce sync.Once
	publisher     *commit.Publisher
	lent          sync.Map // see LendURL: lines by the path of their log

	openMu sync.Mutex
	open   []remote.Closer // remotes with connections
}

// NoDatasetError says that there is no dataset at or above a folder.
type NoDatasetError struct{ Dir, Purpose string }

func (e *NoDatasetError) Error() string {
	return fmt.Sprintf("No dataset found at '%s' for the purpose '%s'", e.Dir, e.Purpose)
}

// Open opens the dataset that holds dir, an absolute path. purpose is for the
// message when there is none ("save", "report status").
func Open(ctx context.Context, dir, purpose string, env Env) (*Dataset, error) {
	repo, err := git.Open(ctx, dir, git.Options{Env: env.Vars})
	if errors.Is(err, git.ErrNoRepository) {
		err = errs.WithHint(&NoDatasetError{dir, purpose}, "Specify a dataset to work with by providing its path via the `dataset` option, or change the current working directory to be in a dataset.")
		return nil, errs.WithExit(err, errs.ExitUsage)
	}
	if err != nil {
		return nil, err
	}
	return From(repo, env)
}

// From makes a dataset of an opened repository.
func From(repo *git.Repo, env Env) (*Dataset, error) {
	d := &Dataset{Repo: repo, Env: env}
	var err error
	if d.Annex, err = annex.Open(repo); err == nil {
		d.Annex.RunCommands()
	} else if !errors.Is(err, annex.ErrNotInitialised) {
		return nil, err
	}
	if d.branch, err = readBranchConfig(repo); err != nil {
		return nil, err
	}
	d.ID = d.branch.Get("datalad.dataset.id")
	return d, nil
}

const maxBranchConfig = 1 << 20

func readBranchConfig(repo *git.Repo) (*git.Config, error) {
	path := repo.Path(".datalad", "config")
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!fi.Mode().IsRegular() || fi.Size() > maxBranchConfig) {
		return git.NewConfig(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg, err := git.ParseConfigFile(string(text))
	if err != nil {
		return nil, errs.WithHint(fmt.Errorf("read %s: %w", path, err), "correct the file")
	}
	return cfg, nil
}

// Path is the top folder of the dataset.
func (d *Dataset) Path() string { return d.Repo.WorkTree }

// Config returns the effective value of a setting: git's configuration first,
// then the dataset's own .datalad/config.
func (d *Dataset) Config(key string) string {
	if v, ok := d.Repo.Config.Lookup(key); ok {
		return v
	}
	return d.branch.Get(key)
}

// ConfigKeys lists all settings below a prefix, of both sources.
func (d *Dataset) ConfigKeys(prefix string) []string {
	return append(d.Repo.Config.Keys(prefix), d.branch.Keys(prefix)...)
}

// ConfigAll returns all values of a setting, weakest first.
func (d *Dataset) ConfigAll(key string) []string {
	if all := d.Repo.Config.All(key); len(all) > 0 {
		return all
	}
	return d.branch.All(key)
}

// BranchConfig returns the value of a setting in the dataset's .datalad/config.
func (d *Dataset) BranchConfig(key string) string { return d.branch.Get(key) }

// OutsideError says that a path does not lie in the dataset.
type OutsideError struct{ Path, Dataset string }

func (e *OutsideError) Error() string {
	return fmt.Sprintf("path not underneath the reference dataset %s", e.Dataset)
}

// Rel returns the path, absolute or relative to the user's folder, as git
// names it: relative to the top, slash separated, "." for the top itself. The
// last component is not followed if it is a link; links before it are.
func (d *Dataset) Rel(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.Env.Cwd, path)
	}
	path = filepath.Clean(path)
	if rel, ok := below(d.Path(), path); ok {
		return rel, nil
	}
	top, err := d.RealPath()
	if err != nil {
		return "", err
	}
	if rel, ok := below(top, resolveParent(path)); ok {
		return rel, nil
	}
	return "", &OutsideError{path, d.Path()}
}

// below is filepath.Rel that refuses to go up.
func below(top, path string) (string, bool) {
	rel, err := filepath.Rel(top, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// resolveParent follows the links of the deepest folder on the way that
// exists.
func resolveParent(path string) string {
	dir, rest := filepath.Dir(path), filepath.Base(path)
	for {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest)
		}
		if parent := filepath.Dir(dir); parent == dir {
			return path
		}
		dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest)
	}
}

// RealPath is the top folder of the dataset without links, by which all users
// of a clone name it.
func (d *Dataset) RealPath() (string, error) {
	d.realOnce.Do(func() { d.real, d.realErr = filepath.EvalSymlinks(d.Path()) })
	if d.realErr != nil {
		return "", fmt.Errorf("find work tree: %w", d.realErr)
	}
	return d.real, nil
}

// Publisher returns the commit path of this dataset. It waits for a foreign
// index.lock as many seconds as the setting stemma.index-wait says.
func (d *Dataset) Publisher() *commit.Publisher {
	d.publisherOnce.Do(func() {
		p := &commit.Publisher{Repo: d.Repo, Now: d.Env.Now, Waiting: func(message string) { d.Env.Log.Info(message) }}
		if name := d.within(); name != "" {
			p.Mark = WithinMark + name + "]"
		}
		if closer := d.Env.Closer; closer != nil {
			p.Closer = func(ctx context.Context, done map[int64]gitobj.OID) error { return closer(ctx, d, done) }
		}
		if n, err := strconv.ParseFloat(d.Repo.Config.Get("stemma.index-wait"), 64); err == nil && n > 0 && n < 1e6 {
			p.IndexWait = time.Duration(n * float64(time.Second))
		}
		d.publisher = p
	})
	d.LinkGitFolder()
	if d.publisher.Annex != d.Annex {
		d.publisher.Annex = d.Annex // it has been initialised since
	}
	return d.publisher
}

// WithinVar is the environment variable by which commands of `run` know the
// execution, or the chain of them, that they belong to; WithinMark goes before
// its value in reflogs, a bracket after it.
const (
	WithinVar  = "STEMMA_WITHIN"
	WithinMark = " [within "
)

// within is the execution that this process belongs to, "" for none.
func (d *Dataset) within() (name string) {
	for _, kv := range d.Env.Vars {
		if v, ok := strings.CutPrefix(kv, WithinVar+"="); ok {
			name = v
		}
	}
	return name[:min(len(name), 1000)]
}

// Close ends the processes that were started on the way.
func (d *Dataset) Close() {
	d.closeRemotes()
	d.Repo.Close()
}

// Now is the time for records.
func (d *Dataset) Now() time.Time {
	if d.Env.Now != nil {
		return d.Env.Now()
	}
	return time.Now()
}
