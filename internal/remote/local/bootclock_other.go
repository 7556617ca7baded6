//go:build !linux

package local

import "golang.org/x/sys/unix"

// BootClock is a time in seconds that never goes back.
func BootClock() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return int64(ts.Sec)
}
