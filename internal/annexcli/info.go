package annexcli

import (
	"fmt"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newInfo(f *pflag.FlagSet) func(*call, []string) error {
	var (
		m matching
		b batch
	)
	inBytes := f.Bool("bytes", false, "sizes in bytes")
	m.flags(f)
	b.flags(f, false)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			match, err := s.NewMatcher(c.ctx, m.tokens)
			if err != nil {
				return err
			}
			one := func(arg string) error {
				o, ok, err := s.InfoOf(c.ctx, arg, match, *inBytes)
				if err != nil {
					return err
				}
				if ok {
					return c.out.print(o)
				}
				note := "not a directory or an annexed file or a treeish or a remote or a uuid"
				o = annexcmd.Outcome{Item: annexcmd.Item{Command: "info", File: arg, Input: []string{arg}}, Failed: true, Harmless: true}
				o.Notes = []annexcmd.Note{{Text: note}}
				return c.out.print(o)
			}
			if b.on {
				return c.lines(b.null, one)
			}
			if len(args) == 0 {
				o, err := s.Info(c.ctx, match, *inBytes)
				if err != nil {
					return fmt.Errorf("info: %w", err)
				}
				return c.out.print(o)
			}
			for _, a := range args {
				if err := one(a); err != nil {
					return err
				}
			}
			return nil
		})
	}
}
