package annexcli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
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
			if err := s.Synchronize(c.ctx, o, c.step); err != nil {
				return err
			}
			if o.Content && !(func() bool { on, _ := f.GetBool("no-content"); return on })() {
				return c.syncContent(s, o)
			}
			return nil
		})
	}
}

// step shows one step of a synchronisation.
func (c *call) step(step string, err error) error {
	verdict := "ok"
	if err != nil {
		c.out.flush()
		fmt.Fprintln(c.Stderr, err)
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
	for _, name := range s.ContentRemotes(o.Remotes) {
		d, err := s.NewSender(c.ctx, name, false)
		if err != nil {
			return err
		}
		if err := errors.Join(sel.each(c, s, nil, func(f annexcmd.File) error { _, err := d.Send(c.ctx, f); return err }), d.Flush(c.ctx)); err != nil {
			return err
		}
	}
	return s.Synchronize(c.ctx, annexcmd.SyncOptions{Remotes: o.Remotes, NoCommit: true, NoPull: true, NoPush: o.NoPush, OnlyAnnex: true}, c.step)
}
