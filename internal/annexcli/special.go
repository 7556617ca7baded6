package annexcli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newInitRemote(f *pflag.FlagSet) func(*call, []string) error {
	sameAs := f.String("sameas", "", "the new remote has the same content as `REMOTE`")
	private := f.Bool("private", false, "nothing about the remote reaches the git-annex branch: only this clone knows it")
	whatElse := f.BoolP("whatelse", "w", false, "describe the other parameters that the remote could have, and set up none")
	return func(c *call, args []string) error {
		if len(args) == 0 {
			return misuse{errors.New("Specify a name for the remote.")}
		}
		if *whatElse {
			return c.reading(func(s *annexcmd.Session) error { return describeOthers(c, s, args, *sameAs) })
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

// describeOthers tells which parameters a remote could have beside those given.
func describeOthers(c *call, s *annexcmd.Session, args []string, sameAs string) error {
	list, err := s.OtherParameters(c.ctx, annexcmd.NewRemote{Name: args[0], Words: args[1:], SameAs: sameAs})
	if err != nil {
		return err
	}
	fields := map[string]any{}
	var text strings.Builder
	for _, p := range list {
		fields[p.Name] = map[string]any{"description": p.About, "valuedescription": p.Values}
		fmt.Fprintf(&text, "%s\n\t%s\n", p.Name, p.About)
		if p.Values != "" {
			fmt.Fprintf(&text, "\t(%s)\n", p.Values)
		}
	}
	item := annexcmd.Item{Command: "initremote", NoFile: true, Input: args}
	return c.out.print(annexcmd.Outcome{Item: item, Text: text.String(), Fields: map[string]any{"whatelse": fields}})
}

func newEnableRemote(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		name := ""
		if len(args) > 0 {
			name, args = args[0], args[1:]
		}
		return c.reading(func(s *annexcmd.Session) error {
			note, err := s.EnableRemote(c.ctx, name, args)
			if err != nil {
				return err
			}
			item := annexcmd.Item{Command: "enableremote", File: name, Input: append([]string{name}, args...)}
			o := annexcmd.Outcome{Item: item}
			if note != "" {
				o.Notes = []annexcmd.Note{{Text: "encryption update"}, {Text: note}}
			}
			return c.out.print(o)
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
