package schedule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/sched"
	"github.com/stemma-data/stemma/internal/sched/sbatchline"
)

// helperSetting holds options of sbatch for the jobs of --auto-finish, such as
// "--partition=short --time=30".
const helperSetting = "stemma.autofinish.options"

// HelperDir takes what the helpers print; one that succeeds leaves nothing.
func HelperDir(d *dataset.Dataset) string {
	return filepath.Join(commit.StateDir(d.Repo), "autofinish")
}

// AddHelper submits the helper of a scheduled job, if asked to. The job is
// scheduled whatever comes of that: it can be finished by hand.
func (c *Job) AddHelper(ctx context.Context) {
	if c.opt.AutoFinish == "" {
		return
	}
	if err := submitHelper(ctx, c.d, c.s, &c.job, c.opt.AutoFinish); err != nil {
		c.d.Env.Log.Warn(fmt.Sprintf("job %s will not be finished automatically: %v; use `stemma finish %s` when it is over", c.job.JobID, err, c.job.JobID))
	}
}

// submitHelper submits a small job that runs when j is over, however it ended,
// and finishes it with the given program.
func submitHelper(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, j *ledger.Job, program string) error {
	dir := HelperDir(d)
	if err := d.Repo.MakeShared(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, jobstate.Patience)
	defer cancel()
	out := filepath.Join(dir, "finish-"+j.JobID+".out")
	args := helperArgs(ctx, s, j, out)
	// git's configuration only: with options such as --wrap, .datalad/config could
	// run what it likes.
	args = append(args, sbatchline.ShellWords(d.Repo.Config.Get(helperSetting))...)
	// The words reach sbatch as they are: the shell only finds it on PATH.
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", `exec sbatch "$@"`, "sh"}, args...)...)
	cmd.Dir = j.WorkTree
	cmd.Env = append(helperEnv(d.Env.Vars), s.Environ()...)
	cmd.Env = append(cmd.Env, "PWD="+cmd.Dir)
	cmd.Stdin = strings.NewReader(helperScript(s.Name(), j, program, out))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, _, ok := s.ParseSubmission(stdout.Bytes()); ok {
		return nil
	}
	why := submission.Answer{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Exit: submission.ExitOf(cmd.ProcessState)}.Reason()
	if err = errors.Join(ctx.Err(), err); why == "" && err != nil {
		why = err.Error()
	}
	return errs.WithHint(fmt.Errorf("the helper was not submitted: %s", why), "options for it can be set as %s", helperSetting)
}

// helperArgs are the words for sbatch. The job's account, partition and quality
// of service serve for the helper, too: many sites demand them.
func helperArgs(ctx context.Context, s sched.Scheduler, j *ledger.Job, out string) []string {
	args := []string{
		"--parsable", "--job-name=stemma-finish-" + j.JobID, "--dependency=afterany:" + j.JobID,
		"--ntasks=1", "--open-mode=append", "--output=" + strings.ReplaceAll(out, "%", "%%"), "--chdir=" + j.WorkTree,
	}
	if j.Cluster != "" {
		args = append(args, "--clusters="+j.Cluster)
	}
	if s.Name() == "local" {
		return args
	}
	desc, err := s.Describe(ctx, jobrec.QueryID(j))
	if err != nil {
		return args
	}
	for _, f := range desc.Fields {
		option := map[string]string{"Account": "--account=", "Partition": "--partition=", "QOS": "--qos="}[f.Key]
		if option != "" && f.Value != "" && !strings.HasPrefix(f.Value, "(") && f.Value != "N/A" {
			args = append(args, option+f.Value)
		}
	}
	return args
}

// helperInherits are the variables by which people choose where jobs run; all
// others of sbatch ask for what the user's job needs, and the helper does not.
var helperInherits = []string{"SBATCH_ACCOUNT", "SBATCH_PARTITION", "SBATCH_QOS", "SBATCH_CLUSTERS", "SBATCH_RESERVATION"}

func helperEnv(vars []string) (env []string) {
	for _, kv := range vars {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "SBATCH_") || slices.Contains(helperInherits, name) {
			env = append(env, kv)
		}
	}
	return env
}

// helperScript waits, if it must, until the scheduler's word on the job is
// final: accounting lags behind.
func helperScript(scheduler string, j *ledger.Job, program, out string) string {
	finish := pyfmt.ShellJoin([]string{program, "finish", "--watch", "--scheduler", scheduler, j.JobID})
	return "#!/bin/sh\n" +
		"# Commits the results of a job; from `stemma schedule --auto-finish`.\n" +
		"cd " + pyfmt.ShellQuote(j.WorkTree) + " || exit\n" +
		finish + " || exit\n" +
		"rm -f " + pyfmt.ShellQuote(out) + "\n"
}
