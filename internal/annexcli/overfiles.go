package annexcli

import (
	"context"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

// overFiles makes a command that treats all its files in one go.
func overFiles(f *pflag.FlagSet, act func(*annexcmd.Session, context.Context, []annexcmd.File) error) func(*call, []string) error {
	var sel selection
	sel.flags(f)
	return func(c *call, args []string) error {
		return c.recorded(func(s *annexcmd.Session) error {
			var files []annexcmd.File
			err := sel.each(c, s, args, func(f annexcmd.File) error { files = append(files, f); return nil })
			if aerr := act(s, c.ctx, files); aerr != nil {
				return aerr
			}
			return err
		})
	}
}
