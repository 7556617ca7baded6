package annexcli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
)

func newInit(f *pflag.FlagSet) func(*call, []string) error {
	version := f.String("version", "", "repository version `N`: 8, 9 or 10; older ones become 10 at once")
	autoenable := f.Bool("autoenable", false, "only enable the special remotes that want it")
	noAutoenable := f.Bool("no-autoenable", false, "do not enable special remotes")
	return func(c *call, args []string) error {
		wanted, err := initVersion(*version)
		if err != nil {
			return err
		}
		_ = autoenable
		if err := c.open(); err != nil {
			return err
		}
		desc := strings.Join(args, " ")
		item := annexcmd.Item{Command: "init", File: desc, NoFile: desc == "", Input: args}
		if has := c.d.Repo.Config.Get("annex.version"); c.d.Annex != nil && wanted != "" && wanted != has {
			return c.out.print(annexcmd.Outcome{Item: item, Failed: true, Errors: []string{
				"This repository is already a initialized with version " + has + ", not changing to requested version.",
			}})
		}
		if err := annexcmd.Init(c.ctx, c.d, desc, wanted); err != nil {
			return err
		}
		if !*noAutoenable {
			if err := c.reading(func(s *annexcmd.Session) error { return s.AutoEnable(c.ctx) }); err != nil {
				return err
			}
		}
		c.out.recording(true)
		return c.out.print(annexcmd.Outcome{Item: item})
	}
}

// initVersion is the version that a new repository gets: old ones are upgraded
// right away, which leaves nothing to do in one that is empty.
func initVersion(text string) (string, error) {
	switch text {
	case "", "8", "9", "10":
		return text, nil
	case "3", "4", "5", "6", "7":
		return "10", nil
	}
	return "", misuse{fmt.Errorf("option --version: %s is not a currently supported repository version", text)}
}

// setting runs fn about the repository that the first argument names and
// reports "COMMAND ARG ok".
func (c *call) setting(args []string, fn func(s *annexcmd.Session, uuid string) error) error {
	if len(args) == 0 {
		return misuse{errors.New("Wrong number of arguments")}
	}
	return c.reading(func(s *annexcmd.Session) error {
		r, err := s.Repositories(c.ctx)
		if err != nil {
			return err
		}
		uuid, err := r.Resolve(args[0])
		if err != nil {
			return err
		}
		item := annexcmd.Item{Command: c.command.name, File: args[0], Input: args}
		if err := fn(s, uuid); err != nil {
			return c.out.print(annexcmd.Outcome{Item: item, Failed: true, Errors: []string{err.Error()}})
		}
		return c.out.print(annexcmd.Outcome{Item: item})
	})
}

func newDescribe(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) < 2 {
			return misuse{errors.New("Specify a repository and a description.")}
		}
		return c.setting(args, func(s *annexcmd.Session, uuid string) error {
			return s.Describe(c.ctx, uuid, strings.Join(args[1:], " "))
		})
	}
}

func newTrust(level string) func(*pflag.FlagSet) func(*call, []string) error {
	return func(*pflag.FlagSet) func(*call, []string) error {
		return func(c *call, args []string) error {
			if level == "trust" && !c.common.force {
				return errs.WithHint(errors.New("Trusting a repository can lead to data loss."), "if you're sure you know what you're doing, use --force to make this take effect")
			}
			return c.eachRepository(args, map[string]annexlog.Trust{
				"trust": annexlog.Trusted, "untrust": annexlog.Untrusted, "semitrust": annexlog.Semitrusted,
			}[level])
		}
	}
}

func (c *call) eachRepository(args []string, level annexlog.Trust) error {
	if len(args) == 0 {
		return misuse{errors.New("Specify a repository.")}
	}
	for _, a := range args {
		err := c.setting([]string{a}, func(s *annexcmd.Session, uuid string) error { return s.SetTrust(c.ctx, uuid, level) })
		if err != nil {
			return err
		}
	}
	return nil
}

