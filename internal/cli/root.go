package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/errs"
)

// remainder marks commands whose options end at the first argument, because
// what follows is a command line of its own.
const remainder = "remainder"

// root builds the command tree with the one command of this name, or with all
// where there is none such, or where it needs the others.
func (a *app) root(name string) *cobra.Command {
	root := a.bareRoot()
	list := commands()
	if i := slices.IndexFunc(list, func(l listed) bool { return l.has(name) }); i >= 0 && !needsAll(name) {
		list = list[i : i+1]
		root.CompletionOptions.DisableDefaultCmd = true
	}
	for _, l := range list {
		cmd := l.build(a)
		a.finishCommand(cmd)
		root.AddCommand(cmd)
		if cmd.Name() == "help" {
			root.SetHelpCommand(cmd)
		}
	}
	a.complete(root)
	return root
}

// needsAll names the commands that speak of all others.
func needsAll(name string) bool {
	return slices.Contains([]string{"help", "docs", "shell-completion"}, name)
}

func (a *app) bareRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   a.name,
		Short: "Research data and how it was made, under version control",
		Long: "Stemma keeps research data, and how it was made, under version control:\n" +
			"on a laptop and on a cluster. It reads and writes the formats of git,\ngit-annex and DataLad.",
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.AddGroup(&cobra.Group{ID: groupData, Title: "Datasets:"}, &cobra.Group{ID: groupRuns, Title: "Commands and their records:"},
		&cobra.Group{ID: groupJobs, Title: "Batch jobs:"})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Flags().SortFlags = false
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{.CommandPath}} [command]{{end}}",
		"{{.CommandPath}}{{if not .HasParent}} [global options]{{end}} COMMAND [options]{{end}}", 1))
	root.Flags().AddFlagSet(new(globals).flags()) // for the help text
	return root
}

// Groups of commands in the help text.
const (
	groupData = "data"
	groupRuns = "runs"
	groupJobs = "jobs"
)

// finishCommand gives a command what all commands have.
func (a *app) finishCommand(cmd *cobra.Command) {
	cmd.DisableFlagsInUseLine = true
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolP("help", "h", false, "show this help")
	f.Bool("help-np", false, "show this help without a pager")
	f.Bool("version", false, "show the version")
	for _, name := range []string{"help-np", "version"} {
		f.Lookup(name).Hidden = true
	}
	if cmd.Annotations[remainder] != "" {
		f.SetInterspersed(false)
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err, true) })
	if cmd.Args == nil {
		cmd.Args = cobra.ArbitraryArgs
	}
	for _, sub := range cmd.Commands() {
		a.finishCommand(sub)
	}
	if inner := cmd.RunE; inner != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if on(cmd, "help-np") {
				return cmd.Help()
			}
			if on(cmd, "version") {
				return a.printVersion()
			}
			return inner(cmd, args)
		}
	}
}

func on(cmd *cobra.Command, flag string) bool {
	v, err := cmd.Flags().GetBool(flag)
	return err == nil && v
}

// noArgs is for commands without arguments.
func noArgs(_ *cobra.Command, args []string) error { return atMost(0)(nil, args) }

// atMost is for commands with up to n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return unknownArguments(args[n:])
		}
		return nil
	}
}

// dispatch finds the command and runs it.
func (a *app) dispatch(ctx context.Context, args []string) error {
	if a.global.version {
		return a.printVersion()
	}
	if a.global.help {
		return a.root("").Help()
	}
	if len(args) == 0 {
		return &misuse{errMissingCommand}
	}
	if isOption(args[0]) {
		return unknownArguments(args[:1])
	}
	root := a.root(args[0])
	cmd, err := a.find(root, args[0])
	if err != nil {
		return err
	}
	if cmd != nil {
		if args, err = a.prepare(cmd, args); err != nil {
			return err
		}
	}
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// prepare notes which command runs and rewrites its options.
func (a *app) prepare(cmd *cobra.Command, args []string) ([]string, error) {
	names, rest := []string{args[0]}, args[1:]
	for len(rest) > 0 {
		sub, _, err := cmd.Find(rest[:1])
		if err != nil || sub == cmd {
			break
		}
		cmd, names, rest = sub, append(names, rest[0]), rest[1:]
	}
	a.command, a.usage = cmd.Name(), cmd.UseLine()
	rest, err := expandOptions(cmd.Flags(), rest, cmd.Annotations[remainder] != "")
	if err == nil && cmd.Annotations[pairOptions] != "" {
		rest, err = expandPairs(rest, cmd.Annotations[pairOptions])
	}
	if err != nil {
		return nil, &misuse{err}
	}
	return append(names, rest...), nil
}

// find looks a command up by its name or alias. Cobra's own commands give nil.
func (a *app) find(root *cobra.Command, name string) (*cobra.Command, error) {
	for _, cmd := range root.Commands() {
		if cmd.Name() == name || cmd.HasAlias(name) {
			return cmd, nil
		}
	}
	if name == "completion" || strings.HasPrefix(name, "__complete") {
		return nil, nil
	}
	text := fmt.Sprintf("Unknown command '%s'.", name)
	root.SuggestionsMinimumDistance = 2
	if s := root.SuggestionsFor(name); len(s) > 0 {
		text += " Did you mean " + strings.Join(s, ", ") + "?"
	}
	return nil, errs.WithHint(fmt.Errorf("%s", text), "see '%s --help'", a.name)
}

// printVersion prints the line that scripts look for.
func (a *app) printVersion() error {
	line := a.name + " " + a.version
	if a.name == "datalad" {
		line = "datalad " + compatibleWith
	}
	_, err := io.WriteString(a.stdout, line+"\n")
	return err
}

// compatibleWith is the version of DataLad whose command line this is.
const compatibleWith = "1.6.1"
