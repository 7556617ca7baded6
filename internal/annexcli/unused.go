package annexcli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
)

func newUnused(f *pflag.FlagSet) func(*call, []string) error {
	from := f.StringP("from", "f", "", "look at what the `REMOTE` has")
	refspec := f.String("used-refspec", "", "the refs whose files count: `+REF:+GLOB:-GLOB:reflog`")
	return func(c *call, _ []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			spec, err := usedRefs(s, *refspec, f.Changed("used-refspec"))
			if err != nil {
				return err
			}
			if *from != "" && *from != "." && *from != "here" {
				return c.unusedAt(s, *from, spec)
			}
			u, err := s.FindUnused(c.ctx, spec)
			if err != nil {
				return err
			}
			return c.showUnused(".", "Some annexed data is no longer used by any files:", "dropunused NUMBER", u)
		})
	}
}

func (c *call) unusedAt(s *annexcmd.Session, name string, spec annexcmd.RefSpec) error {
	r, err := s.Repositories(c.ctx)
	if err != nil {
		return err
	}
	p, err := r.Peer(name)
	if err != nil {
		return c.step("unused "+name, fmt.Errorf("git-annex: %w", err))
	}
	u, err := s.FindUnusedAt(c.ctx, p.UUID(), spec)
	if err != nil {
		return err
	}
	name = p.Spec.Name
	return c.showUnused(name, "Some annexed data on "+name+" is not used by any files:", "dropunused --from "+name+" NUMBER", u)
}

// showUnused prints the lists with their numbers.
func (c *call) showUnused(place, title, remedy string, u annexcmd.Unused) error {
	if c.common.quiet {
		return nil
	}
	var b strings.Builder
	how := "checking for unused data..."
	if c.common.fast {
		how = "fast mode enabled; only finding stale files"
	}
	fmt.Fprintf(&b, "unused %s (%s) ", place, how)
	n := 0
	list := func(title, between string, keys []annexkey.Key) {
		if len(keys) == 0 {
			return
		}
		b.WriteString("\n  " + title + "\n    NUMBER  KEY\n")
		for _, k := range keys {
			n++
			fmt.Fprintf(&b, "    %-7d %s\n", n, k)
		}
		b.WriteString(between + "  \n  To remove unwanted data: git-annex " + remedy + "\n  \n")
	}
	list(title, "  (To see where this data was previously used, run: git annex whereused --historical --unused\n", u.Keys)
	list("Some corrupted files have been preserved by fsck, just in case:", "", u.Bad)
	list("Some partially transferred data exists in temporary files:", "", u.Tmp)
	return c.out.line(b.String() + "ok\n")
}

// usedRefs is what the option says, or else the setting; nil for all refs.
func usedRefs(s *annexcmd.Session, option string, given bool) (annexcmd.RefSpec, error) {
	const setting = "annex.used-refspec"
	if given {
		spec, err := annexcmd.ParseRefSpec(option)
		if err != nil {
			return nil, misuse{fmt.Errorf("option --used-refspec: %w", err)}
		}
		return spec, nil
	}
	text := s.D.Repo.Config.Get(setting)
	if text == "" {
		return nil, nil
	}
	spec, err := annexcmd.ParseRefSpec(text)
	if err != nil {
		return nil, errs.WithHint(fmt.Errorf("%s: %w", setting, err), "correct it with `git config "+setting+" …`, or unset it")
	}
	return spec, nil
}

func newDropUnused(f *pflag.FlagSet) func(*call, []string) error {
	from := f.StringP("from", "f", "", "drop from the `REMOTE`")
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			d, err := s.NewDropper(c.ctx, *from)
			if err != nil {
				return err
			}
			err = s.UnusedByNumber(args, func(n annexcmd.Numbered) error { return d.DropUnused(c.ctx, n) })
			return errors.Join(err, d.Flush(c.ctx))
		})
	}
}

func newAddUnused(*pflag.FlagSet) func(*call, []string) error {
	return func(c *call, args []string) error {
		return c.recorded(func(s *annexcmd.Session) error {
			return s.UnusedByNumber(args, func(n annexcmd.Numbered) error { return s.AddUnused(c.ctx, n) })
		})
	}
}
