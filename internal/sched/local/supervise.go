package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// killWait is how long a job has between the signals TERM and KILL.
const killWait = 5 * time.Second

// launchFailure is the "signal" that Slurm gives for a script that could not
// be started, for example because its output file cannot be written.
const launchFailure = 53

// Supervise runs one job or array task ("12", "12_3") of the scheduler whose
// state is in dir, and then starts what waits. It is for the process that the
// scheduler starts under SupervisorName, and returns its exit code; what it
// has to say goes into the job's supervisor.log. Without its entry in the
// state files it does nothing.
func Supervise(ctx context.Context, dir, id string) int {
	syscall.CloseOnExec(3) // the lock that says we live must not outlive us in the script
	signal.Ignore(syscall.SIGHUP)
	runtime.LockOSThread() // the script is to die with the thread that started it
	defer runtime.UnlockOSThread()
	ended, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := supervise(ended, dir, id); err != nil {
		fmt.Fprintf(os.Stderr, "%s supervisor of job %s: %v\n", time.Now().Format(time.RFC3339), id, err)
		return 1
	}
	return 0
}

func supervise(ctx context.Context, dir, id string) error {
	number, key, ok := splitID(id)
	if !ok {
		return errors.New("not a job id")
	}
	s := New(dir, "", 1, "")
	v, t, err := s.adopt(number, key)
	if err != nil {
		return err
	}
	s.self, s.slots = v.Self, v.Slots
	if s.cancelAsked(number, key) {
		t.State, t.Raw = sched.Cancelled, cancelledBy()
	} else if err := s.runScript(ctx, v, key, t); err != nil {
		t.State, t.Raw, t.Signal, t.Reason = sched.Failed, "FAILED", launchFailure, "JobLaunchFailure"
		fmt.Fprintln(os.Stderr, err)
	}
	t.End = s.now()
	if err := s.saveTask(v, key, t); err != nil {
		return err
	}
	return s.locked(context.WithoutCancel(ctx), s.dispatch)
}

// adopt waits until the launcher has written us into the state file.
func (s *Scheduler) adopt(number int, key string) (v *view, t *taskState, err error) {
	err = s.locked(context.Background(), func() error {
		if v, err = s.load(number); err != nil {
			return err
		}
		if t = v.tasks[key]; t == nil || t.State.Final() || t.Supervisor != os.Getpid() {
			return errors.New("the job is not ours to run")
		}
		return nil
	})
	return v, t, err
}

// runScript runs the script to its end and sets how it ended. An error means
// that it could not be started.
func (s *Scheduler) runScript(ctx context.Context, v *view, key string, t *taskState) error {
	cmd, err := s.command(v, key)
	if err != nil {
		return err
	}
	defer closeFiles(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	t.Script, t.ScriptTime = cmd.Process.Pid, processStart(cmd.Process.Pid)
	if err := s.saveTask(v, key, t); err != nil {
		fmt.Fprintln(os.Stderr, err) // how it ends is what counts
	}
	limit := (<-chan time.Time)(nil)
	if v.TimeLimit > 0 {
		limit = time.After(time.Duration(v.TimeLimit) * time.Second)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
		setExit(t, cmd.ProcessState)
	case <-limit:
		endGroup(cmd.Process.Pid, done)
		t.State, t.Raw, t.Reason = sched.Timeout, "TIMEOUT", "TimeLimit"
	case <-ctx.Done():
		endGroup(cmd.Process.Pid, done)
		s.setEnded(v, key, t)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the script left behind
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		t.MaxRSS = int64(usage.Maxrss) * rssUnit
	}
	return nil
}

// setEnded tells a cancelled job from one that the machine ended.
func (s *Scheduler) setEnded(v *view, key string, t *taskState) {
	if s.cancelAsked(v.ID, key) {
		t.State, t.Raw = sched.Cancelled, cancelledBy()
		return
	}
	t.State, t.Raw, t.Reason = sched.NodeFail, "NODE_FAIL", "the supervisor was told to end"
}

// endGroup ends a script and what it started, with time to clean up.
func endGroup(group int, done <-chan error) {
	_ = syscall.Kill(-group, syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(killWait):
		_ = syscall.Kill(-group, syscall.SIGKILL)
		<-done
	}
}

func setExit(t *taskState, p *os.ProcessState) {
	t.State, t.Raw = sched.Completed, "COMPLETED"
	if p.Success() {
		return
	}
	t.State, t.Raw, t.Reason = sched.Failed, "FAILED", "NonZeroExitCode"
	if status, ok := p.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		t.Signal, t.Reason = int(status.Signal()), "RaisedSignal"
		return
	}
	t.ExitCode = p.ExitCode()
}

