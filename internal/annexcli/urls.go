package annexcli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
)

// pairs runs act for "KEY REST" of the arguments or of each line of the batch.
func (c *call) pairs(s *annexcmd.Session, b batch, args []string, act func(k annexkey.Key, rest string, input []string) error) error {
	one := func(text, rest string, input ...string) error {
		k, err := parseKey(text)
		if err != nil {
			return err
		}
		return act(k, rest, input)
	}
	if b.on || len(args) == 0 {
		s.Shared = true
		return c.lines(b.null, func(line string) error {
			text, rest, ok := strings.Cut(line, " ")
			if !ok {
				return errors.New("Expected pairs of key and url")
			}
			return one(text, rest, line)
		})
	}
	if len(args)%2 != 0 {
		return misuse{errors.New("Wrong number of arguments")}
	}
	for ; len(args) > 0; args = args[2:] {
		if err := one(args[0], args[1], args[:2]...); err != nil {
			return err
		}
	}
	return nil
}

func newRegisterURL(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	remote := f.String("remote", "", "the special `REMOTE` that the URL belongs to")
	b.flags(f, false)
	return func(c *call, args []string) error {
		return c.recorded(func(s *annexcmd.Session) error {
			claim := ""
			if *remote != "" {
				r, err := s.Repositories(c.ctx)
				if err != nil {
					return err
				}
				p, err := r.Peer(*remote)
				if err != nil {
					return err
				}
				claim = p.UUID()
			}
			return c.pairs(s, b, args, func(k annexkey.Key, url string, input []string) error {
				by, err := s.Claim(c.ctx, url, claim)
				if err != nil {
					return err
				}
				if err := s.RegisterURL(c.ctx, k, url, by); err != nil {
					return err
				}
				item := annexcmd.Item{Command: "registerurl", File: url, NoFile: true, Input: input}
				return c.out.print(annexcmd.Outcome{Item: item})
			})
		})
	}
}

func newUnregisterURL(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	b.flags(f, false)
	return func(c *call, args []string) error {
		return c.recorded(func(s *annexcmd.Session) error {
			return c.pairs(s, b, args, func(k annexkey.Key, url string, input []string) error {
				if err := s.UnregisterURL(c.ctx, k, url); err != nil {
					return err
				}
				item := annexcmd.Item{Command: "unregisterurl", File: url, NoFile: true, Input: input}
				return c.out.print(annexcmd.Outcome{Item: item})
			})
		})
	}
}

func newRmURL(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	b.flags(f, false)
	return func(c *call, args []string) error {
		return c.recorded(func(s *annexcmd.Session) error {
			one := func(file, url string) error {
				f, ok, err := s.FileOf(c.ctx, file)
				if err != nil {
					return err
				}
				if !ok {
					return nil // as git-annex does
				}
				if err := s.UnregisterURL(c.ctx, f.Key, url); err != nil {
					return err
				}
				return c.out.print(annexcmd.Outcome{Item: f.Item("rmurl")})
			}
			if b.on {
				s.Shared = true
				return c.lines(b.null, func(line string) error {
					file, url, ok := strings.Cut(line, " ")
					if !ok {
						return errors.New("Expected a file and a url")
					}
					return one(file, url)
				})
			}
			if len(args) < 2 {
				return misuse{errors.New("Specify a file and a url.")}
			}
			return one(args[0], args[1])
		})
	}
}

func newFromKey(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	b.flags(f, false)
	return func(c *call, args []string) error {
		return c.recorded(func(s *annexcmd.Session) error {
			return c.pairs(s, b, args, func(k annexkey.Key, path string, input []string) error {
				return s.FromKey(c.ctx, k, path, input)
			})
		})
	}
}

func newSetKey(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) != 2 {
			return misuse{errors.New("specify a key and a content file")}
		}
		return c.recorded(func(s *annexcmd.Session) error {
			return c.pairs(s, batch{}, args, func(k annexkey.Key, path string, _ []string) error { return s.SetKey(c.ctx, k, path) })
		})
	}
}

func newDropKey(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	b.flags(f, false)
	return func(c *call, args []string) error {
		s, err := c.session()
		if err != nil {
			return err
		}
		one := func(text string) error {
			k, err := parseKey(text)
			if err != nil {
				return err
			}
			return s.DropKey(c.ctx, k)
		}
		if b.on {
			s.Shared = true
			if err := c.lines(b.null, one); err != nil {
				return err
			}
		}
		for _, a := range args {
			if err := one(a); err != nil {
				return errors.Join(err, s.JournalOnly(c.ctx))
			}
		}
		c.out.recording(true)
		return s.JournalOnly(c.ctx)
	}
}

func newReinject(f *pflag.FlagSet) func(*call, []string) error {
	known := f.Bool("known", false, "take what any key of the annex has been made of")
	return func(c *call, args []string) error {
		if *known {
			return errors.New("reinject --known is not supported yet")
		}
		if len(args) != 2 {
			return misuse{errors.New("specify a src file and a dest file")}
		}
		return c.recorded(func(s *annexcmd.Session) error {
			file, ok, err := s.FileOf(c.ctx, args[1])
			if err != nil {
				return err
			}
			if !ok {
				return &annexcmd.UnknownPathError{Paths: []string{args[1]}}
			}
			return s.Reinject(c.ctx, args[0], file)
		})
	}
}
