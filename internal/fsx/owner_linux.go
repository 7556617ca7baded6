package fsx

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// pidNamespace returns the name space in which os.Getpid counts. A /proc that
// was mounted for another name space lists other processes under our numbers;
// then there is no answer.
func pidNamespace() string {
	self, err := os.Readlink("/proc/self")
	if err != nil || self != strconv.Itoa(os.Getpid()) {
		return ""
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return ns
}

// processStart returns the start time of a process in clock ticks since boot,
// and whether it lives. A zombie is dead. It answers "", true if in doubt.
func processStart(pid int) (start string, alive bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		gone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
		// With hidepid other users' processes look absent; kill knows better.
		if gone && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			return "", false
		}
		return "", true
	}
	return parseStat(b)
}

// parseStat reads the state and the start time (fields 3 and 22) of a line of
// /proc/PID/stat. The command name in field 2 may contain blanks and brackets.
func parseStat(b []byte) (start string, alive bool) {
	i := bytes.LastIndexByte(b, ')')
	fields := strings.Fields(string(b[i+1:]))
	if i < 0 || len(fields) < 20 {
		return "", true
	}
	if state := fields[0]; state == "Z" || state == "X" || state == "x" {
		return "", false
	}
	return fields[19], true
}
