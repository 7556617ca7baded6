package run

import (
	"os/exec"
	"syscall"
	"time"
)

// signalOf returns the number of the signal that ended the process.
func signalOf(ee *exec.ExitError) int {
	if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return int(ws.Signal())
	}
	return 0
}

// grace is how long a command that is told to end may take.
const grace = 5 * time.Second

// leadGroup gives the command a process group of its own, all of which is told
// to end with the command's context.
func leadGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
}

// endGroup waits until nothing is left of the command's process group, and kills
// what does not go by itself.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process == nil {
		return
	}
	for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if syscall.Kill(-cmd.Process.Pid, 0) == syscall.ESRCH {
			return
		}
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
