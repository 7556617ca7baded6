package annexcli

import (
	"errors"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newMirror(f *pflag.FlagSet) func(*call, []string) error {
	var o transferOptions
	f.StringVarP(&o.from, "from", "f", "", "have what the `REMOTE` has")
	f.StringVarP(&o.to, "to", "t", "", "let the `REMOTE` have what is here")
	o.sel.flags(f)
	return func(c *call, args []string) error {
		if (o.from == "") == (o.to == "") {
			return misuse{errors.New("Specify either --from or --to")}
		}
		return c.reading(func(s *annexcmd.Session) error {
			m, err := o.mirror(c, s)
			if err != nil {
				return err
			}
			err = o.sel.each(c, s, args, func(f annexcmd.File) error { _, err := m.Add(c.ctx, f); return err })
			return errors.Join(m.Flush(c.ctx), err)
		})
	}
}

func (o *transferOptions) mirror(c *call, s *annexcmd.Session) (*annexcmd.Mirror, error) {
	if o.to != "" {
		return s.MirrorTo(c.ctx, o.to)
	}
	return s.MirrorFrom(c.ctx, o.from)
}
