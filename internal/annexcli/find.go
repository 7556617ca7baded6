package annexcli

import (
	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

// findOptions say how found files are shown.
type findOptions struct {
	sel    selection
	batch  batch
	format string
	print0 bool
}

func (o *findOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.format, "format", "", "show files by the `TEMPLATE`")
	f.BoolVar(&o.print0, "print0", false, "end names with a zero byte")
	o.sel.flags(f)
	o.batch.flags(f, false)
}

// show prints a found file.
func (o *findOptions) show(c *call, s *annexcmd.Session, f annexcmd.File) error {
	out := annexcmd.Found(f)
	switch {
	case o.format != "":
		fields := s.ObjectFields(f.Key)
		fields["file"] = f.Show
		out.Text = annexcmd.FormatTemplate(o.format, fields)
	case o.print0:
		out.Text = name(f) + "\x00"
	default:
		out.Text = name(f) + "\n"
	}
	return c.out.print(out)
}

func name(f annexcmd.File) string {
	if f.Show == "" {
		return f.Key.String()
	}
	return f.Show
}

func newFind(f *pflag.FlagSet) func(*call, []string) error {
	var o findOptions
	o.flags(f)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			if len(o.sel.tokens) == 0 && (!o.sel.byKey() || o.sel.branch != "") {
				o.sel.tokens = []string{"in=here"}
			}
			if o.batch.on {
				m, err := s.NewMatcher(c.ctx, o.sel.tokens)
				if err != nil {
					return err
				}
				return c.batchFiles(s, o.batch, m, func(f annexcmd.File) (bool, error) { return true, o.show(c, s, f) })
			}
			return o.sel.each(c, s, args, func(f annexcmd.File) error { return o.show(c, s, f) })
		})
	}
}

func newFindRef(f *pflag.FlagSet) func(*call, []string) error {
	var o findOptions
	o.flags(f)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			if len(o.sel.tokens) == 0 {
				o.sel.tokens = []string{"in=here"}
			}
			m, err := s.NewMatcher(c.ctx, o.sel.tokens)
			if err != nil {
				return err
			}
			for _, ref := range args {
				err := s.TreeFiles(c.ctx, ref, func(f annexcmd.File) error {
					if ok, err := m.Match(f); err != nil || !ok {
						return err
					}
					return o.show(c, s, f)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
}
