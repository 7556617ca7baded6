package cli

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"github.com/stemma-data/stemma/internal/annexcli"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/sched/local"
)

const supervisorName = local.SupervisorName

// localScheduler is the scheduler of this machine, with its state in the
// folder of the environment's choice.
func (a *app) localScheduler() (*local.Scheduler, error) {
	dir := a.getenv(local.EnvDir)
	if dir == "" {
		dir = a.stateFolder()
	}
	if dir == "" {
		return nil, errs.WithHint(fmt.Errorf("local scheduler: no folder for its state"), "set HOME, or %s", local.EnvDir)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("local scheduler: %w", err)
	}
	return local.New(dir, self, a.slots(), a.getenv("PATH")), nil
}

// stateFolder follows the XDG base directory specification.
func (a *app) stateFolder() string {
	if dir := a.getenv("XDG_STATE_HOME"); dir != "" {
		return dir + "/stemma/local"
	}
	if home := a.getenv("HOME"); home != "" {
		return home + "/.local/state/stemma/local"
	}
	return ""
}

// slots is how many tasks the local scheduler runs at once.
func (a *app) slots() int {
	for _, text := range []string{a.getenv(local.EnvSlots), a.setting("stemma.local.slots")} {
		if n, err := strconv.Atoi(text); err == nil && n > 0 {
			return n
		}
	}
	return runtime.NumCPU()
}

// schedulerFace plays one of Slurm's programs for the local scheduler. The
// name under which the app was called is in its usage.
func schedulerFace(a *app, args []string) int {
	s, err := a.localScheduler()
	if err == nil {
		a.cwd, err = workingFolder(a.getenv("PWD"))
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "%s: error: %v\n", a.face, err)
		return errs.ExitFailure
	}
	call := local.Call{Args: args, Env: a.env, Dir: a.cwd, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr}
	exit, _ := s.Shim(context.Background(), a.face, call)
	return exit
}

// supervisorFace is the process that watches over one job of the local
// scheduler.
func supervisorFace(a *app, args []string) int {
	if len(args) != 2 {
		fmt.Fprintf(a.stderr, "usage: %s FOLDER JOB\n", supervisorName)
		return errs.ExitUsage
	}
	return local.Supervise(context.Background(), args[0], args[1])
}

// gitAnnexFace plays git-annex.
func gitAnnexFace(a *app, args []string) int {
	var err error
	if a.cwd, err = workingFolder(a.getenv("PWD")); err != nil {
		fmt.Fprintf(a.stderr, "git-annex: %v\n", err)
		return errs.ExitFailure
	}
	return annexcli.Main(a.annexCall(args))
}

// annexCall is a command of git-annex in this app's surroundings.
func (a *app) annexCall(args []string) annexcli.Call {
	return annexcli.Call{
		Args: args, Env: a.env, Dir: a.cwd, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr,
		Version: a.version, Log: a.log,
	}
}