func newDead(f *pflag.FlagSet) func(*call, []string) error {
	keys := f.StringArray("key", nil, "the `KEY` is lost for good")
	return func(c *call, args []string) error {
		if len(*keys) == 0 {
			return c.eachRepository(args, annexlog.Dead)
		}
		return c.reading(func(s *annexcmd.Session) error {
			for _, text := range *keys {
				k, err := parseKey(text)
				if err != nil {
					return err
				}
				if err := s.MarkDead(c.ctx, k); err != nil {
					return err
				}
				item := annexcmd.Item{Command: "dead", NoFile: true, Key: k, Input: []string{text}}
				if err := c.out.print(annexcmd.Outcome{Item: item}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func newCopies(name string) func(*pflag.FlagSet) func(*call, []string) error {
	return func(*pflag.FlagSet) func(*call, []string) error {
		return func(c *call, args []string) error {
			return c.reading(func(s *annexcmd.Session) error {
				if len(args) == 0 {
					n, ok, err := s.GlobalCopies(c.ctx, name)
					if err != nil {
						return err
					}
					if !ok {
						if name == "mincopies" {
							return c.out.line("global mincopies is not set\n")
						}
						return c.out.line("global " + name + " is not set\n(default is 1)\n")
					}
					return c.out.line(strconv.Itoa(n) + "\n")
				}
				if len(args) > 1 {
					return errors.New("Specify a single number.")
				}
				n, err := strconv.Atoi(args[0])
				if err != nil {
					return fmt.Errorf("Bad number: %s", args[0])
				}
				if n < 1 {
					return errors.New("Cannot set " + name + " to " + args[0] + ".")
				}
				if err := s.SetGlobalCopies(c.ctx, name, n); err != nil {
					return err
				}
				return c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: name, File: args[0], Input: args}})
			})
		}
	}
}

func newGroup(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) == 1 {
			return c.reading(func(s *annexcmd.Session) error {
				r, err := s.Repositories(c.ctx)
				if err != nil {
					return err
				}
				uuid, err := r.Resolve(args[0])
				if err != nil {
					return err
				}
				return c.out.line(strings.Join(r.Groups(uuid), " ") + "\n")
			})
		}
		return c.setting(args, func(s *annexcmd.Session, uuid string) error { return s.SetGroup(c.ctx, uuid, args[1], true) })
	}
}

func newUngroup(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) != 2 {
			return misuse{errors.New("Specify a repository and a group.")}
		}
		return c.setting(args, func(s *annexcmd.Session, uuid string) error { return s.SetGroup(c.ctx, uuid, args[1], false) })
	}
}

func newExpression(required bool) func(*pflag.FlagSet) func(*call, []string) error {
	log := annexlog.PreferredContentFile
	if required {
		log = annexlog.RequiredContentFile
	}
	return func(*pflag.FlagSet) func(*call, []string) error {
		return func(c *call, args []string) error {
			if len(args) == 1 {
				return c.reading(func(s *annexcmd.Session) error {
					r, err := s.Repositories(c.ctx)
					if err != nil {
						return err
					}
					uuid, err := r.Resolve(args[0])
					if err != nil {
						return err
					}
					text, err := s.Setting(c.ctx, log, uuid)
					if err != nil {
						return err
					}
					return c.out.line(text + "\n")
				})
			}
			return c.setting(args, func(s *annexcmd.Session, uuid string) error {
				return s.SetExpression(c.ctx, log, uuid, strings.Join(args[1:], " "))
			})
		}
	}
}

func newGroupWanted(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) == 0 {
			return misuse{errors.New("Specify a group.")}
		}
		return c.reading(func(s *annexcmd.Session) error {
			if len(args) == 1 {
				text, err := s.Setting(c.ctx, annexlog.GroupPreferredContentFile, args[0])
				if err != nil {
					return err
				}
				return c.out.line(text + "\n")
			}
			if err := s.SetExpression(c.ctx, annexlog.GroupPreferredContentFile, args[0], strings.Join(args[1:], " ")); err != nil {
				return err
			}
			return c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: "groupwanted", File: args[0], Input: args}})
		})
	}
}

func newConfig(f *pflag.FlagSet) func(*call, []string) error {
	set := f.String("set", "", "set the setting `NAME` to the argument")
	get := f.String("get", "", "show the setting `NAME`")
	unset := f.String("unset", "", "forget the setting `NAME`")
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			switch {
			case *get != "":
				if err := annexcmd.CheckConfig(*get); err != nil {
					return err
				}
				text, err := s.Setting(c.ctx, annexlog.ConfigFile, *get)
				if err != nil || text == "" {
					return err
				}
				return c.out.line(text + "\n")
			case *set != "" && len(args) == 1:
				if err := s.SetConfig(c.ctx, *set, args[0]); err != nil {
					return err
				}
				return c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: *set, File: args[0], Input: args}})
			case *unset != "":
				if err := s.SetConfig(c.ctx, *unset, ""); err != nil {
					return err
				}
				return c.out.print(annexcmd.Outcome{Item: annexcmd.Item{Command: *unset, File: "unset", Input: args}})
			}
			return misuse{errors.New("Specify --set NAME VALUE, --get NAME or --unset NAME")}
		})
	}
}
