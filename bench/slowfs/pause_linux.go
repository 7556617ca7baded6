package slowfs

import (
	"time"

	"golang.org/x/sys/unix"
)

// pause sleeps to within a tenth of a millisecond, which time.Sleep does not:
// it rounds up to whole milliseconds where nothing else is to be done.
func pause(d time.Duration) {
	if d > 20*time.Millisecond {
		time.Sleep(d)
		return
	}
	left := unix.NsecToTimespec(int64(d))
	for unix.Nanosleep(&left, &left) == unix.EINTR {
	}
}
