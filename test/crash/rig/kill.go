package rig

import (
	"os/exec"
	"syscall"
	"time"
)

// Victims says who dies at the chosen moment.
type Victims int

// The ways in which programs die.
const (
	Main  Victims = iota // the program alone; its children go on
	Group                // with its process group, as by kill -9 -PGID
	All                  // with all processes it started, as with the machine
)

func (v Victims) String() string { return [...]string{"main", "group", "all"}[v] }

// KillAfter starts the command and kills the victims after the delay; All is
// the same as Group here. ended reports that the command was faster. It returns when everything that died
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
	if who != Main {
		pid = -pid
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	<-done
	return false, nil
}
