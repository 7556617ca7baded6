package annexcli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

// transferOptions are those of get, drop, copy and move.
type transferOptions struct {
	sel      selection
	batch    batch
	from, to string
}

func (o *transferOptions) flags(f *pflag.FlagSet, to bool) {
	f.StringVarP(&o.from, "from", "f", "", "only from the `REMOTE`")
	if to {
		f.StringVarP(&o.to, "to", "t", "", "to the `REMOTE`")
	}
	o.sel.flags(f)
	o.batch.flags(f, true)
}

// each runs act for what is selected, or read from the batch.
func (o *transferOptions) each(c *call, s *annexcmd.Session, args []string, act func(annexcmd.File) (bool, error)) error {
	if !o.batch.any() {
		return o.sel.each(c, s, args, func(f annexcmd.File) error { _, err := act(f); return err })
	}
	if o.sel.byKey() || o.sel.failed {
		return errors.New("Cannot combine batch option with file or key options")
	}
	m, err := s.NewMatcher(c.ctx, o.sel.tokens)
	if err != nil {
		return err
	}
	return c.batchFiles(s, o.batch, m, act)
}

func newGet(f *pflag.FlagSet) func(*call, []string) error {
	var o transferOptions
	o.flags(f, false)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error { return o.get(c, s, args, "get") })
	}
}

func (o *transferOptions) get(c *call, s *annexcmd.Session, args []string, command string) error {
	g, err := s.NewGetter(c.ctx, annexcmd.GetOptions{From: o.from, Command: command})
	if err != nil {
		return err
	}
	if o.batch.any() {
		g.Portion = 1
	}
	err = o.each(c, s, args, func(f annexcmd.File) (bool, error) { return g.Add(c.ctx, f) })
	return errors.Join(g.Flush(c.ctx), err)
}

func newDrop(f *pflag.FlagSet) func(*call, []string) error {
	var o transferOptions
	o.flags(f, false)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			if o.from == "here" || o.from == "." {
				return fmt.Errorf("there is no available git remote named %q", o.from)
			}
			d, err := s.NewDropper(c.ctx, o.from)
			if err != nil {
				return err
			}
			d.Unused = o.sel.unused
			err = o.each(c, s, args, func(f annexcmd.File) (bool, error) {
				done, err := d.Drop(c.ctx, f)
				if o.batch.any() {
					err = errors.Join(err, d.Flush(c.ctx))
				}
				return done, err
			})
			return errors.Join(d.Flush(c.ctx), err)
		})
	}
}

func newCopy(move bool) func(*pflag.FlagSet) func(*call, []string) error {
	return func(f *pflag.FlagSet) func(*call, []string) error {
		var o transferOptions
		o.flags(f, true)
		return func(c *call, args []string) error {
			return c.reading(func(s *annexcmd.Session) error {
				toHere := o.to == "here" || o.to == "."
				switch {
				case o.to != "" && o.from != "":
					return o.relay(c, s, args, move)
				case o.to != "" && !toHere:
					return o.send(c, s, args, move)
				case o.from == "" && !toHere:
					return misuse{errors.New("Specify --from or --to")}
				case !move:
					return o.get(c, s, args, "copy")
				}
				var files []annexcmd.File
				err := o.each(c, s, args, func(f annexcmd.File) (bool, error) { files = append(files, f); return true, nil })
				if o.from == "" {
					return errors.Join(s.MoveHere(c.ctx, files), err)
				}
				return errors.Join(s.MoveFrom(c.ctx, o.from, files), err)
			})
		}
	}
}

func (o *transferOptions) send(c *call, s *annexcmd.Session, args []string, move bool) error {
	d, err := s.NewSender(c.ctx, o.to, move)
	if err != nil {
		return err
	}
	if o.batch.any() {
		d.Portion = 1
	}
	err = o.each(c, s, args, func(f annexcmd.File) (bool, error) { return d.Send(c.ctx, f) })
	return errors.Join(d.Flush(c.ctx), err)
}

// relay carries content from one remote to another.
func (o *transferOptions) relay(c *call, s *annexcmd.Session, args []string, move bool) error {
	d, err := s.NewRelay(c.ctx, o.from, o.to, move)
	if err != nil {
		return err
	}
	if o.batch.any() {
		d.Portion = 1
	}
	err = o.each(c, s, args, func(f annexcmd.File) (bool, error) { return d.Add(c.ctx, f) })
	return errors.Join(d.Flush(c.ctx), err)
}
