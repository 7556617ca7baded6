package annexcli

import (
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newList(f *pflag.FlagSet) func(*call, []string) error {
	var sel selection
	allRepos := f.Bool("allrepos", false, "all repositories, not only remotes")
	sel.flags(f)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			columns, err := s.ListColumns(c.ctx, *allRepos)
			if err != nil {
				return err
			}
			var head strings.Builder
			for i, col := range columns {
				head.WriteString(strings.Repeat("|", i) + col.Name + "\n")
			}
			head.WriteString(strings.Repeat("|", len(columns)) + "\n")
			if err := c.out.line(head.String()); err != nil {
				return err
			}
			return sel.each(c, s, args, func(f annexcmd.File) error {
				marks, err := s.ListMarks(c.ctx, f, columns)
				if err != nil {
					return err
				}
				return c.out.line(marks + " " + name(f) + "\n")
			})
		})
	}
}

// newStatus shows what differs from the index as git-annex does, which is
// git's short format with paths as they are.
func newStatus(f *pflag.FlagSet) func(*call, []string) error {
	ignoreSubmodules := f.String("ignore-submodules", "", "passed on to git: `WHEN`")
	return func(c *call, args []string) error {
		if err := c.open(); err != nil {
			return err
		}
		s, err := c.session()
		if err != nil {
			return err
		}
		lines, err := s.Status(c.ctx, *ignoreSubmodules, args)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if c.common.json {
				o := annexcmd.Outcome{Item: annexcmd.Item{File: l.File}, Bare: true, Fields: map[string]any{"status": l.State}}
				if err := c.out.print(o); err != nil {
					return err
				}
				continue
			}
			if err := c.out.line(l.State + " " + l.File + "\n"); err != nil {
				return err
			}
		}
		return nil
	}
}
