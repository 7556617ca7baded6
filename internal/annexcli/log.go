package annexcli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

// logOptions are those of log.
type logOptions struct {
	sel             selection
	rawDate, gource bool
	max             int
}

func newLog(f *pflag.FlagSet) func(*call, []string) error {
	var o logOptions
	f.BoolVar(&o.rawDate, "raw-date", false, "dates as seconds since 1970")
	f.BoolVar(&o.gource, "gource", false, "for the program gource")
	for _, name := range timeLimits() {
		f.String(name, "", "only what is "+map[bool]string{true: "newer", false: "older"}[name == "since" || name == "after"]+" than the `DATE`")
	}
	f.IntVar(&o.max, "max-count", -1, "at most `NUMBER` commits for each file")
	f.BoolVarP(&o.sel.all, "all", "A", false, "all keys, also those that no file has")
	o.sel.matching.flags(f)
	return func(c *call, args []string) error {
		if c.common.json || c.common.jsonErrors || c.common.jsonProgress {
			return misuse{errors.New("Invalid option `--json'")}
		}
		if o.sel.all && len(args) > 0 {
			return errors.New("Can only specify one of file names or --all")
		}
		return c.reading(func(s *annexcmd.Session) error { return o.run(c, s, f, args) })
	}
}

// timeLimits are the options that are git's own.
func timeLimits() []string { return []string{"since", "after", "until", "before"} }

func (o *logOptions) run(c *call, s *annexcmd.Session, f *pflag.FlagSet, args []string) error {
	var limits []string
	for _, name := range timeLimits() {
		if t, _ := f.GetString(name); t != "" {
			limits = append(limits, "--"+name+"="+t)
		}
	}
	h, err := s.NewHistory(c.ctx, limits, o.max)
	if err != nil {
		return err
	}
	r, err := s.Repositories(c.ctx)
	if err != nil {
		return err
	}
	show := func(e annexcmd.Event) error { return c.out.line(o.line(e, r.Description(e.UUID))) }
	if o.sel.all {
		return h.Everything(c.ctx, show)
	}
	var files []annexcmd.File
	err = o.sel.each(c, s, args, func(f annexcmd.File) error { files = append(files, f); return nil })
	return errors.Join(h.Files(c.ctx, files, show), err)
}

// line is one event as git-annex prints it.
func (o *logOptions) line(e annexcmd.Event, description string) string {
	if description == "" {
		description = e.UUID
	}
	mark, letter := "-", "M"
	if e.Added {
		mark, letter = "+", "A"
	}
	if o.gource && !o.rawDate {
		return fmt.Sprintf("%d|%s|%s|%s\n", e.Time, description, letter, name(e.File))
	}
	when := fmt.Sprintf("%ds", e.Time)
	if !o.rawDate {
		when = time.Unix(e.Time, 0).In(localZone()).Format("Mon, _2 Jan 2006 15:04:05 MST")
	}
	return fmt.Sprintf("%s %s %s | %s -- %s\n", mark, when, name(e.File), e.UUID, description)
}

// localZone is the offset that the clock on the wall has now, for all dates.
func localZone() *time.Location {
	return time.FixedZone(time.Now().Zone())
}
