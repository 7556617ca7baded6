package annexcli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/dataset"
)

// fsckOptions say what is checked, and how passes are continued.
type fsckOptions struct {
	sel            selection
	from, schedule string
	anew, more     bool
	given          *pflag.FlagSet
}

func newFsck(f *pflag.FlagSet) func(*call, []string) error {
	o := fsckOptions{given: f}
	f.StringVarP(&o.from, "from", "f", "", "check the copies of the `REMOTE`")
	f.BoolVarP(&o.anew, "incremental", "S", false, "begin a pass that can be continued")
	f.BoolVarP(&o.more, "more", "m", false, "continue the last pass")
	f.StringVar(&o.schedule, "incremental-schedule", "", "begin a pass if the last one began `TIME` ago, such as 30d; continue it otherwise")
	o.sel.flags(f)
	return func(c *call, args []string) error {
		mode, passes, err := o.mode()
		if err != nil {
			return err
		}
		return c.reading(func(s *annexcmd.Session) error { return o.run(c, s, args, mode, passes) })
	}
}

// mode is what the options say about passes; passes is false without any.
func (o *fsckOptions) mode() (mode annexcmd.FsckMode, passes bool, err error) {
	scheduled := o.given.Changed("incremental-schedule")
	o.given.Visit(func(f *pflag.Flag) {
		switch {
		case !slices.Contains([]string{"incremental", "more", "incremental-schedule"}, f.Name):
		case passes:
			err = misuse{fmt.Errorf("Invalid option `--%s'", f.Name)}
		default:
			passes = true
		}
	})
	switch {
	case err != nil:
		return mode, false, err
	case scheduled:
		var ok bool
		if mode.Every, ok = parseDuration(o.schedule); !ok {
			return mode, false, misuse{fmt.Errorf("option --incremental-schedule: failed to parse duration %q (expected eg \"5m\" or \"1h5m\")", o.schedule)}
		}
		mode.Anew = mode.Every <= 0
	}
	mode.Anew = mode.Anew || o.anew
	return mode, passes, nil
}

func (o *fsckOptions) run(c *call, s *annexcmd.Session, args []string, mode annexcmd.FsckMode, passes bool) (err error) {
	check := func(f annexcmd.File) error { return s.Fsck(c.ctx, f) }
	uuid := s.D.Annex.UUID
	if o.from != "" && o.from != "here" && o.from != "." {
		r, err := s.Repositories(c.ctx)
		if err != nil {
			return err
		}
		var p dataset.Peer
		if p, err = r.Peer(o.from); err != nil {
			return err
		}
		uuid = p.UUID()
		check = func(f annexcmd.File) error { return s.FsckFrom(c.ctx, p, f) }
	}
	visit := check
	if passes {
		pass, err := s.NewFsckPass(uuid, mode)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, pass.Close(c.ctx)) }()
		o.sel.needs = func(f annexcmd.File) bool { return pass.Needs(f.Key) }
		visit = func(f annexcmd.File) error { return pass.Check(c.ctx, f, check) }
	}
	err = o.sel.each(c, s, args, visit)
	if unknown := new(annexcmd.UnknownPathError); err != nil && !errors.As(err, &unknown) {
		return err
	}
	return errors.Join(err, s.NoteFsck(c.ctx, uuid))
}
