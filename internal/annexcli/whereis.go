package annexcli

import (
	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newWhereis(f *pflag.FlagSet) func(*call, []string) error {
	var (
		sel    selection
		b      batch
		format string
	)
	f.StringVar(&format, "format", "", "show files by the `TEMPLATE`")
	sel.flags(f)
	b.flags(f, true)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			show := func(f annexcmd.File) (bool, error) {
				o, err := s.Whereis(c.ctx, f)
				if err == nil {
					err = c.out.print(o)
				}
				return true, err
			}
			if b.any() {
				m, err := s.NewMatcher(c.ctx, sel.tokens)
				if err != nil {
					return err
				}
				return c.batchFiles(s, b, m, show)
			}
			if err := s.Pin(c.ctx); err != nil {
				return err
			}
			return sel.each(c, s, args, func(f annexcmd.File) error { _, err := show(f); return err })
		})
	}
}
