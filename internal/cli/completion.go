package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/container"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/procedure"
)

// newShellCompletion prints a script for the user's shell.
func newShellCompletion(a *app) *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "shell-completion [bash|zsh|fish]",
		Short: "Print a script that makes the shell complete command lines",
		Long: "Prints a script for the shell that SHELL names, or for the one given. It completes\n" +
			"commands, options and files, and where they are meant siblings, containers, job\n" +
			"ids, procedures, and commits with a record.",
		Example:   "  source <(stemma shell-completion)\n  stemma shell-completion fish > stemma.fish",
		GroupID:   groupData,
		Args:      atMost(1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			shell := filepath.Base(a.getenv("SHELL"))
			if len(args) > 0 {
				shell = args[0]
			}
			root := cmd.Root()
			switch shell {
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			case "bash", "sh", "dash", ".":
				return root.GenBashCompletionV2(a.stdout, true)
			}
			return errs.WithHint(fmt.Errorf("shell-completion: %s is not known", shell), "name one: %s", strings.Join(shells, ", "))
		},
	}
}

// completer proposes words that begin with what was typed.
type completer func(ctx context.Context, d *dataset.Dataset) []string

// complete makes commands complete what the dataset knows.
func (a *app) complete(root *cobra.Command) {
	byFlag := map[string]completer{
		"to": siblingNames, "source": siblingNames, "sibling": siblingNames, "from": nil,
		"container-name": containerNames, "since": recordedCommits, "onto": recordedCommits, "slurm-job-id": openJobs,
	}
	byArgument := map[string]completer{
		"rerun": recordedCommits, "reschedule": recordedCommits, "containers-remove": containerNames,
		"run-procedure": a.procedureNames, "finish": openJobs,
	}
	for _, cmd := range root.Commands() {
		for name, list := range byFlag {
			if list != nil && cmd.Flags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, a.completion(list))
			}
		}
		if list := byArgument[cmd.Name()]; list != nil {
			cmd.ValidArgsFunction = a.completion(list)
		}
	}
}

// completion asks the dataset of the working folder; where there is none,
// nothing is proposed.
func (a *app) completion(list completer) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		ctx := context.Background()
		named, _ := cmd.Flags().GetString("dataset")
		d, err := a.open(ctx, named, "complete a command line")
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var fitting []string
		for _, w := range list(ctx, d) {
			if strings.HasPrefix(w, typed) {
				fitting = append(fitting, w)
			}
		}
		return fitting, cobra.ShellCompDirectiveNoFileComp
	}
}

// siblingNames lists the remotes.
func siblingNames(_ context.Context, d *dataset.Dataset) []string {
	var names []string
	seen := map[string]bool{}
	for _, key := range d.Repo.Config.Keys("remote.") {
		rest := strings.TrimPrefix(key, "remote.")
		if dot := strings.LastIndexByte(rest, '.'); dot > 0 && !seen[rest[:dot]] {
			seen[rest[:dot]] = true
			names = append(names, rest[:dot])
		}
	}
	return names
}

// openJobs lists the ids of jobs that have not been finished yet.
func openJobs(ctx context.Context, d *dataset.Dataset) []string {
	claims, err := d.Claims(ctx)
	if err != nil {
		return nil
	}
	var ids []string
	for _, c := range claims {
		if c.Job != "" && c.Job[0] != '#' && !slices.Contains(ids, c.Job) {
			ids = append(ids, c.Job)
		}
	}
	return ids
}

func containerNames(ctx context.Context, d *dataset.Dataset) []string {
	list, err := container.List(ctx, d, false, nil)
	if err != nil {
		return nil
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	return names
}

// recordedCommits lists commits with a record, newest first, with their title.
func recordedCommits(ctx context.Context, d *dataset.Dataset) []string {
	const most = "50"
	out, err := d.Repo.Output(ctx, "log", "-n", most, "--no-color", "--format=%h\t%s", "-E", "--grep=^\\[DATALAD (SLURM )?RUN")
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func (a *app) procedureNames(ctx context.Context, d *dataset.Dataset) []string {
	list, err := a.procedures(d).All(ctx, "")
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range list {
		names = append(names, describeProcedure(p))
	}
	return names
}

func describeProcedure(p procedure.Procedure) string {
	if p.Help == "" {
		return p.Name
	}
	first, _, _ := strings.Cut(p.Help, "\n")
	return p.Name + "\t" + first
}
