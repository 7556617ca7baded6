package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/export"
	"github.com/stemma-data/stemma/internal/render"
)

type exportArchiveOptions struct {
	dataset                    string
	kind, compression, missing choice
}

func newExportArchive(a *app) *cobra.Command {
	o := exportArchiveOptions{
		kind: newChoice("tar", "tar", "zip"), compression: newChoice("gz", "gz", "bz2", ""),
		missing: newChoice("error", "error", "continue", "ignore"),
	}
	cmd := &cobra.Command{
		Use:   "export-archive [OPTIONS] [PATH]",
		Short: "Write the dataset's files into an archive",
		Long: "Writes the files of the present commit into a tar or zip archive, the content of\n" +
			"annexed files in place of their links. PATH is the archive, with or without its\n" +
			"ending, or a folder for it (default: datalad_ID.tar.gz here).",
		Example: "  stemma export-archive results\n  stemma export-archive -t zip ../results",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.exportArchive(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.VarP(&o.kind, "archivetype", "t", "`KIND` of archive: tar or zip")
	f.VarP(&o.compression, "compression", "c", "`KIND` of compression: gz, bz2 (tar only), or '' for none")
	f.Var(&o.missing, "missing-content", "what to do about files without content: `WHAT` error, continue (leave out), ignore\n(leave out, say nothing)")
	return cmd
}

func (a *app) exportArchive(ctx context.Context, o exportArchiveOptions, args []string) error {
	if len(args) > 1 {
		return unknownArguments(args[1:])
	}
	d, err := a.open(ctx, o.dataset, "export archive")
	if err != nil {
		return err
	}
	opt := export.ArchiveOptions{Path: a.cwd, Kind: o.kind.value, Compression: o.compression.value, Missing: o.missing.value}
	if len(args) == 1 {
		opt.Path = a.abs(args[0])
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return export.Archive(ctx, d, opt, sink)
}
