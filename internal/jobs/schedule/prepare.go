package schedule

import (
	"context"
	"fmt"
	"maps"

	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
)

// getReady is prepare, for one row of a sweep at a time.
func (c *Job) getReady(ctx context.Context) (undo func() error, err error) {
	if c.batch != nil {
		c.batch.preparing.Lock()
		defer c.batch.preparing.Unlock()
	}
	return c.prepare(ctx)
}

// prepare fetches inputs, unlocks outputs and copies to the alternative
// folder, and notes what the inputs are.
func (c *Job) prepare(ctx context.Context) (undo func() error, err error) {
	if err := c.checkNeighbours(ctx); err != nil {
		return nil, err
	}
	if c.iso != nil {
		return c.isolate(ctx)
	}
	if err := c.obtain(ctx); err != nil {
		return nil, err
	}
	if err := c.w.CheckInputs(); err != nil {
		return nil, err
	}
	if c.ready, err = c.w.InputPaths(); err != nil {
		return nil, err
	}
	if err := c.identify(ctx); err != nil {
		return nil, err
	}
	if !either(c.opt.AssumeReady, "inputs") {
		if err := c.fetch(ctx); err != nil {
			return nil, err
		}
	}
	if c.job.AltDir != "" {
		return nil, c.stage(ctx)
	}
	if either(c.opt.AssumeReady, "outputs") {
		return nil, nil
	}
	return c.unlock(ctx)
}

// identify notes the content of every input, and of the job script.
func (c *Job) identify(ctx context.Context) error {
	id := &fileid.Identifier{Top: c.w.Top, Format: c.d.Repo.Format, Head: c.start.view, Index: c.start.index, Inner: c.start.tree.Inner}
	if c.batch != nil {
		id = c.batch.id
	}
	var err error
	if c.job.InputIDs, err = id.Identify(ctx, c.ready); err != nil {
		return err
	}
	c.plain = id.Plain
	maps.DeleteFunc(c.job.InputIDs, func(p, _ string) bool { return jobrec.Makes(c.w.Ahead, p) })
	if c.prov.Script, err = c.w.ScriptOf(ctx, id); err != nil {
		return err
	}
	if sc := c.prov.Script; sc != nil {
		c.job.Script = sc.Path
		if sc.State != fileid.Clean {
			c.d.Env.Log.Warn(fmt.Sprintf("the job script %s is %s; its content is recorded by its id only, save it to keep it", sc.Path, sc.State))
		}
	}
	c.prov.Store(&c.job)
	return nil
}
