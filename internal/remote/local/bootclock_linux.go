package local

import "golang.org/x/sys/unix"

// BootClock is the time in seconds since the machine was started, sleep
// included: the clock of git-annex's deadlines.
func BootClock() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return int64(ts.Sec)
}
