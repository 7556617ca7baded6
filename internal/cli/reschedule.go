package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/reschedule"
	"github.com/stemma-data/stemma/internal/render"
)

type rescheduleOptions struct {
	dataset, message, altDir, script string
	isolated                         string
	since                            optionalText
	report, withFailed, anonymous    bool
	failedTasks, noAutoDependency    bool
	ready, check                     choice
	jobs                             parallel
	scheduler                        schedulerOption
}

func newReschedule(a *app) *cobra.Command {
	o := rescheduleOptions{ready: newChoice("", "inputs", "outputs", "both"), check: newChoice("yes", "yes", "no")}
	cmd := &cobra.Command{
		Use:     "reschedule [OPTIONS] [REVISION | JOB-ID]",
		Aliases: []string{"slurm-reschedule"},
		Short:   "Submit recorded jobs again",
		Long: "Submits again the job that the commit REVISION records (default: the last\n" +
			"commit), with the present state of its inputs. `finish` commits the results.\n\n" +
			"--failed-tasks submits only the failed tasks of arrays: of the open array JOB-ID,\n" +
			"whose outputs hold {task}; of all those that are open; or of an array that\n" +
			"REVISION records. --array=LIST is added to a plain sbatch line.",
		Example: "  stemma reschedule\n  stemma reschedule --since=v1 --report",
		GroupID: groupJobs,
		Args:    atMost(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.reschedule(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.Var(&o.since, "since", "all jobs after `COMMIT`; blank: all that led to REVISION")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` instead of the recorded ones")
	f.StringVar(&o.script, "script", "", "write the commands to `FILE` (- for standard output) instead")
	f.BoolVar(&o.report, "report", false, "show what would be submitted, and do nothing")
	f.BoolVar(&o.withFailed, "with-failed-jobs", false, "also jobs that were committed as failed")
	f.BoolVar(&o.failedTasks, "failed-tasks", false, "only the failed tasks of arrays")
	f.BoolVar(&o.noAutoDependency, "no-auto-dependency", false, "refuse inputs that an open job will write, instead of waiting for it")
	f.Var(&o.ready, "assume-ready", "do not prepare `WHICH` inputs, outputs, or both")
	f.Var(&o.check, "check-outputs", "`yes|no`: refuse outputs that another open job claims")
	f.StringVarP(&o.altDir, "alt-dir", "a", "", "copy the inputs below `PATH` and run the job there")
	f.StringVar(&o.isolated, "isolated", "", "run the job in a folder of its own below `DIR`, with its inputs as they are committed")
	f.BoolVar(&o.anonymous, "anonymous", false, "leave hosts, accounts and absolute paths out of the record")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	o.scheduler.flags(f)
	return cmd
}

func (a *app) reschedule(ctx context.Context, o rescheduleOptions, args []string) error {
	if o.failedTasks && (o.report || o.script != "") {
		return errs.WithExit(errors.New("reschedule: --failed-tasks goes neither with --report nor with --script"), errs.ExitUsage)
	}
	if err := onePlace(o.altDir, o.isolated); err != nil {
		return err
	}
	d, err := a.open(ctx, o.dataset, "reschedule a job")
	if err != nil {
		return err
	}
	s, err := a.scheduler(o.scheduler)
	if err != nil {
		return err
	}
	sink, err := a.report(render.Stop, nil)
	if err != nil {
		return err
	}
	opt := reschedule.Options{
		Revision: strings.Join(args, ""), Since: o.since.value, Message: o.message, WithFailed: o.withFailed,
		FailedTasks: o.failedTasks, NoAutoDependency: o.noAutoDependency,
		AssumeReady: o.ready.value, AltDir: o.altDir, Isolated: o.isolated, Anonymous: o.anonymous, NoCheck: o.check.value == "no",
		Jobs: int(o.jobs), Report: o.report, Stdin: a.stdin, Stderr: a.stderr,
	}
	if o.script == "" {
		return reschedule.Run(ctx, d, s, opt, sink)
	}
	w, err := a.scriptWriter(o.script)
	if err != nil {
		return err
	}
	opt.Script, opt.ScriptLine = w, a.scriptLine("reschedule", o.script, o.since.value, args)
	if err := reschedule.Run(ctx, d, s, opt, sink); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

// scriptWriter opens the file of --script.
func (a *app) scriptWriter(name string) (io.WriteCloser, error) {
	if name == "-" {
		return nopCloser{a.stdout}, nil
	}
	f, err := os.OpenFile(a.abs(name), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o777)
	if err != nil {
		return nil, fmt.Errorf("write script: %w", err)
	}
	return f, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// scriptLine is the call that made a script, for its head.
func (a *app) scriptLine(command, script string, since *string, args []string) string {
	words := []string{a.name, command, "--script=" + script}
	if since != nil {
		words = append(words, "--since="+*since)
	}
	return strings.Join(append(words, args...), " ")
}
