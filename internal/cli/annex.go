package cli

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/annexcli"
	"github.com/stemma-data/stemma/internal/errs"
)

func newAnnex(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "annex COMMAND [OPTIONS] [ARG ...]",
		Short: "The commands of git-annex",
		Long: "Runs a command of git-annex, with its options and its output. `annex help` lists\n" +
			"them. Under the name git-annex this program serves the same commands.",
		GroupID:            groupData,
		DisableFlagParsing: true,
		Annotations:        map[string]string{remainder: "true"},
		RunE:               func(_ *cobra.Command, args []string) error { return a.annex(args) },
	}
}

// annex ends with git-annex's own messages and exit code.
func (a *app) annex(args []string) error {
	if code := annexcli.Main(a.annexCall(args)); code != 0 {
		return errs.WithExit(errDone, code)
	}
	return nil
}

// errDone ends a command that has said everything.
var errDone = errors.New("")
