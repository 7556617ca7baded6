package annexcli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newAdd(f *pflag.FlagSet) func(*call, []string) error {
	var (
		o annexcmd.AddOptions
		m matching
		b batch
	)
	f.BoolVar(&o.ForceLarge, "force-large", false, "add to the annex, whatever annex.largefiles says")
	f.BoolVar(&o.ForceSmall, "force-small", false, "add to git, whatever annex.largefiles says")
	f.BoolVarP(&o.UpdateOnly, "update", "u", false, "only files that git knows already")
	f.BoolVar(&o.NoIgnore, "no-check-gitignore", false, "also files that .gitignore names")
	f.StringVarP(&o.Backend, "backend", "b", "", "the `BACKEND` for keys")
	f.BoolVar(&o.DryRun, "dry-run", false, "only show what would be added")
	m.fileFlags(f)
	b.flags(f, false)
	return func(c *call, args []string) error {
		return c.recorded(func(s *annexcmd.Session) error {
			matcher, err := s.NewMatcher(c.ctx, m.tokens)
			if err != nil {
				return err
			}
			o.Match = matcher
			if !b.on {
				return s.Add(c.ctx, args, o)
			}
			s.Shared = true
			return c.lines(b.null, func(line string) error {
				n := c.out.count
				if fi, err := os.Lstat(c.path(line)); line != "" && (err != nil || !fi.IsDir()) {
					var missing *annexcmd.MissingFileError
					if err := s.Add(c.ctx, []string{line}, o); err != nil && !errors.As(err, &missing) {
						return err
					}
				}
				if c.out.count == n {
					return c.out.line("\n")
				}
				return nil
			})
		})
	}
}

// path is an argument, as seen from the user's folder.
func (c *call) path(arg string) string {
	if filepath.IsAbs(arg) {
		return arg
	}
	return filepath.Join(c.Dir, arg)
}
