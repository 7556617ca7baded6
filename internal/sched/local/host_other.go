//go:build !linux

package local

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// bootID changes when the machine starts anew.
func bootID() string {
	at, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return ""
	}
	return strconv.FormatInt(int64(at.Sec), 10)
}

// processStart is not known here, so that no orphan is ever killed.
func processStart(int) string { return "" }

func scriptAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

const rssUnit = 1 // of ru_maxrss
