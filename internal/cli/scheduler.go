package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/sched"
	"github.com/stemma-data/stemma/internal/sched/slurm"
)

// schedulerOption is --scheduler, which commands about jobs have.
type schedulerOption struct{ choice }

func (o *schedulerOption) flags(f flagSet) {
	o.allowed = []string{"auto", "slurm", "local"}
	f.Var(&o.choice, "scheduler", "`NAME` slurm, local (this machine), or auto (slurm where there is an sbatch); also stemma.scheduler")
}

// scheduler chooses the batch system for new jobs: the option, the setting
// stemma.scheduler (or STEMMA_SCHEDULER), or what is on PATH. Jobs that were
// submitted elsewhere are asked about there.
func (a *app) scheduler(o schedulerOption) (sched.Scheduler, error) {
	name := o.value
	if name == "" {
		name = a.setting("stemma.scheduler")
	}
	_, found := a.findSbatch()
	local, localErr := a.localScheduler()
	switch name {
	case "", "auto":
		if found {
			name = "slurm"
		}
	case "local":
	case "slurm":
		if !found {
			err := fmt.Errorf("scheduler slurm: there is no sbatch on PATH")
			return nil, errs.WithHint(err, "load Slurm's module, or use --scheduler local")
		}
	default:
		err := fmt.Errorf("scheduler '%s' is not known", name)
		return nil, errs.WithExit(errs.WithHint(err, "choose from auto, slurm, local"), errs.ExitUsage)
	}
	switch {
	case name == "slurm" && localErr != nil:
		return slurm.New(slurm.Exec(a.env)), nil
	case name == "slurm":
		return sched.NewSet(slurm.New(slurm.Exec(a.env)), local), nil
	case localErr != nil:
		return nil, localErr
	case found:
		return sched.NewSet(local, slurm.New(slurm.Exec(a.env))), nil
	}
	return local, nil
}

// findSbatch looks for Slurm's sbatch on PATH; our own does not count.
func (a *app) findSbatch() (string, bool) {
	self, err := os.Executable()
	if err != nil {
		self = ""
	}
	for _, dir := range filepath.SplitList(a.getenv("PATH")) {
		path, err := exec.LookPath(filepath.Join(a.abs(dir), "sbatch"))
		if err == nil && !sameFolder(path, self) {
			return path, true
		}
	}
	return "", false
}
