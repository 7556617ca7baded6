package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/clone"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
)

type cloneOptions struct {
	dataset, description, message string
	reckless                      recklessness
	procedures                    []string
}

func newClone(a *app) *cobra.Command {
	var o cloneOptions
	cmd := &cobra.Command{
		Use:   "clone [OPTIONS] SOURCE [PATH [GIT-CLONE-OPTION ...]]",
		Short: "Bring a dataset here, without the content of its annexed files",
		Long: "Clones the dataset at SOURCE: a path, an address that git understands, or\n" +
			"ria+file|ssh|http://STORE#ID[@VERSION] or #~ALIAS. What follows PATH is given\n" +
			"to `git clone`. `get` brings content; from web servers on private networks only\n" +
			"if annex.security.allowed-ip-addresses lists their addresses (see `get --help`).",
		Example:     "  stemma clone ../project job1\n  stemma clone -d . ria+file:///data/store#~raw inputs/raw",
		GroupID:     groupData,
		Annotations: map[string]string{remainder: "yes"},
		RunE:        func(cmd *cobra.Command, args []string) error { return a.clone(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", "`DATASET` in which the clone is registered as a subdataset")
	f.StringVarP(&o.description, "description", "D", "", "describe this copy's place, as `TEXT` (default: user@host:path)")
	o.reckless.flag(f)
	f.StringArrayVarP(&o.procedures, "cfg-proc", "c", nil, "configure the clone with procedure `NAME`; repeatable")
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` of the commit that registers the clone")
	return cmd
}

func (a *app) clone(ctx context.Context, o cloneOptions, args []string) error {
	args = withoutDashes(args)
	if len(args) == 0 {
		return errs.WithExit(&misuse{fmt.Errorf("clone: which SOURCE?")}, errs.ExitUsage)
	}
	opt := clone.Options{
		Source: args[0], Description: o.description, Reckless: string(o.reckless), Message: o.message,
		Procedures: o.procedures, Top: a.getenv("DATALAD_DATASETS_TOPURL"),
	}
	if rest := args[1:]; len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		if rest[0] == opt.Source {
			return errs.WithHint(fmt.Errorf("clone: SOURCE and PATH are the same: %s", rest[0]), "to add a subdataset that is here already, use save")
		}
		opt.Path, opt.GitArgs = a.abs(rest[0]), rest[1:]
	} else {
		opt.GitArgs = rest
	}
	if o.dataset != "" {
		d, err := a.open(ctx, o.dataset, "clone")
		if err != nil {
			return err
		}
		opt.Super = d
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	d, err := clone.Clone(ctx, opt, a.dsEnv(), sink)
	if d != nil {
		d.Close()
	}
	return err
}

// withoutDashes takes the first "--" out, which only separates.
func withoutDashes(args []string) []string {
	if i := slices.Index(args, "--"); i >= 0 {
		return slices.Concat(args[:i], args[i+1:])
	}
	return args
}

// recklessness is the mode of --reckless, whose word may be left out.
type recklessness string

func (r *recklessness) String() string { return string(*r) }

// Type implements pflag.Value.
func (r *recklessness) Type() string { return "MODE" }

// Set takes one of the modes.
func (r *recklessness) Set(s string) error {
	switch {
	case s == "True" || s == "auto":
		*r = "auto"
	case s == "False" || s == "None":
		*r = ""
	case s == "ephemeral", strings.HasPrefix(s, "shared-"):
		*r = recklessness(s)
	default:
		return fmt.Errorf("invalid choice: '%s' (auto, ephemeral, or shared-MODE)", s)
	}
	return nil
}

func (r *recklessness) flag(f *pflag.FlagSet) {
	f.Var(r, "reckless", "trade safety for speed, `MODE`: auto (hard links from this machine), ephemeral\n(use the source's annex itself), shared-MODE (git's shared repositories)")
	optionalValue(f, "reckless", "auto")
}
