package annexcli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/screen"
)

// call is one command on its way.
type call struct {
	Call
	ctx     context.Context
	command command
	common  common
	out     *printer
	d       *dataset.Dataset
	s       *annexcmd.Session
}

// common are the options of all commands.
type common struct {
	config                         []string
	force, fast, auto, quiet       bool
	verbose, debug                 bool
	json, jsonErrors, jsonProgress bool
	jobs, userAgent                string
	numCopies, minCopies           int
	trust                          []annexcmd.TrustOverride
	limits                         limits
}

// withoutJSON are the commands that git-annex refuses --json for, so that
// programs which try whether it is there learn the same.
var withoutJSON = []string{
	"rmurl", "sync", "unannex", "fix", "migrate", "unused", "dropunused", "addunused", "merge", "upgrade", "init",
	"enableremote", "describe", "dead", "numcopies", "mincopies", "group", "ungroup", "wanted",
	"required", "groupwanted", "adjust", "reinit", "uninit", "config", "trust", "untrust", "semitrust", "list", "log",
	"version", "lookupkey", "contentlocation", "calckey", "checkpresentkey", "readpresentkey", "setkey", "reinject",
	"setpresentkey", "filter-process", "smudge", "pre-commit", "post-receive", "restage", "testremote",
}

// withProgress are the commands that can tell of progress in JSON.
var withProgress = []string{"add", "get", "copy", "move", "mirror", "addurl", "export", "import"}

// flags declares the options for a command.
func (o *common) flags(f *pflag.FlagSet, command string) {
	short := func(name, letter string) string {
		if f.ShorthandLookup(letter) != nil {
			return ""
		}
		return letter
	}
	add := func(p *bool, name, letter, help string) {
		if f.Lookup(name) == nil {
			f.BoolVarP(p, name, short(name, letter), false, help)
		}
	}
	f.StringArrayVarP(&o.config, "config", "c", nil, "set `NAME=VALUE` in git's configuration for this command")
	add(&o.force, "force", "", "allow actions that may lose data")
	add(&o.fast, "fast", "F", "avoid slow operations")
	add(&o.auto, "auto", "", "only where it is wanted, or needed for enough copies")
	add(&o.quiet, "quiet", "q", "no messages")
	add(&o.verbose, "verbose", "v", "as without it")
	add(&o.debug, "debug", "d", "as without it")
	if !slices.Contains(withoutJSON, command) {
		add(&o.json, "json", "j", "one JSON object for each item")
		add(&o.jsonErrors, "json-error-messages", "", "JSON, with errors in the objects")
	}
	if slices.Contains(withProgress, command) {
		add(&o.jsonProgress, "json-progress", "", "JSON, with objects that tell of progress")
	}
	f.StringVarP(&o.jobs, "jobs", "J", "", "`N` items at once")
	f.IntVarP(&o.numCopies, "numcopies", short("numcopies", "N"), 0, "need `N` copies")
	f.IntVar(&o.minCopies, "mincopies", 0, "need `N` copies that are certain to be there")
	f.StringVar(&o.userAgent, "user-agent", "", "not supported yet: `NAME`")
	markUnsupported(f, "user-agent")
	f.Var(&trustOption{&o.trust, annexlog.Trusted}, "trust", "of no effect, as that could lose data")
	f.Var(&trustOption{&o.trust, annexlog.Semitrusted}, "semitrust", "trust the `REPOSITORY` as usual, whatever is configured")
	f.Var(&trustOption{&o.trust, annexlog.Untrusted}, "untrust", "do not trust the `REPOSITORY`")
	o.limits.flags(f)
	for _, name := range []string{"verbose", "debug", "user-agent", "trust"} {
		if fl := f.Lookup(name); fl != nil {
			fl.Hidden = true
		}
	}
}

// refuse is the error about an option that the command does not have.
func (o *common) refuse(command string) error {
	if o.auto && !slices.Contains([]string{"get", "copy", "drop"}, command) {
		return misuse{errors.New("Invalid option `--auto'")}
	}
	return nil
}

// jobs is how many items are worked on at once; 0 for a few.
func (c *call) jobs() int {
	text := c.common.jobs
	if text == "" && c.d != nil {
		text = c.d.Repo.Config.Get("annex.jobs")
	}
	if text == "cpus" {
		return runtime.NumCPU()
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// checkClock refuses a GIT_ANNEX_VECTOR_CLOCK that would be of no effect.
func (c *call) checkClock() error {
	text := c.getenv("GIT_ANNEX_VECTOR_CLOCK")
	if text == "" {
		return nil
	}
	if _, err := annexlog.ParseClock(text); err != nil {
		return fmt.Errorf("GIT_ANNEX_VECTOR_CLOCK: %w", err)
	}
	return nil
}

// help shows all commands, or the options of one.
func (c *call) help(args []string) error {
	if len(args) > 1 {
		for _, k := range commands() {
			if k.name == args[1] {
				f := pflag.NewFlagSet(k.name, pflag.ContinueOnError)
				f.SortFlags = false
				k.make(f)
				c.command = k
				c.common.flags(f, k.name)
				return c.usage(c.Stdout, f)
			}
		}
	}
	fmt.Fprintf(c.Stdout, "Usage: git-annex COMMAND\n  git-annex - manage files with git, without checking their contents in\n  (Stemma %s)\n\n", c.Version)
	for _, k := range commands() {
		fmt.Fprintf(c.Stdout, "  %-16s%-22s%s\n", k.name, k.args, k.short)
	}
	return nil
}

func (c *call) usage(w io.Writer, f *pflag.FlagSet) error {
	_, err := fmt.Fprintf(w, "git-annex %s - %s\n\nUsage: git-annex %s %s [OPTIONS]\n\n%s", c.command.name, c.command.short, c.command.name, c.command.args, f.FlagUsages())
	return err
}

// warn tells what went wrong with one item.
func (c *call) warn(err error) {
	c.out.flush()
	fmt.Fprintf(screen.Filter(c.Stderr), "git-annex: %v\n", err)
}
