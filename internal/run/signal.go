package run

import (
	"os/exec"
	"syscall"
)

// signalOf returns the number of the signal that ended the process.
func signalOf(ee *exec.ExitError) int {
	if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return int(ws.Signal())
	}
	return 0
}
