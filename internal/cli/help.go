package cli

import "github.com/spf13/cobra"

func newHelp(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show help",
		RunE: func(cmd *cobra.Command, args []string) error {
			at := cmd.Root()
			for _, name := range args {
				next, err := a.find(at, name)
				if err != nil {
					return err
				}
				if next != nil {
					at = next
				}
			}
			return at.Help()
		},
	}
}
