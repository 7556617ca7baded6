package annexcli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/exporttree"
	"github.com/stemma-data/stemma/internal/screen"
)

func newSync(f *pflag.FlagSet) func(*call, []string) error {
	var o annexcmd.SyncOptions
	f.BoolVar(&o.NoCommit, "no-commit", false, "do not commit")
	f.BoolVar(&o.NoPull, "no-pull", false, "do not fetch and merge")
	f.BoolVar(&o.NoPush, "no-push", false, "do not push")
	f.BoolVar(&o.OnlyAnnex, "only-annex", false, "only the git-annex branch, and content")
	f.BoolVarP(&o.OnlyAnnex, "only-annex-short", "a", false, "the same as --only-annex")
	f.BoolVar(&o.Content, "content", false, "also transfer content")
	f.BoolVar(&o.AllowUnrelated, "allow-unrelated-histories", false, "merge unrelated histories, too")
	f.StringVarP(&o.Message, "message", "m", "", "`MESSAGE` of the commit")
	f.BoolVar(&o.NoResolve, "no-resolvemerge", false, "do not resolve merge conflicts")
	for _, name := range []string{"commit", "pull", "push", "resolvemerge", "no-content", "not-only-annex", "cleanup"} {
		f.Bool(name, false, "accepted")
		f.Lookup(name).Hidden = true
	}
	f.Lookup("only-annex-short").Hidden = true
	return func(c *call, args []string) error {
		if on, _ := f.GetBool("cleanup"); on {
			return errors.New("sync --cleanup is not supported yet")
		}
		o.Remotes = args
		return c.reading(func(s *annexcmd.Session) error {
			if err := c.synchronize(s, o); err != nil {
				return err
			}
			if o.Content && !(func() bool { on, _ := f.GetBool("no-content"); return on })() {
				return c.syncContent(s, o)
			}
			return nil
		})
	}
}

// synchronize brings git's branches together, and between pull and push those
// that remotes with trees follow.
func (c *call) synchronize(s *annexcmd.Session, o annexcmd.SyncOptions) error {
	tracked, err := s.Tracking(c.ctx, o.Remotes)
	if err != nil {
		return err
	}
	tracked = slices.DeleteFunc(tracked, func(t annexcmd.Tracked) bool { return !t.Imports })
	if len(tracked) == 0 || o.NoPull || o.OnlyAnnex {
		return s.Synchronize(c.ctx, o, c.step)
	}
	before, after := o, o
	before.NoPush, after.NoCommit, after.NoPull = true, true, true
	if err := s.Synchronize(c.ctx, before, c.step); err != nil {
		return err
	}
	for _, t := range tracked {
		err := exporttree.Import(c.ctx, s, exporttree.ImportOptions{Branch: t.Branch, From: t.Name, NoContent: !o.Content})
		if errors.Is(err, exporttree.ErrNeedsContent) {
			s.D.Env.Log.Warn("Cannot import from " + t.Name + " when not syncing content.")
			continue
		}
		if err == nil {
			err = s.MergeTracking(c.ctx, t)
		}
		if err != nil {
			if err := c.step("import "+t.Name, err); err != nil {
				return err
			}
		}
	}
	return s.Synchronize(c.ctx, after, c.step)
}

// exportTracked brings branches to the remotes that follow them.
func (c *call) exportTracked(s *annexcmd.Session, o annexcmd.SyncOptions) error {
	tracked, err := s.Tracking(c.ctx, o.Remotes)
	if err != nil || o.NoPush {
		return err
	}
	for _, t := range tracked {
		if !t.Exports {
			continue
		}
		if err := exporttree.Export(c.ctx, s, exporttree.Options{Tree: t.Branch, To: t.Name}); err != nil {
			if err := c.step("export "+t.Name, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// step shows one step of a synchronisation.
func (c *call) step(step string, err error) error {
	verdict := "ok"
	if err != nil {
		c.out.flush()
		fmt.Fprintln(screen.Filter(c.Stderr), err)
		c.out.failed++
		verdict = "failed"
	}
	if c.common.quiet {
		return nil
	}
	return c.out.line(step + " \n" + verdict + "\n")
}

// syncContent brings here what is wanted here, and sends to the remotes what
// they want.
func (c *call) syncContent(s *annexcmd.Session, o annexcmd.SyncOptions) error {
	s.Auto = true
	var sel selection
	g, err := s.NewGetter(c.ctx, annexcmd.GetOptions{})
	if err != nil {
		return err
	}
	if err := errors.Join(sel.each(c, s, nil, func(f annexcmd.File) error { _, err := g.Add(c.ctx, f); return err }), g.Flush(c.ctx)); err != nil {
		return err
	}
	names, err := s.ContentRemotes(c.ctx, o.Remotes)
	if err != nil {
		return err
	}
	for _, name := range names {
		d, err := s.NewSender(c.ctx, name, false)
		if err != nil {
			return err
		}
		if err := errors.Join(sel.each(c, s, nil, func(f annexcmd.File) error { _, err := d.Send(c.ctx, f); return err }), d.Flush(c.ctx)); err != nil {
			return err
		}
	}
	if err := c.exportTracked(s, o); err != nil {
		return err
	}
	return s.Synchronize(c.ctx, annexcmd.SyncOptions{Remotes: o.Remotes, NoCommit: true, NoPull: true, NoPush: o.NoPush, OnlyAnnex: true}, c.step)
}
