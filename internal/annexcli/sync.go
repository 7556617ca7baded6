package annexcli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/exporttree"
	"github.com/stemma-data/stemma/internal/screen"
)

// syncOptions are those of sync.
type syncOptions struct {
	annexcmd.SyncOptions
	noContent, notOnlyAnnex, cleanup, all bool
	contentOf                             []string
}

func (o *syncOptions) flags(f *pflag.FlagSet) {
	f.BoolVar(&o.NoCommit, "no-commit", false, "do not commit")
	f.BoolVar(&o.NoPull, "no-pull", false, "do not fetch and merge")
	f.BoolVar(&o.NoPush, "no-push", false, "do not push")
	f.BoolVarP(&o.OnlyAnnex, "only-annex", "a", false, "only the git-annex branch, and content")
	f.BoolVar(&o.notOnlyAnnex, "not-only-annex", false, "git's branches, too, whatever annex.synconlyannex says")
	f.BoolVar(&o.Content, "content", false, "also transfer content")
	f.BoolVar(&o.noContent, "no-content", false, "no content, whatever annex.synccontent says")
	f.StringArrayVarP(&o.contentOf, "content-of", "C", nil, "transfer only the content of what is at `PATH`")
	f.BoolVarP(&o.all, "all", "A", false, "content of all versions of the files, too")
	f.BoolVar(&o.cleanup, "cleanup", false, "delete the synced/ branches, here and at the remotes")
	f.BoolVar(&o.AllowUnrelated, "allow-unrelated-histories", false, "merge unrelated histories, too")
	f.StringVarP(&o.Message, "message", "m", "", "`MESSAGE` of the commit")
	f.BoolVar(&o.NoResolve, "no-resolvemerge", false, "do not resolve merge conflicts")
	f.BoolVar(&o.Resolve, "resolvemerge", false, "resolve merge conflicts, whatever annex.resolvemerge says")
	for _, name := range []string{"commit", "pull", "push"} {
		f.Bool(name, false, "as without it")
		f.Lookup(name).Hidden = true
	}
}

// settle takes what no option says from the configuration.
func (o *syncOptions) settle(c *call, s *annexcmd.Session) error {
	if !o.OnlyAnnex && !o.notOnlyAnnex {
		on, err := s.Switch(c.ctx, "annex.synconlyannex")
		if err != nil {
			return err
		}
		o.OnlyAnnex = on
	}
	content, err := s.Switch(c.ctx, "annex.synccontent")
	o.Content = !o.noContent && (o.Content || len(o.contentOf) > 0 || content || o.OnlyAnnex)
	return err
}

func newSync(f *pflag.FlagSet) func(*call, []string) error {
	var o syncOptions
	o.flags(f)
	return func(c *call, args []string) error {
		o.Remotes = args
		return c.reading(func(s *annexcmd.Session) error {
			if o.cleanup {
				return s.CleanUp(c.ctx, o.Remotes, func(where string, err error) error {
					out := annexcmd.Outcome{Item: annexcmd.Item{Command: "cleanup", File: where}}
					if out.Failed = err != nil; out.Failed {
						out.Errors = []string{err.Error()}
					}
					return c.out.print(out)
				})
			}
			if err := o.settle(c, s); err != nil {
				return err
			}
			before := o.SyncOptions
			before.NoPush = before.NoPush || o.Content // content first, so that what is pushed tells of it
			if err := c.synchronize(s, before); err != nil || !o.Content {
				return err
			}
			return c.syncContent(s, o)
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
		if h := errs.Hint(err); h != "" {
			fmt.Fprintln(screen.Filter(c.Stderr), "hint: "+h)
		}
		c.out.failed++
		verdict = "failed"
	}
	if c.common.quiet {
		return nil
	}
	return c.out.line(step + " \n" + verdict + "\n")
}

// syncContent brings content where it is wanted, and tells the remotes.
func (c *call) syncContent(s *annexcmd.Session, o syncOptions) error {
	content, err := s.NewContentSync(c.ctx, o.Remotes)
	if err != nil {
		return err
	}
	if err := errors.Join(o.each(c, s, content), content.Flush(c.ctx)); err != nil {
		return err
	}
	if err := c.exportTracked(s, o.SyncOptions); err != nil {
		return err
	}
	after := o.SyncOptions
	after.NoCommit, after.NoPull = true, o.NoPull || !content.Moved() // others may have changed meanwhile
	return s.Synchronize(c.ctx, after, c.step)
}

// each hands over the files and keys whose content is meant: those of the whole
// repository, wherever the user is in it.
func (o *syncOptions) each(c *call, s *annexcmd.Session, content *annexcmd.ContentSync) error {
	add := func(f annexcmd.File) error {
		f.Show, f.Input = f.Rel, []string{}
		return content.Add(c.ctx, f)
	}
	paths := o.contentOf
	if len(paths) == 0 {
		paths = []string{s.D.Path()}
	}
	if !o.all || len(o.contentOf) > 0 || content.ByName() {
		if err := s.Files(c.ctx, paths, add); err != nil || !o.all || len(o.contentOf) > 0 {
			return err
		}
	}
	return s.LoggedKeys(c.ctx, func(k annexkey.Key) error { return add(annexcmd.KeyFile(k)) })
}
