package annexcli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// eachArgument runs fn for the arguments, or the lines of the batch. Where fn
// finds nothing, a line of the batch gets an empty answer, and the command
// fails.
func (c *call) eachArgument(b batch, args []string, fn func(text string) (answer string, found bool, err error)) error {
	missed := false
	one := func(text string) error {
		answer, found, err := fn(text)
		if err != nil {
			return err
		}
		if !found {
			missed = true
			if !b.on {
				return nil
			}
			answer = "\n"
		}
		return c.out.line(answer)
	}
	if b.on {
		return c.lines(b.null, one)
	}
	for _, a := range args {
		if err := one(a); err != nil {
			return err
		}
	}
	if missed {
		return exit(1)
	}
	return nil
}

func newLookupKey(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	ref := f.String("ref", "", "the file in the tree of `REF`")
	b.flags(f, false)
	return func(c *call, args []string) error {
		s, err := c.session()
		if err != nil {
			return err
		}
		return c.eachArgument(b, args, func(path string) (string, bool, error) {
			file, ok, err := s.FileOf(c.ctx, path)
			if *ref != "" {
				file, ok, err = s.TreeFile(c.ctx, *ref, path)
			}
			return file.Key.String() + "\n", ok, err
		})
	}
}

func newContentLocation(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	b.flags(f, false)
	return func(c *call, args []string) error {
		s, err := c.session()
		if err != nil {
			return err
		}
		return c.eachArgument(b, args, func(text string) (string, bool, error) {
			k, err := parseKey(text)
			if err != nil {
				return "", false, err
			}
			path, ok := s.ContentLocation(k)
			return path + "\n", ok, nil
		})
	}
}

func newExamineKey(f *pflag.FlagSet) func(*call, []string) error {
	var (
		b              batch
		format, name   string
		migrateBackend string
	)
	f.StringVar(&format, "format", "", "show by the `TEMPLATE`")
	f.StringVar(&name, "filename", "", "the `NAME` of a file, for --migrate-to-backend")
	f.StringVar(&migrateBackend, "migrate-to-backend", "", "show the key in the other `BACKEND`")
	b.flags(f, false)
	return func(c *call, args []string) error {
		s, err := c.session()
		if err != nil {
			return err
		}
		show := func(text string) (string, bool, error) {
			file := name
			if b.on {
				if k, n, ok := strings.Cut(text, " "); ok && migrateBackend != "" {
					text, file = k, n
				}
			}
			k, err := parseKey(text)
			if err != nil {
				return "", false, err
			}
			if migrateBackend != "" {
				if k, err = annexcmd.MigrateName(k, migrateBackend, file, s.D.ExtRule()); err != nil {
					return "", false, err
				}
			}
			fields := s.ObjectFields(k)
			if c.common.json {
				o := annexcmd.Outcome{Item: annexcmd.Item{Key: k}, Bare: true, Fields: map[string]any{}}
				for n, v := range fields {
					o.Fields[n] = v
				}
				return c.out.bareLine(o), true, nil
			}
			if format != "" {
				return annexcmd.FormatTemplate(format, fields), true, nil
			}
			return k.String() + "\n", true, nil
		}
		return c.eachArgument(b, args, show)
	}
}

func newCalcKey(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	backend := f.StringP("backend", "b", "", "the `BACKEND` of the key")
	b.flags(f, false)
	return func(c *call, args []string) error {
		s, err := c.session()
		if err != nil {
			return err
		}
		return c.eachArgument(b, args, func(path string) (string, bool, error) {
			if !filepath.IsAbs(path) {
				path = filepath.Join(c.Dir, path)
			}
			k, err := s.CalcKey(c.ctx, path, *backend)
			if err != nil && errors.Is(err, os.ErrNotExist) {
				return "", false, nil
			}
			return k.String() + "\n", true, err
		})
	}
}

func newReadPresentKey(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) != 2 {
			return misuse{errors.New("Wrong number of arguments")}
		}
		return c.reading(func(s *annexcmd.Session) error {
			k, err := parseKey(args[0])
			if err != nil {
				return err
			}
			data, err := s.Log(c.ctx, annexlog.LocationPath(k))
			if err != nil {
				return err
			}
			if l, ok := annexlog.ParsePresence(data).Get(args[1]); ok && l.Status == annexlog.StatusPresent {
				return nil
			}
			return exit(1)
		})
	}
}

func newSetPresentKey(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	b.flags(f, false)
	return func(c *call, args []string) error {
		s, err := c.session()
		if err != nil {
			return err
		}
		set := func(words []string) error {
			if len(words) != 3 || words[2] != "0" && words[2] != "1" {
				return misuse{errors.New("Wrong number of arguments")}
			}
			k, err := parseKey(words[0])
			if err != nil {
				return err
			}
			if err := annexlog.CheckValue(words[1]); err != nil {
				return err
			}
			status := annexlog.Status(words[2][0])
			if err := s.Change(c.ctx, annex.SetLocation(k, words[1], status, s.Now())); err != nil {
				return err
			}
			item := annexcmd.Item{Command: "setpresentkey", NoFile: true, Key: k, Input: words}
			return c.out.print(annexcmd.Outcome{Item: item})
		}
		if b.on {
			s.Shared = true
			if err := c.lines(b.null, func(l string) error { return set(strings.Fields(l)) }); err != nil {
				return err
			}
		} else if err := set(args); err != nil {
			return err
		}
		return s.JournalOnly(c.ctx)
	}
}

func newCheckPresentKey(f *pflag.FlagSet) func(*call, []string) error {
	var b batch
	b.flags(f, false)
	return func(c *call, args []string) error {
		c.out.common.quiet = true // the answer is all that is printed
		return c.reading(func(s *annexcmd.Session) error {
			remote := ""
			if b.on {
				if len(args) > 0 {
					remote = args[0]
				}
			} else if len(args) > 1 {
				remote = args[1]
			}
			check := func(text string) (bool, error) {
				k, err := parseKey(text)
				if err != nil {
					return false, err
				}
				return s.CheckPresent(c.ctx, k, remote)
			}
			if b.on {
				return c.lines(b.null, func(l string) error {
					ok, err := check(l)
					if err != nil {
						c.warn(err)
					}
					return c.out.line(map[bool]string{true: "1\n", false: "0\n"}[ok && err == nil])
				})
			}
			if len(args) == 0 {
				return misuse{errors.New("Wrong number of arguments")}
			}
			ok, err := check(args[0])
			if err != nil {
				c.warn(err)
				return exit(100)
			}
			if !ok {
				return exit(1)
			}
			return nil
		})
	}
}
