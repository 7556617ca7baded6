package annexcli

import (
	"errors"
	"io"
	"path/filepath"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/smudge"
)

// filter opens git's filter for this repository.
func (c *call) filter() (*smudge.Filter, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	if c.d.Annex == nil {
		if err := c.d.EnsureAnnex(c.ctx); err != nil {
			return nil, err
		}
	}
	if c.d.Annex == nil {
		return nil, errors.New("this repository has no annex")
	}
	return smudge.New(c.d), nil
}

func newFilterProcess(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, _ []string) error {
		f, err := c.filter()
		if err != nil {
			return err
		}
		return f.Serve(c.ctx, c.Stdin, c.Stdout)
	}
}

func newSmudge(f *pflag.FlagSet) func(*call, []string) error {
	clean := f.Bool("clean", false, "the other way round, from the work tree to git")
	update := f.Bool("update", false, "fill the files that wait for their content")
	return func(c *call, args []string) error {
		filter, err := c.filter()
		if err != nil {
			return err
		}
		if *update {
			return smudge.Update(c.ctx, c.d)
		}
		if len(args) != 1 {
			return misuse{errors.New("Specify the file.")}
		}
		convert := filter.Smudge
		if *clean {
			convert = filter.Clean
		}
		reply, err := convert(c.ctx, filepath.ToSlash(args[0]), c.Stdin)
		if err != nil {
			return err
		}
		defer reply.Close()
		if _, err := io.Copy(c.Stdout, reply); err != nil {
			return err
		}
		return filter.Flush(c.ctx)
	}
}

func newPreCommit(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if err := c.open(); err != nil {
			return err
		}
		if c.d.Annex == nil {
			return nil
		}
		fixed, err := smudge.FixStaged(c.ctx, c.d, args)
		for _, path := range fixed {
			if perr := c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: "fix", File: path}}); err == nil {
				err = perr
			}
		}
		return err
	}
}

func newPostReceive(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, _ []string) error {
		if err := c.open(); err != nil {
			return err
		}
		if c.d.Annex == nil {
			return nil
		}
		s, err := c.session()
		if err != nil {
			return err
		}
		return s.UpdateInstead(c.ctx)
	}
}

func newRestage(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, _ []string) error {
		if _, err := c.filter(); err != nil {
			return err
		}
		if err := c.d.Restage(c.ctx); err != nil {
			return err
		}
		return c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: "restage", NoFile: true}})
	}
}
