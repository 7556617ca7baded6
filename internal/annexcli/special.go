package annexcli

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newInitRemote(f *pflag.FlagSet) func(*call, []string) error {
	sameAs := f.String("sameas", "", "the new remote has the same content as `REMOTE`")
	private := f.Bool("private", false, "nothing about the remote reaches the git-annex branch: only this clone knows it")
	return func(c *call, args []string) error {
		if len(args) == 0 {
			return misuse{errors.New("Specify a name for the remote.")}
		}
		return c.reading(func(s *annexcmd.Session) error {
			item := annexcmd.Item{Command: "initremote", File: args[0], Input: args}
			note, err := s.InitRemote(c.ctx, annexcmd.NewRemote{Name: args[0], Words: args[1:], SameAs: *sameAs, Private: *private})
			if err != nil {
				return err
			}
			o := annexcmd.Outcome{Item: item}
			if note != "" {
				o.Notes = []annexcmd.Note{{Text: "encryption setup"}, {Text: note}}
			}
			return c.out.print(o)
		})
	}
}

func newEnableRemote(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		name := ""
		if len(args) > 0 {
			name, args = args[0], args[1:]
		}
		return c.reading(func(s *annexcmd.Session) error {
			if err := s.EnableRemote(c.ctx, name, args); err != nil {
				return err
			}
			item := annexcmd.Item{Command: "enableremote", File: name, Input: append([]string{name}, args...)}
			return c.out.print(annexcmd.Outcome{Item: item})
		})
	}
}

func newRenameRemote(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) != 2 {
			return misuse{errors.New("Specify an old name (or uuid or description) and a new name.")}
		}
		return c.reading(func(s *annexcmd.Session) error {
			if err := s.RenameRemote(c.ctx, args[0], args[1]); err != nil {
				return err
			}
			return c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: "rename", NoFile: true, Input: args}})
		})
	}
}
