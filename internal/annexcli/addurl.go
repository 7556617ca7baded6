package annexcli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newAddURL(f *pflag.FlagSet) func(*call, []string) error {
	var (
		o annexcmd.AddURLOptions
		b batch
	)
	f.StringVar(&o.File, "file", "", "the `FILE` to make")
	f.BoolVar(&o.Relaxed, "relaxed", false, "neither download nor check the size")
	f.IntVar(&o.PathDepth, "pathdepth", 0, "how many parts of the URL's path to leave out of the name")
	f.StringVar(&o.Prefix, "prefix", "", "what the name begins with")
	f.StringVar(&o.Suffix, "suffix", "", "what the name ends with")
	f.StringVarP(&o.Backend, "backend", "b", "", "the `BACKEND` for keys")
	withFiles := f.Bool("with-files", false, "lines of the batch are \"URL FILE\"")
	f.BoolVar(&o.Raw, "raw", false, "do not ask special remotes whether the URL is theirs")
	f.Bool("no-check-gitignore", false, "as without it: .gitignore is not looked at")
	f.Lookup("no-check-gitignore").Hidden = true
	unsupported(f, "no-raw", "preserve-filename")
	b.flags(f, false)
	return func(c *call, args []string) error {
		return c.recorded(func(s *annexcmd.Session) error {
			if b.on {
				s.Shared = true
				return c.lines(b.null, func(line string) error {
					opt := o
					opt.Input = []string{line}
					url := line
					if *withFiles {
						var ok bool
						if url, opt.File, ok = strings.Cut(line, " "); !ok {
							return errors.New("batch input is missing FILE, expected: URL FILE")
						}
					}
					return s.AddURL(c.ctx, url, opt)
				})
			}
			for _, url := range args {
				opt := o
				opt.Input = []string{url}
				if err := s.AddURL(c.ctx, url, opt); err != nil {
					return err
				}
			}
			return nil
		})
	}
}
