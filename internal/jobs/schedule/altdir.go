package schedule

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/stage"
)

// stagedDir is the folder that a line runs in; "" without alternative folder.
func stagedDir(alt, cwd, pwd string) (string, error) {
	if alt == "" {
		return "", nil
	}
	root, err := jobpath.AltRoot(alt, cwd)
	return filepath.Join(root, filepath.FromSlash(pwd)), err
}

// stage copies inputs, the job script and existing outputs to the alternative
// folder, which mirrors the dataset.
func (c *Job) stage(ctx context.Context) error {
	list := slices.Clone(c.ready)
	if sc := c.prov.Script; sc != nil {
		list = append(list, sc.Path)
	}
	t := &stage.Copier{From: c.w.Top, To: c.job.AltDir}
	for _, p := range list {
		if filepath.IsAbs(p) {
			continue // outside the dataset; the job finds it where it is
		}
		if err := t.Add(p); err != nil {
			return fmt.Errorf("copy input %s: %w", p, err)
		}
	}
	outs, err := c.existingOutputs()
	if err != nil {
		return err
	}
	o := &stage.Copier{From: c.w.Top, To: c.job.AltDir, KeepNewer: true}
	for _, p := range outs {
		if missing, err := lacksContent(filepath.Join(c.w.Top, filepath.FromSlash(p))); err != nil || missing {
			continue
		}
		if err := o.Add(p); err != nil {
			return fmt.Errorf("copy output %s: %w", p, err)
		}
	}
	for _, folder := range append(c.parentsOfClaims(), c.w.Pwd) {
		if err := stage.MakeBelow(c.job.AltDir, folder); err != nil {
			return err
		}
	}
	if err := t.Run(ctx); err != nil {
		return err
	}
	return o.Run(ctx)
}

// parentsOfClaims are the folders that exist in the dataset and that the job
// will expect.
func (c *Job) parentsOfClaims() []string {
	var dirs []string
	for _, p := range c.out.Claims {
		dir := path.Dir(p)
		if fi, err := os.Stat(filepath.Join(c.w.Top, filepath.FromSlash(dir))); err == nil && fi.IsDir() {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
