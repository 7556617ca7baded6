package schedule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/clone"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
)

// obtain brings the subdatasets here that inputs lie in which are not found.
func (c *Job) obtain(ctx context.Context) error {
	if either(c.opt.AssumeReady, "inputs") {
		return nil
	}
	for _, g := range c.w.InputGlobs() {
		var missing []string
		for _, p := range g.Misses() {
			if spec, err := c.w.Canonical(p); err == nil && !spec.Outside {
				missing = append(missing, c.d.Repo.Path(filepath.FromSlash(spec.Pattern)))
			}
		}
		some, err := clone.Obtain(ctx, c.d, missing, c.opt.Jobs, c.sink)
		if err != nil {
			return err
		}
		if some {
			g.Refresh()
		}
	}
	return nil
}

// fetch brings the content of inputs that is not here. Where all of it is,
// which is looked at first, nothing else happens.
func (c *Job) fetch(ctx context.Context) error {
	var absent []string
	for _, p := range c.ready {
		if filepath.IsAbs(p) || c.plain[p] {
			continue
		}
		missing, err := lacksContent(filepath.Join(c.w.Top, filepath.FromSlash(p)))
		if err != nil {
			return fmt.Errorf("input %s: %w", p, err)
		}
		if missing {
			absent = append(absent, p)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	c.d.Env.Log.Info("Making sure inputs are available (this may take some time)")
	abs := make([]string, len(absent))
	for i, p := range absent {
		abs[i] = c.d.Repo.Path(filepath.FromSlash(p))
	}
	if err := clone.Get(ctx, c.d, clone.GetOptions{Paths: abs, Jobs: c.opt.Jobs, Quiet: true}, c.sink); err != nil {
		return err
	}
	for _, p := range absent {
		missing, err := lacksContent(filepath.Join(c.w.Top, filepath.FromSlash(p)))
		if err != nil {
			return fmt.Errorf("input %s: %w", p, err)
		}
		if missing {
			return errs.WithHint(fmt.Errorf("the content of input %s is not available", p), "bring it here with `stemma get`, or see `git annex whereis`")
		}
	}
	return nil
}

// lacksContent reports whether p is, or a folder p contains, a link without
// content.
func lacksContent(p string) (bool, error) {
	fi, err := os.Lstat(p)
	if err != nil {
		return false, err
	}
	if !fi.IsDir() {
		return dangling(p, fi.Mode()), nil
	}
	missing := false
	err = filepath.WalkDir(p, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() == ".git" {
			return filepath.SkipDir
		}
		if dangling(file, e.Type()) {
			missing = true
			return filepath.SkipAll
		}
		return nil
	})
	return missing, err
}

func dangling(p string, mode fs.FileMode) bool {
	if mode&fs.ModeSymlink == 0 {
		return false
	}
	_, err := os.Stat(p)
	return errors.Is(err, fs.ErrNotExist)
}

// unlock makes existing outputs writable, in the work tree only. A named link
// whose content is not here gives way, so that the job can write in its place.
// undo restores everything.
func (c *Job) unlock(ctx context.Context) (undo func() error, err error) {
	paths, err := c.existingOutputs()
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	links := map[string]string{}
	for _, p := range paths {
		file := c.d.Repo.Path(filepath.FromSlash(p))
		fi, err := os.Lstat(file)
		if err != nil || !dangling(file, fi.Mode()) {
			continue
		}
		if links[file], err = os.Readlink(file); err != nil {
			return nil, err
		}
	}
	undoUnlock, err := c.prepareOutputs(ctx, paths)
	undo = func() error {
		failed := undoUnlock()
		for file, target := range links {
			if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
				failed = errors.Join(failed, os.Symlink(target, file))
			}
		}
		return failed
	}
	if err != nil {
		return undo, err
	}
	for file := range links {
		if err := os.Remove(file); err != nil {
			return undo, err
		}
	}
	return undo, nil
}

// existingOutputs lists what exists of the outputs, relative to the top.
func (c *Job) existingOutputs() ([]string, error) {
	var list []string
	for _, text := range c.out.Recorded {
		found, err := jobpath.OutputsAt(c.w.Top, text)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if _, err := os.Lstat(filepath.Join(c.w.Top, filepath.FromSlash(p))); err == nil {
				list = append(list, p)
			}
		}
	}
	return list, nil
}
