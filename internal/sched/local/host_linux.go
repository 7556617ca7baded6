package local

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// bootID changes when the machine starts anew.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(id))
}

// processStart tells two processes of the same number apart; "" if there is
// no such process.
func processStart(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	return string(fields[19])
}

// scriptAttributes puts the script into a session of its own, to be killed
// when its supervisor dies.
func scriptAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

const rssUnit = 1024 // of ru_maxrss
