package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
)

type saveOptions struct {
	message, messageFile, dataset, tag string
	updated, toGit, amend              bool
	recursion                          recursion
	jobs                               parallel
}

func newSave(a *app) *cobra.Command {
	var o saveOptions
	cmd := &cobra.Command{
		Use:   "save [OPTIONS] [PATH ...]",
		Short: "Record the present state of the dataset",
		Long: "Commits new, changed and deleted files. Large and binary files go to the annex,\n" +
			"the others to git, as the attribute annex.largefiles says. Without PATH\n" +
			"everything in the dataset is saved, except what open jobs will write.",
		Example: "  stemma save -m 'First measurements'\n  stemma save data/ notes.txt",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.save(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` of the commit")
	f.StringVarP(&o.messageFile, "message-file", "F", "", "take the message from `FILE`")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.tag, "version-tag", "t", "", "`TAG` for the state that was saved")
	o.recursion.flags(f)
	f.BoolVarP(&o.updated, "updated", "u", false, "only files that git knows already")
	f.BoolVar(&o.toGit, "to-git", false, "everything goes to git, nothing to the annex")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	f.BoolVar(&o.amend, "amend", false, "replace the last commit; without a message it keeps its own")
	return cmd
}

func (a *app) save(ctx context.Context, o saveOptions, args []string) error {
	if o.message != "" && o.messageFile != "" {
		return errors.New("Both a message and message file were specified for save()")
	}
	d, err := a.open(ctx, o.dataset, "save")
	if err != nil {
		return err
	}
	levels, err := o.recursion.reach()
	if err != nil {
		return err
	}
	opt := dataset.SaveOptions{
		Paths: args, Message: o.message, Updated: o.updated, ToGit: o.toGit, Jobs: int(o.jobs),
		Levels: levels, FromTop: o.dataset != "", Amend: o.amend, Tag: o.tag,
	}
	if o.messageFile != "" {
		if opt.Message, err = readMessage(a.abs(o.messageFile)); err != nil {
			return err
		}
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	_, err = d.Save(ctx, opt, sink)
	return err
}

// maxMessage bounds a message file.
const maxMessage = 16 << 20

func readMessage(path string) (string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read message: %w", err)
	}
	if fi.Size() > maxMessage {
		return "", fmt.Errorf("read message: %s is too large", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read message: %w", err)
	}
	return string(text), nil
}

// recursion are the options -r and -R.
type recursion struct {
	on    bool
	limit string
}

func (r *recursion) flags(f flagSet) {
	f.BoolVarP(&r.on, "recursive", "r", false, "also in subdatasets")
	f.StringVarP(&r.limit, "recursion-limit", "R", "", "at most `N` levels of subdatasets deep")
}

// levels is how deep to go: 0, a number, or dataset.AllLevels. A limit alone
// asks for no recursion.
func (r *recursion) levels() (int, error) {
	n, err := r.reach()
	if !r.on {
		n = 0
	}
	return n, err
}

// reach is levels of the commands that look at the state of files; with them a
// limit alone is enough, as in DataLad.
func (r *recursion) reach() (int, error) {
	switch {
	case r.limit != "":
		n, err := strconv.Atoi(r.limit)
		if err != nil {
			err := fmt.Errorf("argument -R/--recursion-limit: '%s' is not a number", r.limit)
			return 0, &misuse{errs.WithExit(err, errs.ExitUsage)}
		}
		return max(n, dataset.AllLevels), nil
	case r.on:
		return dataset.AllLevels, nil
	}
	return 0, nil
}
