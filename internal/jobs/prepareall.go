package jobs

import (
	"context"
	"fmt"
	"maps"
)

// getReady is prepare, for one row of a sweep at a time.
func (c *scheduling) getReady(ctx context.Context) (undo func() error, err error) {
	if c.batch != nil {
		c.batch.preparing.Lock()
		defer c.batch.preparing.Unlock()
	}
	return c.prepare(ctx)
}

// prepare fetches inputs, unlocks outputs and copies to the alternative
// folder, and notes what the inputs are.
func (c *scheduling) prepare(ctx context.Context) (undo func() error, err error) {
	if c.iso != nil {
		return c.isolate(ctx)
	}
	if err := c.obtain(ctx); err != nil {
		return nil, err
	}
	if err := c.w.checkInputs(); err != nil {
		return nil, err
	}
	if c.ready, err = c.w.inputPaths(); err != nil {
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
func (c *scheduling) identify(ctx context.Context) error {
	id := &identifier{top: c.w.top, format: c.d.Repo.Format, head: c.start.view, index: c.start.index}
	if c.batch != nil {
		id = c.batch.id
	}
	var err error
	if c.job.InputIDs, err = id.identify(ctx, c.ready); err != nil {
		return err
	}
	c.plain = id.plain
	maps.DeleteFunc(c.job.InputIDs, func(p, _ string) bool { return makes(c.w.ahead, p) })
	if c.prov.Script, err = c.w.scriptOf(ctx, id); err != nil {
		return err
	}
	if sc := c.prov.Script; sc != nil {
		c.job.Script = sc.Path
		if sc.State != stateClean {
			c.d.Env.Log.Warn(fmt.Sprintf("the job script %s is %s; its content is recorded by its id only, save it to keep it", sc.Path, sc.State))
		}
	}
	c.prov.store(&c.job)
	return nil
}
