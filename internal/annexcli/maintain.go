package annexcli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newMerge(f *pflag.FlagSet) func(*call, []string) error {
	unrelated := f.Bool("allow-unrelated-histories", false, "merge unrelated histories, too")
	noResolve := f.Bool("no-resolvemerge", false, "do not resolve merge conflicts")
	resolve := f.Bool("resolvemerge", false, "resolve merge conflicts, whatever annex.resolvemerge says")
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			opt := annexcmd.SyncOptions{AllowUnrelated: *unrelated, Resolve: *resolve, NoResolve: *noResolve}
			for _, name := range args {
				if err := c.step("merge "+name, s.MergeBranch(c.ctx, name, opt)); err != nil {
					return err
				}
			}
			if len(args) > 0 {
				return nil
			}
			if err := c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: "merge", File: "git-annex"}}); err != nil {
				return err
			}
			return s.MergeSynced(c.ctx, opt)
		})
	}
}

func newResolveMerge(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) > 0 {
			return errors.New("This command takes no parameters.")
		}
		return c.reading(func(s *annexcmd.Session) error { return s.ResolveMerge(c.ctx) })
	}
}

func newUnannex(f *pflag.FlagSet) func(*call, []string) error {
	return overFiles(f, (*annexcmd.Session).Unannex)
}

func newFix(f *pflag.FlagSet) func(*call, []string) error {
	return overFiles(f, (*annexcmd.Session).Fix)
}

func newMigrate(f *pflag.FlagSet) func(*call, []string) error {
	var sel selection
	backend := f.StringP("backend", "b", "", "the `BACKEND` for the new keys")
	sel.flags(f)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			var files []annexcmd.File
			err := sel.each(c, s, args, func(f annexcmd.File) error { files = append(files, f); return nil })
			return errors.Join(s.Migrate(c.ctx, *backend, files), err)
		})
	}
}

func newUpgrade(f *pflag.FlagSet) func(*call, []string) error {
	f.Bool("autoonly", false, "as without it")
	f.Lookup("autoonly").Hidden = true
	return func(c *call, _ []string) error {
		if _, err := c.session(); err != nil {
			return err
		}
		return c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: "upgrade", NoFile: true}})
	}
}

func newReinit(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) == 0 {
			return misuse{errors.New("Specify a uuid or a description.")}
		}
		if err := c.open(); err != nil {
			return err
		}
		if err := annexcmd.Reinit(c.ctx, c.d, strings.Join(args, " ")); err != nil {
			return err
		}
		return c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: "reinit", File: args[0], Input: args}})
	}
}

func newUninit(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, _ []string) error {
		s, err := c.session()
		if err != nil {
			return err
		}
		var files []annexcmd.File
		if err := s.Files(c.ctx, []string{s.D.Path()}, func(f annexcmd.File) error { files = append(files, f); return nil }); err != nil {
			return err
		}
		if err := errors.Join(s.Unannex(c.ctx, files), s.Close(c.ctx)); err != nil {
			return err
		}
		return s.Uninit(c.ctx)
	}
}
