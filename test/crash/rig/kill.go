package rig

import (
	"os/exec"
	"syscall"
	"time"
)

// KillAfter starts the command and kills the victims after the delay. ended
// reports that the command was faster. It returns when everything that died
// is gone; children that were spared may still run.
func KillAfter(cmd *exec.Cmd, delay time.Duration, who Victims) (ended bool, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return true, err
	case <-time.After(delay):
	}
	pid := cmd.Process.Pid
	if who == Group {
		pid = -pid
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	<-done
	return false, nil
}
