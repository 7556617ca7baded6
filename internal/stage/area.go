// Package stage makes folders in which jobs run apart from the dataset, and
// brings files there and back. It knows nothing of git, of annexes or of jobs:
// it is told which content a file is to have, and where that comes from.
package stage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
)

// Area is a folder that holds folders of jobs, and a pool of contents that
// these share.
type Area struct {
	Root string // without symlinks

	shared fs.FileMode // permission bits that files get beyond the umask
	links  bool        // contents may be shared by hard links
	made   bool        // by OpenArea

	noClones atomic.Bool // reflinks do not work here

	mu     sync.Mutex
	filled []string // what was put into the pool
}

// Options says how an area is used.
type Options struct {
	// Shared are permission bits, as of core.sharedRepository, that files and
	// folders get in any case.
	Shared fs.FileMode
	// NoLinks makes every file a copy of its own.
	NoLinks bool
}

// Prefix starts the names of the folders of jobs.
const Prefix = "stemma-"

// FindArea names the area in dir without making anything. The folder itself
// need not exist, but the one above it must.
func FindArea(dir string) (root string, err error) {
	root, err = filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		var parent string
		if parent, err = filepath.EvalSymlinks(filepath.Dir(filepath.Clean(dir))); err == nil {
			return filepath.Join(parent, filepath.Base(filepath.Clean(dir))), nil
		}
		return "", errs.WithHint(fmt.Errorf("staging folder %s: the folder above it does not exist", dir), "create it first")
	}
	if err != nil {
		return "", fmt.Errorf("staging folder %s: %w", dir, err)
	}
	fi, err := os.Stat(root)
	if err != nil {
		return "", fmt.Errorf("staging folder %s: %w", dir, err)
	}
	if !fi.IsDir() {
		return "", fmt.Errorf("staging folder %s: it is no folder", dir)
	}
	return root, nil
}

// OpenArea returns the area with a root that FindArea has named, and makes its
// folder if it is missing.
func OpenArea(root string, opt Options) (*Area, error) {
	// What is linked is protected by its mode, which does not bind root.
	a := &Area{Root: root, shared: opt.Shared, links: !opt.NoLinks && os.Geteuid() != 0}
	err := a.mkdir(root)
	if errors.Is(err, fs.ErrExist) {
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("staging folder: %w", err)
	}
	a.made = true
	return a, nil
}

// NewName returns the path of a folder for a job that does not exist yet.
func NewName(root string) string {
	return filepath.Join(root, Prefix+strings.ToLower(rand.Text()[:12]))
}

// IsFolder reports whether path can be a folder that NewName has named in root:
// whoever removes folders of jobs removes no others.
func IsFolder(root, path string) bool {
	name := filepath.Base(path)
	return filepath.IsAbs(root) && filepath.Dir(path) == filepath.Clean(root) && strings.HasPrefix(name, Prefix) && len(name) == len(Prefix)+12 &&
		strings.Trim(name[len(Prefix):], "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// Make makes the folder of a job, which must not exist.
func (a *Area) Make(folder string) error {
	if err := a.mkdir(folder); err != nil {
		return errs.WithHint(fmt.Errorf("make staging folder: %w", err), "choose a folder that you can write to")
	}
	return nil
}

// mkdir makes one folder.
func (a *Area) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	if a.shared == 0 {
		return nil
	}
	fi, err := os.Stat(dir)
	if err != nil {
		return err
	}
	bits := a.shared | a.shared>>2&0o111 // who reads may enter
	return os.Chmod(dir, fi.Mode()|bits)
}

// mkdirs makes the folders that lead to a path below a folder of a job.
func (a *Area) mkdirs(dir string) error {
	err := a.mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := a.mkdirs(filepath.Dir(dir)); err != nil {
			return err
		}
		err = a.mkdir(dir)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// MakeFolders makes folders below a folder of a job.
func (a *Area) MakeFolders(folder string, rels []string) error {
	for _, rel := range rels {
		if rel == "." || rel == "" {
			continue
		}
		err := fsx.Beneath(folder, rel+"/x")
		if err == nil {
			err = a.mkdirs(filepath.Join(folder, filepath.FromSlash(rel)))
		}
		if err != nil {
			return fmt.Errorf("make staging folder: %w", err)
		}
	}
	return nil
}

// Discard removes a folder of a job that came to nothing, and the area itself
// if it was made for it and is empty.
func (a *Area) Discard(folder string) error {
	err := Remove(folder)
	if a.made {
		_ = os.Remove(a.pool())
		_ = os.Remove(a.Root)
	}
	return err
}

// Remove removes a folder with all that is in it, also where a job has taken
// its own permission to write away.
func Remove(folder string) error {
	err := os.RemoveAll(folder)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(folder, func(p string, e fs.DirEntry, err error) error {
		if e != nil && e.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	return os.RemoveAll(folder)
}