// command prepares the script with its files and environment.
func (s *Scheduler) command(v *view, key string) (*exec.Cmd, error) {
	var env []string
	if err := readJSON(s.jobFile(v.ID, "env.json"), &env); err != nil {
		return nil, err
	}
	if info, err := os.Stat(v.WorkDir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("working directory %s does not exist", v.WorkDir)
	}
	cmd := exec.Command(s.jobFile(v.ID, "script"), v.Args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = v.WorkDir, append(env, s.variables(v, key)...), scriptAttributes()
	return cmd, s.openFiles(v, key, cmd)
}

// openFiles opens standard input, output and error of a task.
func (s *Scheduler) openFiles(v *view, key string, cmd *exec.Cmd) error {
	if v.Input != "" {
		in, err := os.Open(v.names(key, s.host).Expand(v.Input))
		if err != nil {
			return err
		}
		cmd.Stdin = in
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if v.Append {
		mode = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	stdout, stderr := v.files(key, s.host)
	out, err := os.OpenFile(stdout, mode, 0o666)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = out, out
	if stderr == stdout {
		return nil
	}
	errFile, err := os.OpenFile(stderr, mode, 0o666)
	if err != nil {
		return err
	}
	cmd.Stderr = errFile
	return nil
}

func closeFiles(cmd *exec.Cmd) {
	for _, f := range []any{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		if f, ok := f.(*os.File); ok {
			f.Close()
		}
	}
}

// variables are those that Slurm sets for a batch script.
func (s *Scheduler) variables(v *view, key string) []string {
	own := v.ownID(key)
	cpus := strconv.Itoa(max(v.NTasks*v.CPUs, 1))
	vars := []string{
		"SLURM_JOB_ID=" + own, "SLURM_JOBID=" + own, "SLURM_JOB_NAME=" + v.Name, "SLURM_JOB_USER=" + v.User,
		"SLURM_JOB_UID=" + strconv.Itoa(os.Getuid()), "SLURM_SUBMIT_DIR=" + v.SubmitDir, "SLURM_SUBMIT_HOST=" + v.Host,
		"SLURM_CLUSTER_NAME=local", "SLURM_JOB_PARTITION=local", "SLURM_JOB_NODELIST=" + s.host, "SLURM_NODELIST=" + s.host,
		"SLURMD_NODENAME=" + s.host, "SLURM_JOB_NUM_NODES=1", "SLURM_NNODES=1", "SLURM_NODEID=0", "SLURM_PROCID=0", "SLURM_LOCALID=0",
		"SLURM_CPUS_ON_NODE=" + cpus, "SLURM_JOB_CPUS_PER_NODE=" + cpus, "SLURM_NTASKS=" + strconv.Itoa(v.NTasks),
		"SLURM_NPROCS=" + strconv.Itoa(v.NTasks), "SLURM_CPUS_PER_TASK=" + strconv.Itoa(v.CPUs),
	}
	if len(v.Array) == 0 {
		return vars
	}
	lo, hi := v.Array[0], v.Array[0]
	for _, n := range v.Array {
		lo, hi = min(lo, n), max(hi, n)
	}
	return append(vars, "SLURM_ARRAY_JOB_ID="+v.id(), "SLURM_ARRAY_TASK_ID="+key[1:], "SLURM_ARRAY_TASK_COUNT="+strconv.Itoa(len(v.Array)),
		"SLURM_ARRAY_TASK_MIN="+strconv.Itoa(lo), "SLURM_ARRAY_TASK_MAX="+strconv.Itoa(hi))
}
